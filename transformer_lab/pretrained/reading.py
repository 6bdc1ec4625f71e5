"""Reading: from a name or a path to a model of ours.

Reads `config.json` with `safetensors` (one file, or several and an index), from a
folder or from the Hugging Face Hub, and GGUF files. It never reads pickles
(`pytorch_model.bin`): loading one may run a stranger's code.

Taught in chapter 15.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from transformer_lab.pretrained.families import build
from transformer_lab.pretrained.gguf_file import read_gguf

_ONE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_NO_PICKLE = "we read only safetensors: loading a pickle (.bin, .pt) may run a stranger's code"
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


def from_pretrained(name_or_path: str | Path) -> nn.Module:
    """A pretrained model, as an `Encoder`, `Decoder` or `EncoderDecoder` of this book.

    A BERT that comes with the head that guesses hidden words is a `MaskedWords`.

    Args:
        name_or_path: a folder with `config.json` and `safetensors`, a GGUF file, or
            a name on the Hugging Face Hub, such as "openai-community/gpt2".

    Raises:
        FileNotFoundError: if there is no such path, or a file is missing in it.
        ConnectionError: if a name cannot be fetched from the Hub.
        ValueError: if a file is damaged, or it is a model that we do not build.
    """
    path = Path(name_or_path)
    if path.is_dir():
        return _read_folder(path)
    if path.is_file():
        if path.suffix == ".gguf":
            return read_gguf(path)
        raise ValueError(f"{path} is neither a folder nor a GGUF file; {_NO_PICKLE}")
    if path.suffix != ".gguf" and _HUB_NAME.fullmatch(str(name_or_path)):
        return _read_folder(_fetch(str(name_or_path)))
    raise FileNotFoundError(f"there is no folder or file {name_or_path}")


def _read_folder(folder: Path) -> nn.Module:
    return build(_read_json(folder / "config.json"), _read_weights(folder))


def _read_json(path: Path) -> dict:
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} has no {path.name}")
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged: it holds no names and values")
    return content


def _read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder, from one file or from several."""
    if (folder / _ONE).exists():
        return _read_safetensors(folder / _ONE)
    if not (folder / _INDEX).exists():
        raise FileNotFoundError(f"{folder} has no {_ONE}; {_NO_PICKLE}")
    places = _read_index(folder / _INDEX)
    weights: dict[str, Tensor] = {}
    for file in sorted(set(places.values())):
        tensors = _read_safetensors(folder / file)
        if strange := [name for name in tensors if places.get(name) != file]:
            raise ValueError(f"{file} holds {strange[0]!r}, which its index does not say")
        weights |= tensors
    if missing := places.keys() - weights.keys():
        raise ValueError(f"the files of {folder} lack {min(missing)!r}, which their index promises")
    return weights


def _read_index(path: Path) -> dict[str, str]:
    """For each tensor the file in which it is."""
    places = _read_json(path).get("weight_map")
    if not isinstance(places, dict):
        raise ValueError(f"{path} is damaged: it has no weight_map")
    # A name that leads elsewhere would read files that are none of the model's.
    for name in places.values():
        if not isinstance(name, str) or Path(name).name != name:
            raise ValueError(f"{path} is damaged: {name!r} is no file beside it")
    return places


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} has no {path.name}")
    try:
        with safe_open(path, framework="pt") as file:
            writer = (file.metadata() or {}).get("format", "pt")
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if writer != "pt":  # other frameworks store some tensors the other way round
        raise ValueError(f"{path} holds weights as {writer!r} has them; we read torch's ('pt')")
    return weights


def _fetch(name: str) -> Path:
    """The folder with a model's files from the Hub; later calls find it in its cache.

    Raises:
        ConnectionError: if it cannot be fetched; the sentence says why.
    """
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    except ImportError as error:
        raise ConnectionError(
            f"there is no folder {name!r} here, and to fetch it from the Hugging Face Hub the "
            "huggingface_hub package is needed: pip install huggingface_hub"
        ) from error
    try:
        folder = Path(hf_hub_download(name, "config.json")).parent
        try:
            hf_hub_download(name, _ONE)
        except LocalEntryNotFoundError:  # no network: the index would not come, either
            raise
        except EntryNotFoundError:
            index = Path(hf_hub_download(name, _INDEX))
            for part in sorted(set(_read_index(index).values())):
                hf_hub_download(name, part)
    except LocalEntryNotFoundError as error:
        raise ConnectionError(_unreachable(name, error)) from error
    except EntryNotFoundError as error:
        raise ConnectionError(f"{name!r} on the Hub lacks what we read; {_NO_PICKLE}") from error
    except OSError as error:  # what the network raises, and what the Hub answers
        raise ConnectionError(_unreachable(name, error)) from error
    return folder


def _unreachable(name: str, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return (
        f"there is no folder {name!r} here, and it could not be fetched from the Hugging Face "
        f"Hub: {reason}"
    )

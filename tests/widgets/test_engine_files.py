"""The page passes over nothing in a file: it gives Python's numbers, or says one sentence."""

from __future__ import annotations

import base64
import json

import pytest
import torch
from tokenizers import Tokenizer

from tests.changed_files import changed
from tests.tokenization.test_changed_files import FILES, TEXTS
from transformer_lab.model_file import model_file, read_model
from transformer_lab.models import Config, Decoder
from transformer_lab.tokenization import BPETokenizer

IDS = [5, 9, 2, 7]
# Puts each header before the same numbers, and runs what then stands there.
RUN = """([numbers, headers, ids]) => headers.map((header) => {
  const text = new TextEncoder().encode(header), rest = bytes(numbers);
  const file = new Uint8Array(8 + text.length + rest.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(rest, 8 + text.length);
  try {
    const { logits } = model_file.loadModel(file).decoder.forward(ids);
    return { logits: logits.map((row) => [...row]) };
  } catch (error) {
    return { refusal: `${error.name}: ${error.message}` };
  }
})"""


@pytest.fixture(scope="module")
def parts():
    """The header of a small model file, and the bytes of its numbers."""
    torch.manual_seed(0)
    tokenizer = BPETokenizer.from_json(FILES["bpe"][1])
    sizes = {"max_len": 8, "d_model": 8, "n_heads": 2, "n_layers": 1, "d_ff": 12}
    model = Decoder(Config(vocab_size=len(tokenizer), **sizes))
    content = model_file(model, tokenizer, start="<x>", unseen_tokens="[7]")
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def one_sentence(refusal: str) -> bool:
    return refusal.startswith(("Error: ", "RangeError: ")) and "\n" not in refusal


@torch.no_grad()
def check(engine, numbers: bytes, headers: dict[str, dict]) -> list[str]:
    """Python's logits or one sentence for each header; what was read is returned."""
    # JavaScript has one kind of number; a whole one of this size does not fit into torch's.
    texts = [json.dumps(header).replace(str(10**30), "1e30") for header in headers.values()]
    results = engine(RUN, [base64.b64encode(numbers).decode(), texts, IDS])
    read = []
    for what, text, result in zip(headers, texts, results, strict=True):
        if "refusal" in result:
            assert one_sentence(result["refusal"]), (what, result)
            continue
        header = text.encode()
        model, _ = read_model(len(header).to_bytes(8, "little") + header + numbers)
        expected = model(torch.tensor([IDS]))[0]
        if not expected.isfinite().all():
            continue  # such as of vectors times 1e30
        assert (torch.tensor(result["logits"]) - expected).abs().max() < 1e-4, what
        read.append(what)
    return read


def with_metadata(header: dict, **metadata: str) -> dict:
    return header | {"__metadata__": header["__metadata__"] | metadata}


def test_each_choice_of_the_config_counts(engine, parts):
    header, numbers = parts
    config = json.loads(header["__metadata__"]["config"])
    headers = {what: with_metadata(header, config=json.dumps(new)) for what, new in changed(config)}
    read = check(engine, numbers, {"unchanged": header} | headers)
    assert read[0] == "unchanged"
    assert len(read) < len(headers) / 5  # such as another activation


def test_each_entry_of_the_header_counts(engine, parts):
    header, numbers = parts
    tensors = {name: place for name, place in header.items() if name != "__metadata__"}
    metadata = changed(header["__metadata__"])
    headers = {what: header | {"__metadata__": new} for what, new in metadata}
    for name, place in [*tensors.items()][::4]:
        for what, new in changed(place):
            if new != place:
                headers[f"{name}: {what}"] = header | {name: new}
        others = {other: header[other] for other in header if other != name}
        headers[f"{name} is gone"] = others
        headers[f"{name} has another name"] = others | {f"{name}.old": place}
        headers[f"{name} is flat"] = header | {name: place | {"shape": [*place["shape"], 1]}}
    headers["one more"] = header | {
        "blocks.1.more": {"dtype": "F32", "shape": [0], "data_offsets": [len(numbers)] * 2}
    }
    first, second = [*tensors][:2]
    headers["two in one place"] = header | {first: header[second]}
    # Only notes beside the model may change, such as after how many steps it was written.
    read = check(engine, numbers, headers)
    assert all("'start'" in what or "'unseen_tokens'" in what for what in read), read
    cut = check(engine, numbers[:-4], {"the end is missing": header})
    assert not cut + check(engine, numbers + bytes(4), {"too long": header})


@pytest.mark.parametrize("kind", ["bpe", "digits", "wordpiece"])
def test_each_field_of_a_tokenizer_counts(engine, kind):
    reader = "wordpiece.WordPieceTokenizer" if kind == "wordpiece" else "tokenizer.BPETokenizer"
    original = json.loads(FILES[kind][1])
    files = {what: json.dumps(new) for what, new in changed(original) if "post_proc" not in what}
    results = engine(
        f"""([files, texts]) => files.map((file) => {{
          try {{
            const made = new {reader}(file);
            return {{ ids: texts.map((text) => made.encode(text)) }};
          }} catch (error) {{ return {{ refusal: `${{error.name}}: ${{error.message}}` }}; }}
        }})""",
        [[*files.values()], TEXTS],
    )
    for (what, file), result in zip(files.items(), results, strict=True):
        if "refusal" in result:
            assert one_sentence(result["refusal"]), (what, result)
            continue
        try:
            theirs = Tokenizer.from_str(file)
        except Exception:  # it is pickier about what it does not use
            continue
        expected = [theirs.encode(text, add_special_tokens=False).ids for text in TEXTS]
        assert result["ids"] == expected, what

"""Families: what each one's config and tensors mean in this book's classes.

A family is a row: which class, which choices of `Config`, which names its tensors
have, and what is stored otherwise than here. No family has a class of its own.

Sources: BERT: Devlin et al. 2019; GPT-2: Radford et al. 2019; LLaMA: Touvron et
al. 2023; Gemma: Gemma Team 2024 (1 and 2), 2025 (3); Marian: Junczys-Dowmunt et
al. 2018. The names are those of Hugging Face's `transformers`.
Taught in chapter 15.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from transformer_lab.config import Config
from transformer_lab.embeddings import SinusoidalPositions
from transformer_lab.models import Decoder, Encoder, EncoderDecoder, MaskedWords

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Family:
    """How one family is written down, and what that means here."""

    model: type[nn.Module]
    choices: Callable[[dict], dict]  # from its config.json to the choices of Config
    names: dict[str, str]  # in its tensors' names, what is on the left becomes the right
    left_out: str = "$^"  # tensors that are no weights, or belong to another task
    convert: Callable[[Weights, Config], Weights] = lambda weights, config: weights


def build(config: dict, weights: Weights) -> nn.Module:
    """A model of ours with the weights of a pretrained one.

    Args:
        config: what stands in its `config.json`.
        weights: its tensors, under Hugging Face's names.

    Raises:
        ValueError: if it is of no family that we know, or weights are missing or
            too many, or do not fit.
    """
    family = find(config.get("model_type"))
    try:
        choices = Config(**family.choices(config))
    except KeyError as missing:
        raise ValueError(f"the config has no {missing}, which this family needs") from None
    kind, names, left_out = family.model, family.names, family.left_out
    if kind is Encoder and any(name.startswith("cls.predictions.") for name in weights):
        kind, names, left_out = MaskedWords, names | _BERT_GUESSES, _BERT_GUESSES_LEFT_OUT
    if choices.tie_head:
        left_out += r"|^lm_head\.weight$"
    renamed = {
        rename(name, names): tensor
        for name, tensor in weights.items()
        if not re.search(left_out, name)
    }
    return fill(kind, choices, family.convert(renamed, choices))


def find(model_type: str | None) -> Family:
    """The family of this name.

    Raises:
        ValueError: if there is none.
    """
    if model_type not in FAMILIES:
        raise ValueError(f"model_type={model_type!r} is not one of {', '.join(FAMILIES)}")
    return FAMILIES[model_type]


def rename(name: str, names: dict[str, str]) -> str:
    """Our name of a tensor, from theirs."""
    for theirs, ours in names.items():
        name = re.sub(theirs, ours, name)
    return name


def fill(kind: type[nn.Module], config: Config, weights: Weights) -> nn.Module:
    """A model with these weights; one sentence says what does not fit.

    The model is first put together without memory for its weights, and then takes
    those that were read: they are never there twice.
    """
    with torch.device("meta"):
        model = kind(config)
    own = model.state_dict()
    if missing := own.keys() - weights.keys():
        raise ValueError(f"the weights lack {len(missing)} tensors, such as {min(missing)!r}")
    if unknown := weights.keys() - own.keys():
        raise ValueError(f"{len(unknown)} tensors have no place here, such as {min(unknown)!r}")
    for name, tensor in weights.items():
        if tensor.shape != own[name].shape:
            raise ValueError(
                f"{name} has the shape {tuple(tensor.shape)}, but {tuple(own[name].shape)} fits"
            )
    weights = {name: tensor.float().contiguous() for name, tensor in weights.items()}
    model.load_state_dict(weights, assign=True)
    if config.positions == "sinusoidal":  # in no file, so they are computed
        model.embeddings.position = SinusoidalPositions(config.max_len, config.d_model)
    return model.eval().requires_grad_(True)


def require(config: dict, **expected) -> None:
    """Raise a ValueError if the config makes a choice that this book's blocks do not.

    Args:
        config: a `config.json`.
        expected: for each name the values that will do; a missing one will, too.
    """
    for name, values in expected.items():
        if name in config and config[name] not in values:
            wanted = " or ".join(map(repr, values))
            raise ValueError(f"{name}={config[name]!r} is not worked out here, only {wanted}")


# --- BERT --------------------------------------------------------------------------


def _bert(config: dict) -> dict:
    require(
        config,
        hidden_act=["gelu"],
        position_embedding_type=["absolute"],
        is_decoder=[False],
        add_cross_attention=[False],
        tie_word_embeddings=[True],
    )
    return {
        "vocab_size": config["vocab_size"],
        "max_len": config["max_position_embeddings"],
        "d_model": config["hidden_size"],
        "n_heads": config["num_attention_heads"],
        "n_layers": config["num_hidden_layers"],
        "d_ff": config["intermediate_size"],
        "n_token_types": config["type_vocab_size"],
        "embedding_norm": True,
        "activation": "gelu",
        "norm_order": "post",
        "norm_eps": config["layer_norm_eps"],
    }


_BERT_NAMES = {
    r"^bert\.": "",
    r"gamma$": "weight",  # in the first files of 2018
    r"beta$": "bias",
    r"^embeddings\.(token_type|position)_embeddings": r"embeddings.\1",
    r"^embeddings\.word_embeddings": "embeddings.token",
    r"^embeddings\.LayerNorm": "embedding_norm",
    r"^encoder\.layer": "blocks",
    r"\.attention\.self\.": ".attention.",
    r"\.attention\.output\.dense": ".attention.output",
    r"\.attention\.output\.LayerNorm": ".attention_norm",
    r"\.intermediate\.dense": ".feed_forward.expand",
    r"(\.\d+)\.output\.dense": r"\1.feed_forward.contract",
    r"(\.\d+)\.output\.LayerNorm": r"\1.feed_forward_norm",
}
# With the head that guesses hidden words, the encoder is one part of `MaskedWords`.
_BERT_GUESSES = {
    r"^(embeddings|embedding_norm|blocks)\.": r"encoder.\1.",
    r"^cls\.predictions\.transform\.dense": "transform",
    r"^cls\.predictions\.transform\.LayerNorm": "norm",
    r"^cls\.predictions\.": "",
}
# A table of 0, 1, 2, ...; what sums up a whole text; the guess whether two texts
# follow each other; the guessing head's second names for weights that it shares.
_BERT_LEFT_OUT = r"position_ids$|^(bert\.)?pooler\.|^cls\."
_BERT_GUESSES_LEFT_OUT = (
    r"position_ids$|^(bert\.)?pooler\.|^cls\.seq_relationship|^cls\.predictions\.decoder"
)


# --- GPT-2 -------------------------------------------------------------------------

_GPT2_ACTIVATIONS = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu"}


def _gpt2(config: dict) -> dict:
    require(
        config,
        activation_function=list(_GPT2_ACTIVATIONS),
        scale_attn_weights=[True],
        scale_attn_by_inverse_layer_idx=[False],
        add_cross_attention=[False],
    )
    return {
        "vocab_size": config["vocab_size"],
        "max_len": config["n_positions"],
        "d_model": config["n_embd"],
        "n_heads": config["n_head"],
        "n_layers": config["n_layer"],
        "d_ff": config.get("n_inner") or 0,
        "activation": _GPT2_ACTIVATIONS[config.get("activation_function", "gelu_new")],
        "norm_eps": config.get("layer_norm_epsilon", 1e-5),
        "tie_head": config.get("tie_word_embeddings", True),
    }


_GPT2_NAMES = {
    r"^transformer\.": "",
    r"^wte": "embeddings.token",
    r"^wpe": "embeddings.position",
    r"^h\.": "blocks.",
    r"\.ln_1": ".attention_norm",
    r"\.attn\.c_proj": ".attention.output",
    r"\.attn\.c_attn": ".attention.qkv",
    r"\.ln_2": ".feed_forward_norm",
    r"\.mlp\.c_fc": ".feed_forward.expand",
    r"\.mlp\.c_proj": ".feed_forward.contract",
    r"^ln_f": "final_norm",
    r"^lm_head": "head",
}


def _gpt2_convert(weights: Weights, config: Config) -> Weights:
    """Its linear layers stand the other way round, and queries, keys, values in one."""
    result = {}
    for name, tensor in weights.items():
        if re.search(r"\.(qkv|output|expand|contract)\.weight$", name):
            tensor = tensor.T
        if ".qkv." not in name:
            result[name] = tensor
            continue
        if tensor.shape[0] != 3 * config.d_model:
            raise ValueError(f"{name} has {tensor.shape[0]} rows, but {3 * config.d_model} fit")
        for part, rows in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
            result[name.replace("qkv", part)] = rows
    return result


# --- LLaMA -------------------------------------------------------------------------


def rope_base(config: dict, layers: str = "", *, default: float = 10_000.0) -> float:
    """The base of the rotary waves, as old and new config files have it.

    Raises:
        ValueError: if the waves are stretched for longer texts: we do not do that.
    """
    rope = config.get("rope_parameters") or {}
    rope = rope.get(layers, rope)
    scaling = config.get("rope_scaling") or {}
    for settings in (rope, scaling):
        kind = settings.get("rope_type", settings.get("type", "default"))
        if kind != "default":
            raise ValueError(f"rotary positions of the kind {kind!r} are not worked out here")
    return float(rope.get("rope_theta", config.get("rope_theta", default)))


def _llama(config: dict) -> dict:
    require(config, hidden_act=["silu"], pretraining_tp=[1])
    if config.get("attention_bias", False) != config.get("mlp_bias", False):
        raise ValueError("attention_bias and mlp_bias differ, but here a model has all or none")
    return {
        **_llama_sizes(config),
        "rope_base": rope_base(config),
        "activation": "swiglu",
        "bias": config.get("attention_bias", False),
        "tie_head": config.get("tie_word_embeddings", False),
    }


def _llama_sizes(config: dict) -> dict:
    """What LLaMA and Gemma have in common."""
    return {
        "vocab_size": config["vocab_size"],
        "max_len": config["max_position_embeddings"],
        "d_model": config["hidden_size"],
        "n_heads": config["num_attention_heads"],
        "n_kv_heads": config.get("num_key_value_heads") or 0,
        "head_size": config.get("head_dim") or 0,
        "n_layers": config["num_hidden_layers"],
        "d_ff": config["intermediate_size"],
        "positions": "rotary",
        "bias": False,
        "norm": "rms",
        "norm_eps": config["rms_norm_eps"],
    }


_LLAMA_NAMES = {
    r"^model\.": "",
    r"^embed_tokens": "embeddings.token",
    r"^layers\.": "blocks.",
    r"\.self_attn\.([qkv])_norm": lambda m: f".attention.{_QKV[m[1]]}_norm",
    r"\.self_attn\.([qkv])_proj": lambda m: f".attention.{_QKV[m[1]]}",
    r"\.self_attn\.o_proj": ".attention.output",
    r"\.mlp\.gate_proj": ".feed_forward.gate",
    r"\.mlp\.up_proj": ".feed_forward.expand",
    r"\.mlp\.down_proj": ".feed_forward.contract",
    r"\.input_layernorm": ".attention_norm",
    r"\.post_attention_layernorm": ".feed_forward_norm",
    r"^norm\.": "final_norm.",
    r"^lm_head": "head",
}
_QKV = {"q": "query", "k": "key", "v": "value"}
_ROTARY_TABLES = r"rotary_emb\.inv_freq$"  # computed, not learned; in old files


# --- Gemma -------------------------------------------------------------------------


def _gemma(config: dict) -> dict:
    # Before 2024-04 Gemma's files said "gelu" and meant its tanh approximation.
    bend = config.get("hidden_activation") or "gelu_pytorch_tanh"
    require({"hidden_activation": bend}, hidden_activation=["gelu_pytorch_tanh"])
    require(config, attention_bias=[False], use_bidirectional_attention=[False, None])
    return {
        **_llama_sizes(config),
        "rope_base": rope_base(config),
        "embedding_scale": config["hidden_size"] ** 0.5,
        "activation": "geglu",
        "tie_head": config.get("tie_word_embeddings", True),
    }


def _gemma2(config: dict, *, global_every: int = 2) -> dict:
    return {
        **_gemma(config | {"rope_parameters": None} if _by_layer(config) else config),
        "norm_order": "sandwich",
        "score_scale": config.get("query_pre_attn_scalar", 256) ** -0.5,
        "score_cap": config.get("attn_logit_softcapping") or 0.0,
        "logit_cap": config.get("final_logit_softcapping") or 0.0,
        **_windows(config, global_every),
    }


def _gemma3(config: dict) -> dict:
    return {
        **_gemma2(config, global_every=config.get("sliding_window_pattern") or 6),
        "head_norm": True,
        "rope_base": rope_base(config, "full_attention", default=1_000_000.0),
        "local_rope_base": rope_base(
            {"rope_theta": config.get("rope_local_base_freq", 10_000.0)}
            | {"rope_parameters": config.get("rope_parameters")},
            "sliding_attention",
        ),
    }


def _by_layer(config: dict) -> bool:
    """Whether local and global layers have rotary settings of their own."""
    return "full_attention" in (config.get("rope_parameters") or {})


def _windows(config: dict, global_every: int) -> dict:
    """Which layers see only a window, and how far. A list of layers counts before the number.

    Raises:
        ValueError: if the layers alternate in another way than here.
    """
    if not config.get("sliding_window"):
        return {}
    if kinds := config.get("layer_types") or []:
        is_any_global = "full_attention" in kinds
        global_every = kinds.index("full_attention") + 1 if is_any_global else 0
    for layer, kind in enumerate(kinds):
        is_global = global_every and (layer + 1) % global_every == 0
        if kind != ("full_attention" if is_global else "sliding_attention"):
            raise ValueError(
                f"layer {layer} is a {kind!r}, but here every layer whose number is divisible by "
                f"{global_every} sees all, and only those"
            )
    return {"window": config["sliding_window"], "global_every": global_every}


# Gemma 1 has LLaMA's two norms; later ones have four, and give an old name a new place.
_GEMMA2_NAMES = _LLAMA_NAMES | {
    r"\.post_attention_layernorm": ".attention_after_norm",
    r"\.pre_feedforward_layernorm": ".feed_forward_norm",
    r"\.post_feedforward_layernorm": ".feed_forward_after_norm",
}


def _gemma_convert(weights: Weights, config: Config) -> Weights:
    """Gemma stores a norm's factor less 1, so that it starts from 0."""
    return {
        name: tensor.float() + 1 if name.endswith("norm.weight") else tensor
        for name, tensor in weights.items()
    }


# --- Marian: the Transformer of 2017, still at work -----------------------------------

_MARIAN_ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "swish": "silu", "silu": "silu"}


def _marian(config: dict) -> dict:
    require(
        config,
        activation_function=list(_MARIAN_ACTIVATIONS),
        share_encoder_decoder_embeddings=[True],
        tie_word_embeddings=[True],
        static_position_embeddings=[True],
        normalize_before=[False],
        normalize_embedding=[False],
        add_final_layer_norm=[False],
        decoder_layers=[config["encoder_layers"]],
        decoder_attention_heads=[config["encoder_attention_heads"]],
        decoder_ffn_dim=[config["encoder_ffn_dim"]],
        decoder_vocab_size=[config["vocab_size"], None],
    )
    size = config["d_model"]
    return {
        "vocab_size": config["vocab_size"],
        "max_len": config["max_position_embeddings"],
        "d_model": size,
        "n_heads": config["encoder_attention_heads"],
        "n_layers": config["encoder_layers"],
        "d_ff": config["encoder_ffn_dim"],
        "positions": "sinusoidal",
        "embedding_scale": size**0.5 if config.get("scale_embedding", False) else 1.0,
        "activation": _MARIAN_ACTIVATIONS[config.get("activation_function", "gelu")],
        "norm_order": "post",
        "logit_bias": True,
    }


_MARIAN_NAMES = {
    r"^model\.": "",
    r"^shared": "embeddings.token",
    r"^(encoder|decoder)\.layers\.": r"\1_blocks.",
    r"\.(self|encoder)_attn\.([qkv])_proj": lambda m: f".{m[1]}_attn.{_QKV[m[2]]}",
    r"_attn\.out_proj": "_attn.output",
    r"\.self_attn_layer_norm": ".attention_norm",
    r"\.encoder_attn_layer_norm": ".cross_attention_norm",
    r"\.self_attn\.": ".attention.",
    r"\.encoder_attn\.": ".cross_attention.",
    r"\.fc1": ".feed_forward.expand",
    r"\.fc2": ".feed_forward.contract",
    r"\.final_layer_norm": ".feed_forward_norm",
    r"^final_logits_bias": "logit_bias",
}


def marian_order(d_model: int) -> Tensor:
    """Which of Marian's numbers stands at each place of ours.

    The paper's waves alternate: sine, cosine, sine, ... Marian has all sines first.
    The numbers of the residual stream have no order of their own: whoever reads or
    writes it has a weight for each. So we may renumber them all, everywhere at once,
    and the model computes exactly the same.

    >>> marian_order(6).tolist()
    [0, 3, 1, 4, 2, 5]
    """
    return torch.arange(d_model).view(2, -1).T.flatten()


def _marian_convert(weights: Weights, config: Config) -> Weights:
    """Renumber the residual stream: in its norms, its readers and its writers."""
    order, result = marian_order(config.d_model), {}
    for name, tensor in weights.items():
        if name == "logit_bias":
            tensor = tensor.flatten()
        elif tensor.shape[-1:] != (config.d_model,) and tensor.shape[:1] != (config.d_model,):
            pass  # not of the stream, or not of this model: `fill` will say so
        elif re.search(r"norm\.(weight|bias)$|\.(output|contract)\.(weight|bias)$", name):
            tensor = tensor[order]  # the stream itself, and what is written into it
        elif name.endswith(".weight"):  # they read from it
            tensor = tensor[:, order]
        result[name] = tensor
    return result


# Gemma 3's text model has Gemma 2's names; the pictures' half is not for us.
FAMILIES: dict[str, Family] = {
    "bert": Family(Encoder, _bert, _BERT_NAMES, _BERT_LEFT_OUT),
    "gpt2": Family(Decoder, _gpt2, _GPT2_NAMES, r"\.attn\.(masked_)?bias$", convert=_gpt2_convert),
    "llama": Family(Decoder, _llama, _LLAMA_NAMES, _ROTARY_TABLES),
    "gemma": Family(Decoder, _gemma, _LLAMA_NAMES, _ROTARY_TABLES, _gemma_convert),
    "gemma2": Family(Decoder, _gemma2, _GEMMA2_NAMES, _ROTARY_TABLES, _gemma_convert),
    "gemma3_text": Family(Decoder, _gemma3, _GEMMA2_NAMES, _ROTARY_TABLES, _gemma_convert),
    "marian": Family(
        EncoderDecoder,
        _marian,
        _MARIAN_NAMES,
        r"embed_positions\.weight$|coder\.embed_tokens\.weight$|^lm_head",
        _marian_convert,
    ),
}

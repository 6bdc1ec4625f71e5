"""Families: what each one's config and tensors mean in this book's classes.

A family is a row: which class, which choices of `Config`, which names its tensors
have, and what is stored otherwise than here. No family has a class of its own.
Nothing in a file is ignored: a field that is not read and a tensor that has no
place are refused, and so is a second copy of a tensor that differs from the first.

Sources: BERT: Devlin et al. 2019; GPT-2: Radford et al. 2019; LLaMA: Touvron et
al. 2023; Gemma: Gemma Team 2024 (1 and 2), 2025 (3); Marian: Junczys-Dowmunt et
al. 2018. The names are those of Hugging Face's `transformers`.
Taught in chapter 15.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from transformer_lab.config import Config
from transformer_lab.embeddings import SinusoidalPositions, sinusoidal_positions
from transformer_lab.models import Decoder, Encoder, EncoderDecoder, MaskedWords
from transformer_lab.pretrained.fields import Fields

Weights = dict[str, Tensor]
Names = Mapping[str, str | Callable[[re.Match[str]], str]]  # patterns and what to write for them
_NUMBERS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
# Of a tensor that repeats what we have: whether it is the same.
IsSame = Callable[[Tensor, Weights, Config], bool]


@dataclass(frozen=True)
class Family:
    """How one family is written down, and what that means here."""

    model: type[nn.Module]
    choices: Callable[[Fields], dict]  # from its config.json to the choices of Config
    names: Names  # in its tensors' names, what is on the left becomes the right
    repeats: dict[str, IsSame] = field(default_factory=dict)  # tensors that we have already
    other_tasks: str = "$^"  # tensors that work out what we do not offer
    convert: Callable[[Weights, Config], Weights] = lambda weights, config: weights


# What a config.json says beside the arithmetic: about its writer, about training (dropout
# among it), about which tokens are special, about how text is generated and what is
# handed out, and about heads for other tasks, whose tensors are refused if they are there.
_INERT = frozenset(
    """
    _name_or_path _num_labels architectures auto_class dtype finetuning_task id2label
    is_llama_config label2id model_type output_past problem_type task_specific_params
    tokenizer_class torch_dtype transformers.js_config transformers_version unsloth_version
    activation_dropout attention_dropout attention_probs_dropout_prob attn_pdrop
    classif_dropout classifier_dropout decoder_layerdrop dropout embd_pdrop encoder_layerdrop
    gradient_checkpointing hidden_dropout_prob init_std initializer_range resid_pdrop
    bos_token_id decoder_start_token_id eos_token_id forced_bos_token_id forced_eos_token_id
    mask_token_id pad_token_id sep_token_id unk_token_id
    attn_implementation bad_words_ids begin_suppress_tokens cache_implementation
    chunk_size_feed_forward diversity_penalty do_sample early_stopping
    encoder_no_repeat_ngram_size exponential_decay_length_penalty length_penalty max_length
    min_length no_repeat_ngram_size num_beam_groups num_beams num_return_sequences
    output_attentions output_hidden_states output_scores prefix remove_invalid_values
    reorder_and_upcast_attn repetition_penalty return_dict return_dict_in_generate
    suppress_tokens temperature tf_legacy_loss top_k top_p torchscript typical_p use_bfloat16
    use_cache
    directionality pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers
    pooler_size_per_head_transform pooler_type predict_special_tokens summary_activation
    summary_first_dropout summary_proj_to_labels summary_type summary_use_proj
    """.split()
)


def build(config: dict, weights: Weights) -> nn.Module:
    """A model of ours with the weights of a pretrained one.

    Args:
        config: what stands in its `config.json`.
        weights: its tensors, under Hugging Face's names.

    Raises:
        ValueError: if it is of no family that we know, or weights are missing or
            too many, or do not fit, or the config has a field that is not supported.
    """
    family, fields = find(config.get("model_type")), Fields(config, "the config")
    choices = Config(**family.choices(fields))
    # What can be set in any family, and changes its tensors.
    fields.only(
        pruned_heads=[{}, None],
        is_encoder_decoder=[family.model is EncoderDecoder],
        tie_encoder_decoder=[False],
        cross_attention_hidden_size=[None],
    )
    fields.refuse_others(_INERT)
    kind, names = family.model, family.names
    if kind is Encoder and any(name.startswith("cls.predictions.") for name in weights):
        kind, names = MaskedWords, {**names, **_BERT_GUESSES}
    renamed: Weights = {}
    for name, tensor in weights.items():
        ours = rename(name, names)
        if ours in renamed:
            raise ValueError(f"two tensors have the place of {ours!r}, {name!r} is one of them")
        if not re.search(family.other_tasks, ours):
            renamed[ours] = tensor
    repeats = family.repeats | (_TIED if choices.tie_head else {})
    return fill(kind, choices, family.convert(_once(renamed, repeats, choices), choices))


def find(model_type: object) -> Family:
    """The family of this name.

    Raises:
        ValueError: if there is none.
    """
    if not isinstance(model_type, str) or model_type not in FAMILIES:
        found = reprlib.repr(model_type)
        raise ValueError(f"model_type={found} is not one of {', '.join(FAMILIES)}")
    return FAMILIES[model_type]


def rename(name: str, names: Names) -> str:
    """Our name of a tensor, from theirs."""
    for theirs, ours in names.items():
        name = re.sub(theirs, ours, name)
    return name


def _once(weights: Weights, repeats: dict[str, IsSame], config: Config) -> Weights:
    """Without the tensors that repeat others, or what we compute.

    Raises:
        ValueError: if one of them is not the same: then it cannot be left out.
    """
    left = {}
    for name, tensor in weights.items():
        checks = [is_same for theirs, is_same in repeats.items() if re.search(theirs, name)]
        if not checks:
            left[name] = tensor
        elif not checks[0](tensor, weights, config):
            raise ValueError(
                f"the tensor {name!r} differs from what is worked out here in its place"
            )
    return left


def _is_close(tensor: Tensor, expected: Tensor, *, rtol: float, atol: float) -> bool:
    """Whether the numbers are these, but for how many digits the file keeps."""
    if tensor.shape != expected.shape or tensor.dtype not in _NUMBERS:
        return False
    rounded = expected.to(tensor.dtype).float()
    return torch.allclose(tensor.float(), rounded, rtol=rtol, atol=atol)


def _is_tensor(other: str) -> IsSame:
    """Whether it is another tensor of the file, such as the token vectors in a tied head."""
    return lambda tensor, weights, config: (
        other in weights and torch.equal(tensor.float(), weights[other].float())
    )


_TIED = {r"^head\.weight$": _is_tensor("embeddings.token.weight")}


def fill(kind: type[nn.Module], config: Config, weights: Weights) -> nn.Module:
    """A model with these weights; one sentence says what does not fit.

    The model is first put together without memory for its weights, and then takes
    those that were read: they are never there twice.
    """
    if config.n_layers > len(weights):  # before so many layers are built
        raise ValueError(f"{len(weights)} tensors are too few for {config.n_layers} layers")
    try:
        with torch.device("meta"):
            model = kind(config)
    except RuntimeError as error:
        raise ValueError(f"no model has these sizes: {str(error).splitlines()[0]}") from error
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
        if tensor.dtype not in _NUMBERS:
            raise ValueError(f"{name} holds {tensor.dtype}, and packed weights are not unpacked")
    weights = {name: tensor.float().contiguous() for name, tensor in weights.items()}
    model.load_state_dict(weights, assign=True)
    if config.positions == "sinusoidal":  # in no file, so they are computed
        waves = SinusoidalPositions(config.max_len, config.d_model)
        model.get_submodule("embeddings").register_module("position", waves)
    return model.eval().requires_grad_(True)


# --- BERT --------------------------------------------------------------------------


def _bert(config: Fields) -> dict:
    config.only(
        hidden_act=["gelu"],
        position_embedding_type=["absolute"],
        is_decoder=[False],
        add_cross_attention=[False],
        tie_word_embeddings=[True],
    )
    return {
        "vocab_size": config.whole("vocab_size"),
        "max_len": config.whole("max_position_embeddings"),
        "d_model": config.whole("hidden_size"),
        "n_heads": config.whole("num_attention_heads"),
        "n_layers": config.whole("num_hidden_layers"),
        "d_ff": config.whole("intermediate_size"),
        "n_token_types": config.whole("type_vocab_size"),
        "embedding_norm": True,
        "activation": "gelu",
        "norm_order": "post",
        "norm_eps": config.positive("layer_norm_eps"),
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
# The guessing head names the weights that it shares a second time.
_BERT_REPEATS = {
    r"position_ids$": lambda tensor, weights, config: (
        tensor.flatten().tolist() == list(range(config.max_len))
    ),
    r"^decoder\.weight$": _is_tensor("encoder.embeddings.token.weight"),
    r"^decoder\.bias$": _is_tensor("bias"),
}
# What sums up a whole text; the guess whether two texts follow each other.
_BERT_OTHER_TASKS = r"^pooler\.dense\.(weight|bias)$|(^|\.)seq_relationship\.(weight|bias)$"


# --- GPT-2 -------------------------------------------------------------------------

_GPT2_ACTIVATIONS = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu"}


def _gpt2(config: Fields) -> dict:
    config.only(
        activation_function=list(_GPT2_ACTIVATIONS),
        scale_attn_weights=[True],
        scale_attn_by_inverse_layer_idx=[False],
        add_cross_attention=[False],
        n_ctx=[config.whole("n_positions")],  # its name in old files
        n_special=[0],
    )
    return {
        "vocab_size": config.whole("vocab_size"),
        "max_len": config.whole("n_positions"),
        "d_model": config.whole("n_embd"),
        "n_heads": config.whole("n_head"),
        "n_layers": config.whole("n_layer"),
        "d_ff": config.whole("n_inner", None, null=None),
        "activation": _GPT2_ACTIVATIONS[config.get("activation_function", "gelu_new")],
        "norm_eps": config.positive("layer_norm_epsilon", 1e-5),
        "tie_head": config.flag("tie_word_embeddings", True),
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
        if re.search(r"\.(qkv|output|expand|contract)\.weight$", name) and tensor.ndim == 2:
            tensor = tensor.T
        if ".qkv." not in name:
            result[name] = tensor
            continue
        if tensor.shape[:1] != (3 * config.d_model,):
            raise ValueError(
                f"{name} has the shape {tuple(tensor.shape)}, but {3 * config.d_model} rows fit"
            )
        for part, rows in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
            result[name.replace("qkv", part)] = rows
    return result


def _is_causal_mask(tensor: Tensor, weights: Weights, config: Config) -> bool:
    n = config.max_len
    return tensor.shape == (1, 1, n, n) and bool((tensor[0, 0] == torch.ones(n, n).tril()).all())


def _is_far_below_zero(tensor: Tensor, weights: Weights, config: Config) -> bool:
    """What stands for a masked score: far enough below 0 that its weight is 0."""
    return tensor.numel() == 1 and tensor.item() <= -10_000


_GPT2_REPEATS = {r"\.attn\.bias$": _is_causal_mask, r"\.attn\.masked_bias$": _is_far_below_zero}


# --- LLaMA -------------------------------------------------------------------------


def rope_base(config: Fields, settings: Fields, old: str, default: float) -> float:
    """The base of the rotary waves, as old and new config files have it.

    Args:
        config: the whole config.
        settings: what new files say of these waves.
        old: the name of the base in old files.
        default: the base, if the file has none.

    Raises:
        ValueError: if the waves are stretched for longer texts, which we do not do, or
            if the file contradicts itself.
    """
    for kind in (settings, config.part("rope_scaling")):
        _refuse_stretched(kind)
    base = settings.positive("rope_theta", config.positive(old, default))
    if config.positive(old, base) != base:
        raise ValueError(f"the config has two values for the base of the rotary waves: {old} too")
    settings.refuse_others()
    return base


def _refuse_stretched(settings: Fields) -> None:
    for name in ("rope_type", "type"):
        if (kind := settings.get(name, "default")) != "default":
            raise ValueError(
                f"rotary positions of the kind {reprlib.repr(kind)} are not worked out here"
            )


def _llama(config: Fields) -> dict:
    config.only(hidden_act=["silu"], pretraining_tp=[1], rope_interleaved=[False])
    bias = config.flag("attention_bias", False)
    if bias != config.flag("mlp_bias", False):
        raise ValueError("attention_bias and mlp_bias differ, but here a model has all or none")
    return {
        **_llama_sizes(config),
        "rope_base": rope_base(config, config.part("rope_parameters"), "rope_theta", 10_000.0),
        "activation": "swiglu",
        "bias": bias,
        "tie_head": config.flag("tie_word_embeddings", False),
    }


def _llama_sizes(config: Fields) -> dict:
    """What LLaMA and Gemma have in common."""
    return {
        "vocab_size": config.whole("vocab_size"),
        "max_len": config.whole("max_position_embeddings"),
        "d_model": config.whole("hidden_size"),
        "n_heads": config.whole("num_attention_heads"),
        "n_kv_heads": config.whole("num_key_value_heads", None, null=None),
        "head_size": config.whole("head_dim", None, null=None),
        "n_layers": config.whole("num_hidden_layers"),
        "d_ff": config.whole("intermediate_size"),
        "positions": "rotary",
        "bias": False,
        "norm": "rms",
        "norm_eps": config.positive("rms_norm_eps"),
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


def _are_frequencies(tensor: Tensor, weights: Weights, config: Config) -> bool:
    """How fast the rotary waves turn: computed, not learned; in old files."""
    steps = torch.arange(0, config.d_head, 2) / config.d_head
    return _is_close(tensor, config.rope_base**-steps, rtol=1e-3, atol=1e-7)


_ROTARY_TABLES = {r"rotary_emb\.inv_freq$": _are_frequencies}


# --- Gemma -------------------------------------------------------------------------


def _gemma(config: Fields) -> dict:
    return {
        **_gemma_sizes(config),
        "rope_base": rope_base(config, config.part("rope_parameters"), "rope_theta", 10_000.0),
    }


def _gemma_sizes(config: Fields) -> dict:
    # Before 2024-04 Gemma's files said "gelu" and meant its tanh approximation.
    config.only(
        hidden_act=["gelu_pytorch_tanh", "gelu"],
        hidden_activation=["gelu_pytorch_tanh", None],
        attention_bias=[False],
        use_bidirectional_attention=[False, None],
    )
    return {
        **_llama_sizes(config),
        "embedding_scale": config.whole("hidden_size") ** 0.5,
        "activation": "geglu",
        "tie_head": config.flag("tie_word_embeddings", True),
    }


def _gemma2(config: Fields) -> dict:
    return {
        **_gemma(config),
        **_sandwich(config, logit_cap=30.0),
        "score_cap": config.positive("attn_logit_softcapping", 50.0, null=None),
        "windows": _windows(config, 2),
    }


def _sandwich(config: Fields, *, logit_cap: float | None) -> dict:
    """What Gemma 2 and 3 have in common; the cap is the default of a file that has none."""
    return {
        "norm_order": "sandwich",
        "score_scale": config.positive("query_pre_attn_scalar", 256) ** -0.5,
        "logit_cap": config.positive("final_logit_softcapping", logit_cap, null=None),
    }


def _gemma3(config: Fields) -> dict:
    by_layer = config.part("rope_parameters")
    full, local = by_layer.part("full_attention"), by_layer.part("sliding_attention")
    by_layer.refuse_others()
    config.only(attn_logit_softcapping=[None])  # their class ignores it
    pattern = config.whole("_sliding_window_pattern", 6)
    windows = _windows(config, config.whole("sliding_window_pattern", pattern))
    local_base = rope_base(config, local, "rope_local_base_freq", 10_000.0)
    return {
        **_gemma_sizes(config),
        **_sandwich(config, logit_cap=None),
        "windows": windows,
        "head_norm": True,
        "rope_base": rope_base(config, full, "rope_theta", 1_000_000.0),
        "local_rope_base": local_base if windows else None,
    }


def _windows(config: Fields, global_every: int) -> tuple[int | None, ...] | None:
    """For each layer, how many positions it sees. A list of layers counts before the number.

    Raises:
        ValueError: if the list does not say of each layer one of the two kinds.
    """
    window = config.whole("sliding_window", 4096)
    config.only(sliding_window_size=[window])  # its name in old files
    n_layers = config.whole("num_hidden_layers")
    if n_layers > 2**16:
        raise ValueError(f"num_hidden_layers={n_layers} is too much for a list of all layers")
    kinds = config.get("layer_types", None)
    if kinds is None:
        return tuple(None if n % global_every == 0 else window for n in range(1, n_layers + 1))
    if not isinstance(kinds, list) or len(kinds) != n_layers:
        raise ValueError(f"layer_types is no list of the kinds of {n_layers} layers")
    for layer, kind in enumerate(kinds):
        if kind not in ("full_attention", "sliding_attention"):
            raise ValueError(f"layer {layer} is a {reprlib.repr(kind)}, which is not supported")
    windows = tuple(None if kind == "full_attention" else window for kind in kinds)
    return windows if any(windows) else None


# Gemma 1 has LLaMA's two norms; later ones have four, and give an old name a new place.
_GEMMA2_NAMES = _LLAMA_NAMES | {
    r"\.post_attention_layernorm": ".attention_after_norm",
    r"\.pre_feedforward_layernorm": ".feed_forward_norm",
    r"\.post_feedforward_layernorm": ".feed_forward_after_norm",
}


def _gemma_convert(weights: Weights, config: Config) -> Weights:
    """Gemma stores a norm's factor less 1, so that it starts from 0."""
    is_norm = re.compile(r"norm\.weight$").search
    return {
        name: tensor.float() + 1 if is_norm(name) and tensor.dtype in _NUMBERS else tensor
        for name, tensor in weights.items()
    }


# --- Marian: the Transformer of 2017, still at work -----------------------------------

_MARIAN_ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "swish": "silu", "silu": "silu"}


def _marian(config: Fields) -> dict:
    n_layers, n_heads = config.whole("encoder_layers"), config.whole("encoder_attention_heads")
    size, d_ff = config.whole("d_model"), config.whole("encoder_ffn_dim")
    vocab_size, max_len = config.whole("vocab_size"), config.whole("max_position_embeddings")
    if max_len > 2**16:  # the waves are in no file, so their table is as long as one says
        raise ValueError(f"max_position_embeddings={max_len} is too long for a table of waves")
    for name in ("decoder_layers", "decoder_attention_heads", "decoder_ffn_dim"):
        config.get(name)  # a missing one would not mean the encoder's
    config.only(
        activation_function=list(_MARIAN_ACTIVATIONS),
        share_encoder_decoder_embeddings=[True],
        tie_word_embeddings=[True],
        static_position_embeddings=[True],
        extra_pos_embeddings=[0],
        normalize_before=[False],
        normalize_embedding=[False],
        add_bias_logits=[False, True],  # they are added in any case
        add_final_layer_norm=[False],
        is_decoder=[False],
        num_hidden_layers=[n_layers],
        decoder_layers=[n_layers],
        decoder_attention_heads=[n_heads],
        decoder_ffn_dim=[d_ff],
        decoder_vocab_size=[vocab_size, None],
    )
    return {
        "vocab_size": vocab_size,
        "max_len": max_len,
        "d_model": size,
        "n_heads": n_heads,
        "n_layers": n_layers,
        "d_ff": d_ff,
        "positions": "sinusoidal",
        "embedding_scale": size**0.5 if config.flag("scale_embedding", False) else 1.0,
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
    r"^lm_head": "head",
}


def marian_order(d_model: int) -> Tensor:
    """Which of Marian's numbers stands at each place of ours.

    The paper's waves alternate: sine, cosine, sine, ... Marian has all sines first.
    The numbers of the residual stream have no order of their own: each layer that
    reads or writes it has a weight for each. So we may renumber them all, everywhere at once,
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
        elif re.search(r"norm\.(weight|bias)$|\.(output|contract)\.(weight|bias)$", name):
            tensor = _reordered(tensor, order, 0)  # the stream itself, and what is written into it
        elif name.endswith(".weight"):
            tensor = _reordered(tensor, order, 1)  # they read from it
        result[name] = tensor
    return result


def _reordered(tensor: Tensor, order: Tensor, dim: int) -> Tensor:
    """With the rows (0) or columns (1) in this order; if it has others, `fill` will say so."""
    fits = tensor.shape[dim : dim + 1] == order.shape
    return tensor.index_select(dim, order) if fits else tensor


def _are_waves(tensor: Tensor, weights: Weights, config: Config) -> bool:
    """The table of positions, all sines first."""
    if tensor.shape != (config.max_len, config.d_model):
        return False
    waves = sinusoidal_positions(config.max_len, config.d_model)
    return _is_close(tensor, torch.cat([waves[:, 0::2], waves[:, 1::2]], dim=1), rtol=0, atol=1e-3)


_MARIAN_REPEATS = {
    r"^(encoder|decoder)\.embed_positions\.weight$": _are_waves,
    r"^(encoder|decoder)\.embed_tokens\.weight$": _is_tensor("embeddings.token.weight"),
}


# Gemma 3's text model has Gemma 2's names; the pictures' half is not for us.
FAMILIES: dict[str, Family] = {
    "bert": Family(Encoder, _bert, _BERT_NAMES, _BERT_REPEATS, _BERT_OTHER_TASKS),
    "gpt2": Family(Decoder, _gpt2, _GPT2_NAMES, _GPT2_REPEATS, convert=_gpt2_convert),
    "llama": Family(Decoder, _llama, _LLAMA_NAMES, _ROTARY_TABLES),
    "gemma": Family(Decoder, _gemma, _LLAMA_NAMES, _ROTARY_TABLES, convert=_gemma_convert),
    "gemma2": Family(Decoder, _gemma2, _GEMMA2_NAMES, _ROTARY_TABLES, convert=_gemma_convert),
    "gemma3_text": Family(Decoder, _gemma3, _GEMMA2_NAMES, _ROTARY_TABLES, convert=_gemma_convert),
    "marian": Family(
        EncoderDecoder, _marian, _MARIAN_NAMES, _MARIAN_REPEATS, convert=_marian_convert
    ),
}

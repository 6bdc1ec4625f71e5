"""Real weights in our blocks give what they give in Hugging Face's."""

import pytest
import torch
from transformers import BertModel, LlamaConfig, LlamaForCausalLM

from transformer_lab import pretrained
from transformer_lab.generation import generate
from transformer_lab.models import Decoder, Encoder


@torch.no_grad()
def test_minilm_gives_hugging_faces_vectors():
    ours, tokenizer = pretrained.minilm(), pretrained.bert_tokenizer()
    assert type(ours) is Encoder
    folder = pretrained.package_file(pretrained.MINILM, "config.json").parent
    theirs = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
    ids, types = tokenizer.encode_for_bert("She sat on the bank.", "The river was high.")
    expected = theirs(torch.tensor([ids]), token_type_ids=torch.tensor([types])).last_hidden_state
    found = ours(torch.tensor([ids]), torch.tensor([types]))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.fixture(scope="module")
def llama():
    """Hugging Face's own reading of the same file: its config, its names, its order."""
    path = pretrained.package_file(pretrained.SMOLLM2, "SmolLM2-135M-Instruct.Q4_1.gguf")
    return LlamaForCausalLM.from_pretrained(path.parent, gguf_file=path.name).eval()


def prompt() -> list[int]:
    return pretrained.smollm2_tokenizer().encode(
        "<|im_start|>user\nName three colours of the rainbow, and say why the sky is blue."
        "<|im_end|>\n<|im_start|>assistant\n"
    )


@torch.no_grad()
def test_smollm2_gives_hugging_faces_logits(llama):
    ours = pretrained.smollm2()
    assert type(ours) is Decoder
    assert type(llama.config) is LlamaConfig
    assert llama.config.num_key_value_heads == 3
    ids = torch.tensor([prompt()])
    torch.testing.assert_close(ours(ids), llama(ids).logits, atol=1e-3, rtol=0)


@torch.no_grad()
def test_smollm2_writes_hugging_faces_text_for_fifty_tokens(llama):
    ids = prompt()
    expected = llama.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids)).long(),
        max_new_tokens=50,
        min_new_tokens=50,
        do_sample=False,
        eos_token_id=None,
    )
    found = generate(pretrained.smollm2(), ids, max_new_tokens=50, temperature=0)
    assert found == expected[0, len(ids) :].tolist()


def test_the_chat_template_comes_along():
    assert "<|im_start|>assistant" in pretrained.smollm2_chat_template()

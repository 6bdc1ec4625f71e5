"""The engine in the page computes what the Python package computes."""

from __future__ import annotations

import base64
import json

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from transformer_lab.generation import distribution
from transformer_lab.languages.grammar import END
from transformer_lab.recipes import prompt_ids
from transformer_lab.trace import attention_maps, capture, heads_off

TEXTS = [
    "",
    " ",
    "Anna found a red ball. She",
    "Tom met Anna in the park. She gave him the kite.",
    "One day Ravi went to the bank. The water was very deep.",
    "xyzzy",
    "Antidisestablishmentarianism!",
    "ANNA FOUND A RED BALL",
    "annafoundaredball",
    "🙂",
    "a family: 👩‍👩‍👧‍👦 and a flag: 🇮🇳",
    "अन्ना को एक लाल गेंद मिली।",
    "नमस्ते Anna",
    "été naïve Ærøskøbing",
    "東京で猫を見た",
    "שלום Anna مرحبا",
    f"{END}",
    f"Anna was happy.{END} Tom was sad.",
    f"{END}{END}{END} Tom",
    "<|endoftext|",
    "It's Tom's; they'll say: 'no'?!",
    "3 coins, 1234567890, ½ and ४२",
    "tab\tnew\nline\r\nno\u00a0break  two   three",
    "\ufeff\u200b\u0085\x1c\x00",
    "<b>bold</b> & <script>alert(1)</script>",
    "Anna and Ben played in the garden all day. " * 12,
]

FORWARD = """([content, ids, options]) => {
  const { logits, attention } = load(content).decoder.forward(ids, options);
  return { logits: logits.map(row => [...row]),
           attention: attention.map(heads => heads.map(rows => rows.map(row => [...row]))) };
}"""


def forward(engine, small, ids, **options):
    result = engine(FORWARD, [small.base64, ids, options])
    return torch.tensor(result["logits"]), torch.tensor(result["attention"])


def ids_of(small, text: str) -> list[int]:
    return prompt_ids(small.tokenizer, text)[: small.model.config.max_len]


@torch.no_grad()
def logits_of(small, ids) -> torch.Tensor:
    return small.model(torch.tensor([ids]))[0]


# --- The model --------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS)
def test_logits_are_those_of_torch(engine, small_model, text):
    small = small_model()
    ids = ids_of(small, text)
    logits, _ = forward(engine, small, ids)
    assert logits.shape == (len(ids), len(small.tokenizer))
    assert (logits - logits_of(small, ids)).abs().max() < 1e-4


@pytest.mark.parametrize("activation", ["relu", "gelu", "gelu_tanh"])
@pytest.mark.parametrize("tie_head", [True, False])
def test_every_activation_and_both_heads_agree_with_torch(
    engine, small_model, activation, tie_head
):
    small = small_model(activation=activation, tie_head=tie_head, n_layers=3, n_heads=2, d_ff=48)
    ids = ids_of(small, TEXTS[3])
    logits, _ = forward(engine, small, ids)
    assert (logits - logits_of(small, ids)).abs().max() < 1e-4


@pytest.mark.parametrize("positions", ["sinusoidal", "rotary"])
def test_positions_that_are_not_learned_agree_with_torch_with_and_without_a_cache(
    engine, small_model, positions
):
    small = small_model(positions=positions)
    ids = ids_of(small, TEXTS[4])
    expected = logits_of(small, ids)
    whole, _ = forward(engine, small, ids)
    assert (whole - expected).abs().max() < 1e-4
    stepped = engine(
        """([content, ids]) => {
             const { decoder } = load(content);
             const cache = decoder.newCache();
             return ids.map(id => [...decoder.forward([id], { cache }).logits[0]]);
           }""",
        [small.base64, ids],
    )
    assert (torch.tensor(stepped) - expected).abs().max() < 1e-4


def test_attention_weights_are_those_of_torch(engine, small_model):
    small = small_model()
    ids = ids_of(small, TEXTS[3])
    _, attention = forward(engine, small, ids)
    expected = attention_maps(small.model, torch.tensor([ids]))[:, 0]
    assert attention.shape == expected.shape
    assert (attention - expected).abs().max() < 1e-5


@pytest.mark.parametrize("heads", [[[0, 1]], [[1, 0], [1, 3]], [[0, 0], [0, 1], [0, 2], [0, 3]]])
def test_a_disabled_head_gathers_nothing(engine, small_model, heads):
    small = small_model()
    ids = ids_of(small, TEXTS[3])
    logits, _ = forward(engine, small, ids, disabledHeads=heads)
    with heads_off(small.model, [tuple(head) for head in heads]):
        expected = logits_of(small, ids)
    assert (logits - expected).abs().max() < 1e-4
    assert (logits - logits_of(small, ids)).abs().max() > 1e-2


@pytest.mark.parametrize("cuts", [[1], [5], [3, 4, 5, 9], list(range(1, 14))])
def test_with_a_cache_the_result_is_the_same(engine, small_model, cuts):
    small = small_model()
    ids = ids_of(small, TEXTS[3])
    whole, attention = forward(engine, small, ids)
    parts = [ids[a:b] for a, b in zip([0, *cuts], [*cuts, len(ids)], strict=True)]
    result = engine(
        """([content, parts]) => {
             const { decoder } = load(content);
             const cache = decoder.newCache();
             const results = parts.map(ids => decoder.forward(ids, { cache }));
             return { logits: results.flatMap(r => r.logits.map(row => [...row])),
                      last: results.at(-1).attention.map(hs => hs.map(rows => [...rows.at(-1)])) };
           }""",
        [small.base64, parts],
    )
    assert (torch.tensor(result["logits"]) - whole).abs().max() < 1e-5
    assert (torch.tensor(result["last"]) - attention[:, :, -1]).abs().max() < 1e-6


def test_a_cache_set_back_forgets_the_last_tokens(engine, small_model):
    small = small_model()
    ids = ids_of(small, TEXTS[2])
    logits = engine(
        """([content, ids]) => {
             const { decoder } = load(content);
             const cache = decoder.newCache();
             decoder.forward([...ids.slice(0, -1), 7, 8, 9], { cache });
             for (const layer of cache) layer.length = ids.length - 1;
             return [...decoder.forward(ids.slice(-1), { cache }).logits[0]];
           }""",
        [small.base64, ids],
    )
    assert (torch.tensor(logits) - logits_of(small, ids)[-1]).abs().max() < 1e-4


def test_a_text_that_changes_at_its_end_gives_what_a_whole_run_gives(engine, small_model):
    small = small_model()
    ids = ids_of(small, TEXTS[2])
    other = [*ids[:5], 7, 8]
    texts = [ids[:1], ids[:4], ids, ids, ids[:6], other, [*other, 9], [3], ids]
    read, whole, tokens_run, refused = engine(
        """([content, texts]) => {
             const { decoder } = load(content);
             const tokensRun = [];
             const counting = { newCache: () => decoder.newCache(), forward(ids, options) {
               tokensRun.push(ids.length);
               return decoder.forward(ids, options);
             } };
             const cache = new prefix_cache.PrefixCache(counting);
             const plain = ({ logits, attention }) => [[...logits.at(-1)],
               attention.map(hs => hs.map(rows => rows.map((row, t) => [...row.slice(0, t + 1)])))];
             const read = texts.map(ids => plain(cache.forward(ids)));
             let refused = "";
             try { cache.forward(Array(65).fill(1)); } catch (error) { refused = error.message; }
             read.push(plain(cache.forward(texts[1])));
             return [read, [...texts, texts[1]].map(ids => plain(decoder.forward(ids))),
                     tokensRun, refused];
           }""",
        [small.base64, texts],
    )
    assert read == whole  # to the last digit
    assert tokens_run[:9] == [1, 3, len(ids) - 4, 1, 1, 2, 1, 1, len(ids)]
    assert "sees at most 64" in refused


def test_the_last_logits_alone_are_the_last_of_all(engine, small_model):
    small = small_model()
    ids = ids_of(small, TEXTS[3])
    assert torch.equal(
        forward(engine, small, ids, lastOnly=True)[0][0], forward(engine, small, ids)[0][-1]
    )


RECORD = """([content, ids]) => {
  const seen = {};
  load(content).decoder.forward(ids, { record: (name, values) => { seen[name] = [...values]; } });
  return seen;
}"""


@torch.no_grad()
def test_what_is_recorded_on_the_way_is_what_trace_captures(engine, small_model):
    small = small_model()
    ids = ids_of(small, TEXTS[2])
    recorded = engine(RECORD, [small.base64, ids])
    names = [name for name in recorded if not name.endswith(("embeddings", "position", "token"))]
    with capture(small.model) as seen:
        small.model(torch.tensor([ids]))
    assert {"blocks.0", "blocks.1.attention.query", "blocks.0.feed_forward.activation"} <= {*names}
    for name in ["embeddings", "embeddings.token", *names]:
        expected = seen[name][0]
        if name.endswith("heads"):  # side by side, as they go on
            expected = expected.transpose(0, 1)
        torch.testing.assert_close(
            torch.tensor(recorded[name]), expected.flatten(), atol=1e-4, rtol=1e-4, msg=name
        )


def test_half_precision_files_are_read_exactly(engine, small_model):
    small = small_model(half=True)
    ids = ids_of(small, TEXTS[3])
    logits, _ = forward(engine, small, ids)
    assert (logits - logits_of(small, ids)).abs().max() < 1e-4


def test_every_16_bit_float_becomes_the_same_number(engine):
    halves = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(torch.float16)
    content = base64.b64encode(safetensors.torch.save({"all": halves})).decode()
    read = engine(
        """content => {
             const { tensors } = safetensors.readSafetensors(bytes(content));
             return Array.from(tensors.get("all", [65536]).values, String);
           }""",
        content,
    )
    numbers = torch.tensor([float(text.replace("Infinity", "inf")) for text in read])
    assert torch.equal(numbers.nan_to_num(7e7), halves.float().nan_to_num(7e7))


def test_gelu_is_exact_and_its_approximation_is_gpt2s(engine):
    x = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    for name, approximate in (("gelu", "none"), ("geluTanh", "tanh")):
        y = torch.tensor(engine(f"xs => xs.map(tensor.{name})", x.tolist()), dtype=torch.float64)
        expected = torch.nn.functional.gelu(x, approximate=approximate)
        assert (y - expected).abs().max() < 1e-7


def test_a_text_that_is_too_long_and_a_token_that_does_not_exist_are_refused(engine, small_model):
    small = small_model()
    fails = """([content, ids]) => {
      try { load(content).decoder.forward(ids); } catch (error) { return error.message; }
    }"""
    assert "sees at most 64" in engine(fails, [small.base64, [1] * 65])
    assert "is not in this vocabulary" in engine(fails, [small.base64, [len(small.tokenizer)]])


@pytest.mark.parametrize("content", [b"", b"not a model", b"\xff" * 40])
def test_a_file_that_is_no_model_is_refused_in_words(engine, content):
    message = engine(
        """content => {
          try { model_file.loadModel(bytes(content)); } catch (error) { return error.message; }
        }""",
        base64.b64encode(content).decode(),
    )
    assert "safetensors" in (message or "it was not refused")


# --- The tokenizer ------------------------------------------------------------------

# Letters that are assigned in every version of Unicode that the three
# implementations may carry; words of the stories, so that merges happen.
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cn", "Co"], max_codepoint=0x1F64F)
WORDS = st.sampled_from([" Anna", "found", " the ball", END, "'s", "  ", "\n", "हिन्दी", "🙂", "42"])
STRANGE_TEXTS = st.lists(st.one_of(st.text(LETTERS, max_size=8), WORDS), max_size=12).map("".join)
IN_BATCHES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def content(small_model) -> str:
    return small_model().base64


@pytest.fixture(scope="module")
def hugging_face(tokenizer) -> Tokenizer:
    return Tokenizer.from_str(tokenizer.to_json())


@IN_BATCHES
@given(texts=st.lists(STRANGE_TEXTS, min_size=1, max_size=25))
def test_ids_are_those_of_hugging_face(engine, content, hugging_face, texts):
    ids = engine(
        "([content, texts]) => texts.map(t => load(content).tokenizer.encode(t))", [content, texts]
    )
    assert ids == [hugging_face.encode(text, add_special_tokens=False).ids for text in texts]


@pytest.mark.parametrize("text", TEXTS)
def test_ids_of_the_chosen_texts_are_those_of_hugging_face(engine, content, hugging_face, text):
    ids = engine("([content, text]) => load(content).tokenizer.encode(text)", [content, text])
    assert ids == hugging_face.encode(text, add_special_tokens=False).ids


@IN_BATCHES
@given(texts=st.lists(STRANGE_TEXTS, min_size=1, max_size=25))
def test_the_prompt_is_the_one_that_python_makes(engine, content, tokenizer, texts):
    ids = engine(
        "([content, texts]) => texts.map(t => model_file.promptIds(load(content), t))",
        [content, texts],
    )
    assert ids == [prompt_ids(tokenizer, text) for text in texts]


@IN_BATCHES
@given(texts=st.lists(STRANGE_TEXTS, min_size=1, max_size=25))
def test_decoding_gives_the_text_back(engine, content, texts):
    back = engine(
        """([content, texts]) => { const { tokenizer: t } = load(content);
             return texts.map(text => t.decode(t.encode(text))); }""",
        [content, texts],
    )
    assert back == texts


@pytest.mark.parametrize("text", TEXTS)
def test_decoding_gives_the_chosen_texts_back(engine, content, text):
    run = """([content, text]) => {
      const { tokenizer } = load(content);
      return tokenizer.decode(tokenizer.encode(text));
    }"""
    assert engine(run, [content, text]) == text


@IN_BATCHES
@given(data=st.data())
def test_any_ids_are_decoded_as_in_python(engine, content, tokenizer, data):
    id = st.integers(0, len(tokenizer) - 1)
    many = data.draw(st.lists(st.lists(id, max_size=20), min_size=1, max_size=20))
    texts = engine(
        "([content, many]) => many.map(ids => load(content).tokenizer.decode(ids))", [content, many]
    )
    assert texts == [tokenizer.decode(ids) for ids in many]


def test_half_a_character_becomes_the_replacement_character(engine, content, tokenizer):
    ids = engine('content => load(content).tokenizer.encode("a\\ud83d b\\ude42")', content)
    assert ids == tokenizer.encode("a\ud83d b\ude42") == tokenizer.encode("a\ufffd b\ufffd")


def test_merges_written_as_one_string_are_read_too(engine, tokenizer):
    parts = json.loads(tokenizer.to_json())
    parts["model"]["merges"] = [" ".join(merge) for merge in parts["model"]["merges"]]
    ids = engine(
        "json => new tokenizer.BPETokenizer(json).encode(' Anna found it')", json.dumps(parts)
    )
    assert ids == tokenizer.encode(" Anna found it")


# --- Sampling -----------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0, 0.1, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("top_k", [0, 1, 5, 1000])
@pytest.mark.parametrize("top_p", [0.05, 0.5, 0.9, 1.0])
def test_the_distribution_is_that_of_generation(engine, temperature, top_k, top_p):
    logits = 4 * torch.randn(8, 200, generator=torch.Generator().manual_seed(1))
    found = engine(
        "([rows, options]) => rows.map(row => [...sampling.distribution(row, options)])",
        [logits.tolist(), {"temperature": temperature, "topK": top_k, "topP": top_p}],
    )
    expected = torch.stack(
        [distribution(row, temperature=temperature, top_k=top_k, top_p=top_p) for row in logits]
    )
    assert torch.equal(torch.tensor(found) > 1e-30, expected > 1e-30)
    assert (torch.tensor(found) - expected).abs().max() < 1e-5


def test_of_two_equal_tokens_the_lower_id_comes_first(engine):
    run = "options => [...sampling.distribution([1, 3, 3, 3], options)]"
    assert engine(run, {"topK": 2}) == [0, 0.5, 0.5, 0]
    assert engine(run, {"temperature": 0}) == [0, 1, 0, 0]


@pytest.mark.parametrize("options", [{"temperature": -1}, {"topK": -1}, {"topP": 0}, {"topP": 1.5}])
def test_settings_out_of_range_are_refused(engine, options):
    name = engine(
        """options => {
             try { return sampling.distribution([1, 2], options); } catch (e) { return e.name; }
           }""",
        options,
    )
    assert name == "RangeError"


def test_tokens_are_drawn_as_often_as_they_are_likely_and_cut_ones_never(engine):
    counts = engine(
        """() => {
             const random = sampling.seededRandom(7), counts = [0, 0, 0, 0];
             for (let i = 0; i < 20000; i++) counts[sampling.sample([0.2, 0, 0.5, 0.3], random)]++;
             return counts;
           }"""
    )
    assert counts[1] == 0
    for count, probability in zip(counts, [0.2, 0, 0.5, 0.3], strict=True):
        assert abs(count / 20000 - probability) < 0.015


def test_a_draw_lays_the_likeliest_token_at_the_start_of_the_line(engine):
    points = [0.0, 0.49, 0.51, 0.79, 0.81, 0.9999999999]
    drawn = engine(
        "points => points.map(p => sampling.sample([0.2, 0, 0.5, 0.3], () => p))", points
    )
    assert drawn == [2, 2, 3, 3, 0, 0]


def test_the_same_seed_gives_the_same_numbers_and_they_fill_the_line_evenly(engine):
    run = "seed => Array.from({ length: 5000 }, sampling.seededRandom(seed))"
    numbers = engine(run, 3)
    assert numbers == engine(run, 3) != engine(run, 4)
    assert all(0 <= number < 1 for number in numbers)
    for tenth in range(10):
        share = sum(tenth / 10 <= number < (tenth + 1) / 10 for number in numbers) / len(numbers)
        assert abs(share - 0.1) < 0.02
    first = [engine(run, seed)[0] for seed in range(20)]
    assert max(first) - min(first) > 0.5  # seeds beside each other differ from the first draw on

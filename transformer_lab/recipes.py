"""Recipes: the small named models that the chapters share.

`load("story-gpt")` gives a trained model. The first call trains it, in seconds,
with a progress bar; later calls read it from the user's cache folder. What is
kept there is named by a key over everything that shapes the model (the recipe,
the source of the modules involved, the version of torch), so that a change of
any of them trains anew. Two processes that start at once train once; a damaged
copy is noticed and rebuilt; an interrupted training goes on where it stopped.

Taught in chapter 12.
"""

from __future__ import annotations

import json
import platform
import random
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path

import safetensors.torch
import torch
from filelock import FileLock, Timeout
from jaxtyping import Int
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from transformer_lab.config import Config
from transformer_lab.files import cache_folder, checksum, write_atomically
from transformer_lab.generation import generate
from transformer_lab.languages import stories
from transformer_lab.languages.grammar import END
from transformer_lab.models import Decoder, count_parameters
from transformer_lab.tokenization import BPETokenizer
from transformer_lab.training import Batch, evaluate, next_token_batch, train

HELD_OUT_SEED, TOKENIZER_SEED = 1_000_001, 1_000_002  # apart from the training seed


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a trained model is like."""

    name: str
    description: str
    d_model: int
    n_heads: int
    n_layers: int
    d_ff: int
    max_len: int
    vocab_size: int  # at most; training the tokenizer stops when no pair is left
    steps: int
    batch_size: int
    peak_lr: float
    seed: int = 0
    n_tokenizer_stories: int = 1500
    n_held_out: int = 1000
    snapshots: tuple[int, ...] = ()  # the steps after which the weights are kept, for replay


RECIPES = {
    recipe.name: recipe
    for recipe in [
        Recipe(
            name="story-gpt",
            description="a GPT that tells short stories (decoder, chapters 7 and 12)",
            d_model=64,
            n_heads=4,
            n_layers=2,
            d_ff=256,
            max_len=96,
            vocab_size=1000,
            steps=790,
            batch_size=40,
            peak_lr=0.012,
            snapshots=(0, 20, 50, 100, 150, 200, 300, 400, 600, 790),
        ),
    ]
}


@dataclass(frozen=True)
class TrainedModel:
    """A model with its tokenizer, and what is known about its training.

    `report` holds `parameters`, `steps`, `seconds` (tokenizer and training),
    `losses` (of each step), `held_out_loss` and `floor` (nats per token, both on
    the same stories), `machine`. `snapshots` maps a step to the model file of
    that moment (see `to_bytes`), in half precision.
    """

    recipe: Recipe
    model: Decoder
    tokenizer: BPETokenizer
    report: dict
    content: bytes = field(repr=False)
    snapshots: dict[int, bytes] = field(default_factory=dict, repr=False)

    def prompt(self, text: str) -> Int[Tensor, "1 T"]:
        """The token IDs that the model is given for a reader's text."""
        return torch.tensor([prompt_ids(self.tokenizer, text)])

    def pieces(self, text: str) -> list[str]:
        """The tokens of `prompt(text)`, as readable text."""
        return [self.tokenizer.piece(id) for id in prompt_ids(self.tokenizer, text)]

    def generate(self, text: str = "", *, max_new_tokens: int = 96, **settings) -> str:
        """Continue a text until the story ends; settings as in `generation.stream`."""
        ids = prompt_ids(self.tokenizer, text)
        settings = {"stop": ids[0], "max_len": self.model.config.max_len} | settings
        new = generate(self.model, ids, max_new_tokens=max_new_tokens, **settings)
        return self.tokenizer.decode(ids[1:] + new).strip()

    def to_bytes(self) -> bytes:
        """The whole model as one file: what a live figure is given.

        Always the same bytes, so that all pages of the book share one copy.
        """
        return self.content

    @cached_property
    def unseen_tokens(self) -> list[int]:
        """The token IDs that no story holds: the model knows nothing about them."""
        return _unseen_tokens(self.tokenizer)


def load(recipe: str | Recipe, *, cache: Path | None = None, progress: bool = True) -> TrainedModel:
    """The trained model of a recipe; trains it if it is not in the cache.

    Args:
        recipe: a name from `RECIPES`, or a recipe of your own.
        cache: the cache folder (default: the user's).
        progress: whether to show what is going on.

    Raises:
        ValueError: if there is no recipe of that name.
    """
    recipe = find(recipe)
    folder = (cache or cache_folder()) / f"{recipe.name}-{key(recipe)}"
    if (ready := _read(recipe, folder)) is not None:
        return ready
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(folder.with_suffix(".lock"), recipe.name, progress=progress):
        # Another process may have trained it while this one waited.
        if (ready := _read(recipe, folder)) is not None:
            return ready
        if folder.exists():
            print(f"the cached {recipe.name} is damaged; training it again")
            shutil.rmtree(folder)
        _train(recipe, folder, progress=progress)
    return _read(recipe, folder)


def find(recipe: str | Recipe) -> Recipe:
    """The recipe of this name.

    Raises:
        ValueError: if there is none.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe not in RECIPES:
        raise ValueError(f"there is no recipe {recipe!r}; there are: {', '.join(RECIPES)}")
    return RECIPES[recipe]


def key(recipe: Recipe) -> str:
    """A short name for everything that shapes the trained model."""
    here = Path(__file__).parent
    modules = "attention blocks config embeddings feedforward models training recipes".split()
    sources = [here / f"{module}.py" for module in modules]
    sources += sorted((here / "tokenization").glob("*.py")) + sorted(
        (here / "languages").glob("*.py")
    )
    shaping = json.dumps(asdict(recipe), sort_keys=True) + torch.__version__
    return checksum(shaping.encode() + b"".join(path.read_bytes() for path in sources))[:12]


def prompt_ids(tokenizer: BPETokenizer, text: str) -> list[int]:
    """The start token, then the words of `text`, each with a space before it.

    Stories are written like that in training, so that a word is the same token
    at the start of a story and in the middle of it.
    """
    return tokenizer.encode(END + "".join(f" {word}" for word in text.split()))


def model_file(model: Decoder, tokenizer: BPETokenizer, **metadata: str) -> bytes:
    """A model as the bytes of one `safetensors` file that says what it is.

    Its metadata hold the config, the tokenizer (a `tokenizer.json`), the start
    token, and the tokens that never occurred in training.
    """
    return weights_file(
        model,
        architecture="decoder",
        config=json.dumps(asdict(model.config)),
        tokenizer=tokenizer.to_json(),
        start=END,
        unseen_tokens=json.dumps(_unseen_tokens(tokenizer)),
        **metadata,
    )


def weights_file(model: nn.Module, **metadata: str) -> bytes:
    """The weights of any model as the bytes of one `safetensors` file."""
    weights = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    return safetensors.torch.save(weights, metadata=metadata)


def read_model_file(path: Path) -> tuple[Decoder, BPETokenizer]:
    """Read what `model_file` wrote.

    Raises:
        ValueError: if it is not such a file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        model = Decoder(Config(**json.loads(metadata["config"])))
        model.load_state_dict(weights)
        tokenizer = BPETokenizer.from_json(metadata["tokenizer"])
    except (OSError, SafetensorError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path} is not a model file of this package: {error}") from error
    return model.eval(), tokenizer


def story_batches(
    tokenizer: BPETokenizer, *, batch_size: int, seed: int, without: Collection[str] = ()
) -> Callable[[int], Batch]:
    """The batch of each training step: fresh stories, none of them in `without`.

    Stories are drawn for 32 steps at a time and sorted by length, so that those
    in one batch are about as long as each other and little is spent on padding.
    """
    without = set(without)
    n_batches = 32

    @lru_cache(maxsize=1)
    def pool(index: int) -> list[list[list[int]]]:
        rng = random.Random(f"{seed} {index}")
        drawn: list[list[int]] = []
        while len(drawn) < n_batches * batch_size:
            story = stories.GRAMMAR.sample(rng)
            if str(story) not in without:
                drawn.append(ids_of(story))
        drawn.sort(key=len)
        batches = [drawn[i : i + batch_size] for i in range(0, len(drawn), batch_size)]
        rng.shuffle(batches)
        return batches

    # Each word with its space is cut by itself, so its tokens can be looked up.
    @cache
    def ids_of_word(word: str) -> list[int]:
        return tokenizer.encode(stories.spell(["", word]))

    def ids_of(story: stories.Story) -> list[int]:
        end = tokenizer.vocab[END]
        return [end, *(id for word in story.words for id in ids_of_word(word.text)), end]

    return lambda step: next_token_batch(pool(step // n_batches)[step % n_batches])


def held_out_stories(recipe: Recipe) -> list[stories.Story]:
    """The stories that training leaves out, to measure on."""
    return list(stories.sample_many(recipe.n_held_out, seed=HELD_OUT_SEED + recipe.seed))


def story_floor(held_out: Sequence[stories.Story], tokenizer: BPETokenizer) -> float:
    """The loss of the true distribution on these stories (nats per token).

    The probability of a story does not depend on how it is cut into tokens, so
    the log probability of its words is shared out over its tokens.
    """
    log_p = sum(
        stories.GRAMMAR.log_probability([word.text for word in story.words]) for story in held_out
    )
    n_tokens = sum(len(_story_ids(tokenizer, str(story))) - 1 for story in held_out)
    return -log_p / n_tokens


def held_out_loss(
    model: Decoder, tokenizer: BPETokenizer, held_out: Sequence[stories.Story]
) -> float:
    """The model's loss on these stories (nats per token)."""
    sequences = sorted((_story_ids(tokenizer, str(story)) for story in held_out), key=len)
    batches = [sequences[i : i + 100] for i in range(0, len(sequences), 100)]
    return evaluate(model, map(next_token_batch, batches))


def _story_ids(tokenizer: BPETokenizer, story: str) -> list[int]:
    """A story between two start tokens: the second one says that it is over."""
    ids = prompt_ids(tokenizer, story)
    return [*ids, ids[0]]


def _unseen_tokens(tokenizer: BPETokenizer) -> list[int]:
    words = stories.GRAMMAR.vocabulary()
    seen = {id for word in words for id in tokenizer.encode(stories.spell(["", word]))}
    return sorted(set(tokenizer.vocab.values()) - seen - {tokenizer.vocab[END]})


@contextmanager
def _only_one(path: Path, name: str, *, progress: bool) -> Iterator[None]:
    """Hold the lock of this recipe; if another process has it, say so and wait."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if progress:
            print(f"another process is training {name}; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _train(recipe: Recipe, folder: Path, *, progress: bool) -> None:
    """Train into a folder beside `folder`, which takes its name when all is there."""
    unfinished = folder.with_suffix(".unfinished")
    unfinished.mkdir(exist_ok=True)
    started = time.perf_counter()
    tokenizer = BPETokenizer.train(
        (
            f" {story}"
            for story in stories.sample_many(
                recipe.n_tokenizer_stories, seed=TOKENIZER_SEED + recipe.seed
            )
        ),
        vocab_size=recipe.vocab_size,
        special_tokens=[END],
    )
    torch.manual_seed(recipe.seed)
    model = Decoder(
        Config(
            vocab_size=len(tokenizer),
            max_len=recipe.max_len,
            d_model=recipe.d_model,
            n_heads=recipe.n_heads,
            n_layers=recipe.n_layers,
            d_ff=recipe.d_ff,
        )
    )

    def keep_snapshot(step: int, model: Decoder) -> None:
        if step in recipe.snapshots:
            half = Decoder(model.config)
            half.load_state_dict(model.state_dict())
            content = model_file(half.half(), tokenizer, step=str(step))
            write_atomically(unfinished / _snapshot_name(step), content)

    held_out = held_out_stories(recipe)
    checkpoint = unfinished / "checkpoint.safetensors"
    losses = train(
        model,
        story_batches(
            tokenizer,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            without=set(map(str, held_out)),
        ),
        steps=recipe.steps,
        peak_lr=recipe.peak_lr,
        checkpoint=checkpoint,
        on_step=keep_snapshot,
        progress=f"training {recipe.name}" if progress else None,
    )
    seconds = time.perf_counter() - started
    model.eval()
    report = {
        "parameters": count_parameters(model),
        "steps": recipe.steps,
        "seconds": round(seconds, 1),
        "held_out_loss": held_out_loss(model, tokenizer, held_out),
        "floor": story_floor(held_out, tokenizer),
        "losses": losses,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
    }
    write_atomically(unfinished / "model.safetensors", model_file(model, tokenizer))
    write_atomically(unfinished / "report.json", json.dumps(report).encode())
    checkpoint.unlink(missing_ok=True)
    checksums = {path.name: checksum(path.read_bytes()) for path in sorted(unfinished.iterdir())}
    write_atomically(unfinished / "checksums.json", json.dumps(checksums).encode())
    unfinished.rename(folder)


def _read(recipe: Recipe, folder: Path) -> TrainedModel | None:
    """What is in the cache; None if there is nothing, or if it is not whole."""
    try:
        checksums = json.loads((folder / "checksums.json").read_bytes())
        contents = {name: (folder / name).read_bytes() for name in checksums}
        if any(checksum(contents[name]) != expected for name, expected in checksums.items()):
            return None
        model, tokenizer = read_model_file(folder / "model.safetensors")
        report = json.loads(contents["report.json"])
        snapshots = {step: contents[_snapshot_name(step)] for step in recipe.snapshots}
    except (OSError, ValueError, KeyError):
        return None
    content = contents["model.safetensors"]
    return TrainedModel(recipe, model, tokenizer, report, content, snapshots)


def _snapshot_name(step: int) -> str:
    return f"snapshot-{step:05d}.safetensors"

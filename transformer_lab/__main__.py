"""The command line: what is typed after `transformer-lab`.

Results go to standard output, one line of JSON each with `--json`; progress and
complaints go to standard error. A mistake in the input is one sentence and exit
code 1, a wrong use of a command 2, Ctrl-C 130. In no chapter: the README shows it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from transformer_lab.recipes.own_text import OwnText, TokenizerKind


class OneSentence(TyperGroup):
    """Commands whose failures are one sentence, not a traceback."""

    def invoke(self, ctx: Any) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print_error("stopped; run the same command again to go on from here")
            raise typer.Exit(130) from None
        except BrokenPipeError:  # the reader of our output has gone: no error
            raise
        except (ValueError, OSError) as error:
            print_error(f"error: {error}")
            raise typer.Exit(1) from None


app = typer.Typer(
    help="Train and try the small models of the Transformer Lab book.",
    cls=OneSentence,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

NAME = "A name that `list` shows."
Json = Annotated[bool, typer.Option("--json", help="Print a line of JSON for a machine.")]


def print_error(text: str) -> None:
    """Print to standard error; of the workers that `torchrun` started, only the first does."""
    if os.environ.get("RANK", "0") == "0":
        typer.echo(for_terminal(text, sys.stderr.encoding), err=True)


def print_result(text: str, facts: dict, *, as_json: bool) -> None:
    """Print one result: as text for people, or as one line of JSON."""
    encoding = sys.stdout.encoding
    if as_json:
        line = json.dumps(facts, ensure_ascii=False)
        if line != for_terminal(line, encoding):
            line = json.dumps(facts)  # in ASCII, which every terminal knows
        typer.echo(line)
    else:
        typer.echo(for_terminal(text, encoding))


def for_terminal(text: str, encoding: str | None) -> str:
    """The text without what a terminal would obey, or has no letter for.

    Control characters can come from a file's name, and move the cursor or colour the screen;
    a Windows console may know 256 letters only. Both are shown by their number.

    >>> print(for_terminal("a\x1b[31mb हम", "cp1252"))
    a\\x1b[31mb \\u0939\\u092e
    """
    harmless = "".join(
        char
        if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs")
        else ascii(char)[1:-1]
        for char in text
    )
    encoding = encoding or "utf-8"
    return harmless.encode(encoding, errors="backslashreplace").decode(encoding)


@app.command("list")
def list_recipes(as_json: Json = False) -> None:
    """List the models that can be trained, your own texts among them."""
    from transformer_lab import recipes
    from transformer_lab.files import cache_folder

    for name in [*recipes.RECIPES, *recipes.kept_names(cache_folder())]:
        try:
            recipe = recipes.find(name)
            about, trained = recipe.description, recipes.is_trained(recipe)
        except ValueError as error:  # a damaged copy of a text
            about, trained = str(error), False
        facts = {"name": name, "description": about, "trained": trained}
        print_result(
            f"{name}: {about}{'' if trained else ' (not trained yet)'}", facts, as_json=as_json
        )


@app.command()
def train(
    name: Annotated[str | None, typer.Argument(help=NAME)] = None,
    text: Annotated[
        Path | None, typer.Option(help="Train on this text file of your own instead.")
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="With --text: characters or bpe; by default what suits its length."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(help="With --text: by default what suits its length.", min=1, max=1_000_000),
    ] = None,
    called: Annotated[
        str | None,
        typer.Option("--name", help="With --text: the model's name; by default the file's."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a model, or say how it did if it is there already.

    Ctrl-C stops; the same command goes on from where it stopped. Several processes
    train one model together: torchrun --nproc-per-node 2 -m transformer_lab train NAME
    """
    if (name is None) == (text is None):
        raise typer.BadParameter("give either the NAME of a model or --text FILE")
    if text is None and (tokenizer, steps, called) != (None, None, None):
        raise typer.BadParameter("--tokenizer, --steps and --name go with --text FILE")
    if tokenizer not in (None, "characters", "bpe"):
        raise typer.BadParameter(f"--tokenizer {tokenizer} is not one of characters, bpe")
    from transformer_lab import distributed, recipes
    from transformer_lab.files import cache_folder

    with distributed.workers():  # if torchrun started several of us
        if text is None:
            recipe = recipes.find(cast(str, name))
        else:
            recipe = recipe_of_file(text, name=called, tokenizer=tokenizer, steps=steps)
            if distributed.is_first():
                recipes.keep_text(recipe, cache_folder(), path=text)
        trained = recipes.load_with_workers(recipe)
    if trained is None:
        return
    report = trained.report
    facts = {"name": recipe.name} | asdict(report)
    del facts["losses"]
    done = f"{report.parameters:,} parameters, {report.steps:,} steps in {report.seconds} s"
    print_result(f"{recipe.name}: {done}\n{report.summary()}", facts, as_json=as_json)


def recipe_of_file(
    path: Path, *, name: str | None, tokenizer: str | None, steps: int | None
) -> OwnText:
    """The recipe of a text file; without a name, the file's name is made one.

    Raises:
        ValueError: if the file is no text to learn from, or the name cannot be taken.
    """
    from transformer_lab import recipes

    name = name or re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "my-text"
    if name in recipes.RECIPES:
        raise ValueError(f"{name} is a model of the book: choose another --name")
    kind = cast("TokenizerKind | None", tokenizer)
    text = recipes.read_text(path)
    return recipes.recipe_of_text(text, name=name, tokenizer=kind, steps=steps, source=path.name)


@app.command()
def generate(
    name: Annotated[str, typer.Argument(help=NAME)],
    prompt: Annotated[str, typer.Option(help="The text to continue.")] = "",
    temperature: Annotated[
        float, typer.Option(help="0 always takes the likeliest token.", min=0)
    ] = 0.8,
    top_k: Annotated[int, typer.Option(help="Keep this many tokens; 0 keeps all.", min=0)] = 0,
    top_p: Annotated[float, typer.Option(help="Keep this much probability.", min=0, max=1)] = 1.0,
    max_new_tokens: Annotated[int | None, typer.Option(help="Stop after this many.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same text.")] = 0,
    as_json: Json = False,
) -> None:
    """Continue a text."""
    from transformer_lab import recipes

    if not issubclass(recipes.find(name).trained_type, recipes.TextGenerator):
        raise ValueError(f"{name} continues no texts; story-gpt does")
    settings: dict[str, Any]
    settings = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    if max_new_tokens is not None:  # each kind of model has a length that suits it
        settings["max_new_tokens"] = max_new_tokens
    text = cast(recipes.TextGenerator, recipes.load(name)).generate(prompt, **settings)
    print_result(text, {"name": name, "prompt": prompt, "text": text, **settings}, as_json=as_json)


@app.command()
def guess(
    text: Annotated[str, typer.Argument(help="A story, such as 'Anna had a [MASK] ball.'")],
    best: Annotated[int, typer.Option(help="How many guesses to show.", min=1)] = 5,
    as_json: Json = False,
) -> None:
    """Guess the hidden words of a story: write [MASK] for each."""
    from transformer_lab import recipes

    story_bert = cast(recipes.TrainedStoryBERT, recipes.load("story-bert"))
    guesses = [dict(list(each.items())[:best]) for each in story_bert.guess(text)]
    unknown = story_bert.unknown_words(text)
    if unknown:
        print_error(f"no story holds {', '.join(unknown)}: read as [UNK]")
    lines = ["  ".join(f"{word} {share:.1%}" for word, share in each.items()) for each in guesses]
    print_result("\n".join(lines), {"text": text, "guesses": guesses}, as_json=as_json)


@app.command()
def translate(
    sentence: Annotated[str, typer.Argument(help="English, such as 'we are friends'.")],
    beams: Annotated[
        int, typer.Option(help="How many translations to follow, at most 1000.", min=1)
    ] = 1,
    as_json: Json = False,
) -> None:
    """Translate English into Hindi."""
    from transformer_lab import recipes
    from transformer_lab.languages import translation

    translator = cast(recipes.TrainedTranslator, recipes.load("translator"))
    hindi = translator.translate(sentence, n_beams=beams)
    latin = translation.spell([translation.romanise(word) for word in hindi.split()])
    facts = {"english": sentence, "hindi": hindi, "romanised": latin}
    print_result(f"{hindi}  ({latin})", facts, as_json=as_json)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8080,
    host: Annotated[
        str, typer.Option(help="Listen for other machines too, such as with 0.0.0.0.")
    ] = "127.0.0.1",
) -> None:
    """Serve the chat models to any OpenAI client, on this machine."""
    try:
        from transformer_lab import server
    except ModuleNotFoundError as error:
        raise ValueError(f"{error}; it comes with: pip install 'transformer-lab[chat]'") from error
    server.serve(host, port)


@app.command()
def chat(
    name: Annotated[str, typer.Argument(help="A chat model.")] = "math-teacher",
    system: Annotated[str | None, typer.Option(help="The system message.")] = None,
    temperature: Annotated[float, typer.Option(help="0 always takes the likeliest token.")] = 0,
    max_tokens: Annotated[int | None, typer.Option(help="The most in one answer.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same answers.")] = 0,
) -> None:
    """Talk with a chat model in the terminal."""
    from transformer_lab.chat import load, terminal

    settings = {"temperature": temperature, "max_tokens": max_tokens, "seed": seed}
    terminal.run(load(name), system=system, **settings)


@app.command()
def clean(
    name: Annotated[
        str | None, typer.Argument(help="Remove this model whole, and the copy of its text.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Remove what nobody can use any more: models of older versions, and what was damaged."""
    from transformer_lab import recipes

    removed = recipes.clean(name)
    text = "\n".join(f"removed {path}" for path in removed) or "there is nothing to remove"
    print_result(text, {"removed": removed}, as_json=as_json)


def main() -> None:
    """Run the command line."""
    app(prog_name="transformer-lab")


if __name__ == "__main__":
    main()

"""The command line: `transformer-lab list`, `train`, `generate`, `translate`, `chat`, `serve`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

app = typer.Typer(
    help="Train and try the small models of the Transformer Lab book.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("list")
def list_recipes() -> None:
    """List the models that can be trained."""
    from transformer_lab.recipes import RECIPES

    for recipe in RECIPES.values():
        typer.echo(f"{recipe.name}: {recipe.description}")


@app.command()
def train(name: Annotated[str, typer.Argument(help="A name that `list` shows.")]) -> None:
    """Train a model, or say how it did if it is there already.

    Ctrl-C stops; the same command goes on from where it stopped.
    """
    from transformer_lab import recipes

    trained = recipes.load(name)
    report = trained.report
    typer.echo(
        f"{name}: {report['parameters']:,} parameters, {report['steps']:,} steps in "
        f"{report['seconds']} s\n{trained.recipe.summary(report)}"
    )


@app.command()
def generate(
    name: Annotated[str, typer.Argument(help="A name that `list` shows.")],
    prompt: Annotated[str, typer.Option(help="The text to continue.")] = "",
    temperature: Annotated[float, typer.Option(help="0 always takes the likeliest token.")] = 0.8,
    top_k: Annotated[int, typer.Option(help="Keep this many tokens; 0 keeps all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Keep this much probability.")] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(help="Stop after this many.", min=1)] = 96,
    seed: Annotated[int, typer.Option(help="The same seed draws the same text.")] = 0,
) -> None:
    """Continue a text."""
    from transformer_lab import recipes

    if not isinstance(recipes.find(name), recipes.StoryGPT):
        raise ValueError(f"{name} continues no texts; story-gpt does")
    typer.echo(
        recipes.load(name).generate(
            prompt,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            max_new_tokens=max_new_tokens,
            seed=seed,
        )
    )


@app.command()
def translate(
    sentence: Annotated[str, typer.Argument(help="English, such as 'we are friends'.")],
    beams: Annotated[int, typer.Option(help="How many translations to follow.", min=1)] = 1,
) -> None:
    """Translate English into Hindi."""
    from transformer_lab import recipes
    from transformer_lab.languages import translation

    hindi = recipes.load("translator").translate(sentence, n_beams=beams)
    latin = translation.spell([translation.romanise(word) for word in hindi.split()])
    typer.echo(f"{hindi}  ({latin})")


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8080,
    host: Annotated[
        str, typer.Option(help="Listen for other machines too, such as with 0.0.0.0.")
    ] = "127.0.0.1",
) -> None:
    """Serve the chat models to any OpenAI client, on this machine."""
    try:
        from transformer_lab.chat import server
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


def main() -> None:
    """Run the command line; a mistake in the input is one sentence, not a traceback."""
    try:
        app()
    except (ValueError, ConnectionError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; run the same command again to go on from here")


if __name__ == "__main__":
    main()

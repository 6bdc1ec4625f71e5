"""Runs a reader's cell in the page's Python, as Jupyter would run it.

Holds `run`: a fresh namespace for each run, output that is bounded, an error as one sentence
with the reader's own line, and the verdict of `check` apart from what is printed. Leaves out
what a page cannot give: an answer to `input`, packages beyond the standard library and ours.

Needs nothing of the browser: the worker (hosted_python.js) hands over text and takes JSON.
"""

from __future__ import annotations

import ast
import json
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.machinery import PathFinder
from io import TextIOBase

# What a traceback calls the reader's cell.
CELL = "<your code>"
MOST_OUTPUT = 20_000  # characters: some 400 lines
CUT = f"\n… More than {MOST_OUTPUT:,} characters were printed; the rest is left out.\n"

NO_PACKAGE = "the page's Python has no {}; run this notebook in Colab or Jupyter for that"
NO_INPUT = "nobody can answer input() in a page; write the value into your code instead"
OWN_CHECK = (
    "Your code gives the name check to something else; choose another name, so that the "
    "exercise's own check can judge."
)
# What Python's own sentence leaves open in a page.
ADVICE = {
    MemoryError: "your code asks for more memory than the page's Python has",
    RecursionError: "does the function call itself without an end?",
    SystemExit: "a cell ends by itself, without exit()",
    TabError: "indent with spaces only",
}


def run(before: list[str], source: str, tell: Callable[[str], object]) -> str:
    """Run the reader's cell after the cells that it needs, all in one fresh namespace.

    What goes wrong in those is passed over, and told only if the reader's cell misses a name.

    Args:
        before: sources of the cells that it needs; what they print is dropped.
        source: of the reader's cell.
        tell: gets each piece of what this one prints.

    Returns:
        JSON with `error`, null or a `sentence` and its `line` (from 1, or null), and `verdict`,
        null or the exercise's `name`, `right`, `message`, and the `line` at which the checked
        function stopped, or null.
    """
    ours = our_modules()
    namespace: dict = {"__name__": "__main__"}
    above = ""
    try:
        with only_what_a_page_has():
            with output_to(lambda text: None):
                for cell in before:
                    try:
                        execute(cell, namespace, "<above>")
                    except BaseException as error:
                        above = above or f"; a cell above stopped with {sentence_of(error)}"
            with output_to(tell):
                return json.dumps(outcome(source, namespace, above))
    finally:
        restore(ours)


def outcome(source: str, namespace: dict, above: str) -> dict:
    """Run the reader's cell. What `run` returns. `above`: what to add where a name is missing."""
    try:
        value = execute(source, namespace, CELL)
        if is_verdict(value):
            line = line_of(getattr(value, "error", None))
            said = {"name": value.name, "right": value.right, "message": value.message}
            return {"error": None, "verdict": {**said, "line": line}}
        if value is not None:
            print(repr(value))
    except BaseException as error:
        missing = above if isinstance(error, NameError) else ""
        return problem(sentence_of(error) + missing, line_of(error))
    if "check" in namespace and not is_from_exercises(namespace["check"]):
        return problem(OWN_CHECK, None)
    return {"error": None, "verdict": None}


def problem(sentence: str, line: int | None) -> dict:
    return {"error": {"sentence": sentence, "line": line}, "verdict": None}


def execute(source: str, namespace: dict, name: str) -> object:
    """Run a cell. Returns the value of its last line if that is an expression, else None."""
    tree = ast.parse(source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec", dont_inherit=True), namespace)
    if last is None:
        return None
    value = ast.Expression(last.value)
    return eval(compile(value, name, "eval", dont_inherit=True), namespace)


def is_verdict(value: object) -> bool:
    return type(value).__name__ == "Verdict" and is_from_exercises(type(value))


def is_from_exercises(value: object) -> bool:
    return str(getattr(value, "__module__", "")).startswith("transformer_lab.exercises")


# --- Output -------------------------------------------------------------------------


class Output(TextIOBase):
    """Where a cell prints to: it hands the first characters on, says so, and drops the rest."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self.tell, self.room, self.is_full = tell, MOST_OUTPUT, False

    def write(self, text: str) -> int:
        if not self.is_full:
            self.is_full = len(text) > self.room
            self.tell(text[: self.room] + CUT * self.is_full)
            self.room -= len(text)
        return len(text)


class NoInput(TextIOBase):
    """What a cell reads from: nobody writes there."""

    def readline(self, size: int = -1) -> str:  # `input` calls it too
        raise EOFError(NO_INPUT)

    read = readline


@contextmanager
def output_to(tell: Callable[[str], object]) -> Iterator[None]:
    """All that is printed goes to `tell`, and each warning as one line."""
    output, own = Output(tell), sys.stdin
    with redirect_stdout(output), redirect_stderr(output), warnings.catch_warnings():
        warnings.showwarning = show_warning
        sys.stdin = NoInput()
        try:
            yield
        finally:
            sys.stdin = own


def show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    where = f"Line {lineno}: " if filename == CELL else ""
    print(f"{where}{category.__name__}: {message}", file=sys.stderr)


# --- Errors -------------------------------------------------------------------------


def sentence_of(error: BaseException) -> str:
    """Python's own last line, and what a page has to add to it."""
    lines = traceback.format_exception_only(error)
    own = (lines[-1] if isinstance(error, SyntaxError) else "".join(lines)).strip()
    more = next((f"; {text}" for kind, text in ADVICE.items() if isinstance(error, kind)), "")
    if isinstance(error, SyntaxError) and (error.text or "").lstrip().startswith(("%", "!")):
        more = "; lines that begin with % or ! are for Jupyter alone"
    return own + more


def line_of(error: BaseException | None) -> int | None:
    """The last line of the reader's cell that ran, or the one that cannot be read."""
    if error is None:
        return None
    if isinstance(error, SyntaxError) and error.filename == CELL:
        return error.lineno
    steps = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in steps if frame.f_code.co_filename == CELL]
    return lines[-1] if lines else None


# --- Modules ------------------------------------------------------------------------


class LastFinder:
    """Asked for a module that is in no folder: a page cannot have it."""

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> None:
        # Without the name: Python would put a sentence of its own in the place of this one.
        raise ModuleNotFoundError(NO_PACKAGE.format(name))


@contextmanager
def only_what_a_page_has() -> Iterator[None]:
    finders = sys.meta_path
    finders.insert(finders.index(PathFinder) + 1, LastFinder)
    try:
        yield
    finally:
        finders.remove(LastFinder)


# --- What a cell may have changed ---------------------------------------------------


def our_modules() -> dict[types.ModuleType, dict]:
    """What the modules hold that exercises rely on, before a cell can write into them."""
    return {
        module: dict(vars(module))
        for name, module in list(sys.modules.items())
        if name.split(".")[0] in {"builtins", "torch", "transformer_lab"}
    }


def restore(ours: dict[types.ModuleType, dict]) -> None:
    for module, names in ours.items():
        vars(module).update(names)  # what has come stays: it may be a module that was imported

"""What is offered: `@offered` enters a function into the tables that the page's torch shows.

As in torch, nearly every function stands in two places: `torch.exp(x)` and `x.exp()`. The
decorator also does for all of them what torch does before it calls one: it takes numpy's words
for an argument (`axis` for `dim`) and Python's types for kinds of numbers, checks that what is
annotated as a `Tensor` is one (so every file must have `from __future__ import annotations`,
which keeps annotations as text), and refuses a keyword that is not there.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping

from .dtypes import bool_, float64, int64
from .refusals import ELSEWHERE
from .tensors import Tensor

FUNCTIONS: dict[str, Callable] = {}
METHODS: dict[str, Callable] = {}
Number = bool | int | float
Operand = Tensor | Number  # what stands on one side of an operator
PYTHONS_TYPES = {bool: bool_, int: int64, float: float64}
NUMPYS_WORDS = {"axis": "dim", "keepdims": "keepdim", "x": "input"}


def offered(*names: str, function: bool = True, method: bool = True) -> Callable:
    """Enter a function under these names, or under its own.

    Args:
        names: `offered("clip", "clamp")` enters it twice.
        function: as `torch.NAME`.
        method: as `Tensor.NAME`; the tensor is then the first argument.
    """

    def enter(plain: Callable) -> Callable:
        entered = names or (plain.__name__,)
        checked = with_checks(plain, entered[0])
        for name in entered:
            if function:
                FUNCTIONS[name] = checked
            if method:
                METHODS[name] = checked
        return checked

    return enter


_ALLOWED = {"Tensor": Tensor, "Operand": (Tensor, int, float)}  # by the annotation's text


def with_checks(plain: Callable, name: str) -> Callable:
    """The function, with its arguments checked as torch checks them."""
    known = inspect.signature(plain).parameters
    wanted = [
        (at, each, _ALLOWED[known[each].annotation])
        for at, each in enumerate(known)
        if known[each].annotation in _ALLOWED
    ]
    rest = next((k for k in known if known[k].kind is inspect.Parameter.VAR_POSITIONAL), None)

    @functools.wraps(plain)
    def checked(*args: object, **keywords: object) -> object:
        args = tuple(map(_kind, args))
        if keywords:
            keywords = _renamed(name, keywords, known)
            if rest in keywords:  # `reshape(shape=(2, 3))`
                args = (*args, keywords.pop(rest))
        for at, each, types in wanted:
            given = at < len(args) or each in keywords
            value = args[at] if at < len(args) else keywords.get(each)
            if given and not isinstance(value, types):
                raise TypeError(
                    f"{name}(): argument '{each}' (position {at + 1}) must be Tensor, not "
                    f"{type(value).__name__}"
                )
        return plain(*args, **keywords)

    return checked


def _kind(value: object) -> object:
    """`bool`, `int` and `float` as kinds of numbers, all else as it is."""
    return PYTHONS_TYPES.get(value, value) if isinstance(value, type) else value


def _renamed(
    function: str, keywords: dict[str, object], known: Mapping[str, object]
) -> dict[str, object]:
    renamed = {}
    for word, value in keywords.items():
        if word == "device" and str(value) in ("cpu", "None"):  # there is no other
            continue
        name = word if word in known else NUMPYS_WORDS.get(word, word)
        if name not in known:
            raise NotImplementedError(
                f"the page's small torch has no keyword `{word}` in `{function}`; {ELSEWHERE}"
            )
        renamed[name] = _kind(value)
    return renamed

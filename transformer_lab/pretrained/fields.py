"""Fields: what a file of others says about its model, and that nothing in it is ignored.

A reader that ignores a field may compute something else than the file says, without any
error. So each field is read by its name, and a field that was not read is refused.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

Default = TypeVar("Default")
_NEEDED: Any = object()  # instead of a default value
_LARGEST = 2**24  # no size of a model is larger; with more, torch's own sums overflow


class Fields:
    """Names and values from a file, and which of them were read.

    All methods raise a ValueError of one sentence about what does not fit.

    Args:
        values: the values by name, of any kind: untrusted input.
        whose: what they belong to, for messages.

    >>> fields = Fields({"layers": 2, "eps": "small"}, "the config")
    >>> fields.whole("layers")
    2
    >>> fields.refuse_others()
    Traceback (most recent call last):
    ...
    ValueError: the config has a field 'eps', which is not supported
    """

    def __init__(self, values: Mapping[str, object], whose: str) -> None:
        self.values, self.whose = values, whose
        self._read: set[str] = set()

    def get(self, name: str, default: object = _NEEDED) -> Any:
        """The value of this name, whatever it is; `default` if it is missing."""
        self._read.add(name)
        value = self.values.get(name, default)
        if value is _NEEDED:
            raise ValueError(f"{self.whose} has no {name!r}, which this family needs")
        return value

    def whole(
        self, name: str, default: Default = _NEEDED, *, null: Default = _NEEDED
    ) -> int | Default:
        """A whole number from 1 on; `null` if the file says that there is none."""
        return self._checked(
            name, default, null, lambda value: type(value) is int and 1 <= value <= _LARGEST,
            "a whole number from 1 to 2**24",
        )  # fmt: skip

    def positive(
        self, name: str, default: Default = _NEEDED, *, null: Default = _NEEDED
    ) -> float | Default:
        """A finite number above 0; `null` if the file says that there is none."""
        value = self._checked(
            name, default, null,
            lambda value: type(value) in (int, float) and 1e-30 < value < 1e30,
            "a number above 0",
        )  # fmt: skip
        return float(value) if isinstance(value, int) else value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        return self._checked(
            name, default, _NEEDED, lambda value: isinstance(value, bool), "true or false"
        )

    def part(self, name: str) -> Fields:
        """The fields that stand under this name: none, if it is missing or null."""
        found = self._checked(
            name, {}, {}, lambda value: isinstance(value, dict), "a list of names and values"
        )
        return Fields(found, name)

    def only(self, **expected: Collection) -> None:
        """Refuse a choice that this book's blocks do not make.

        Args:
            expected: for each name the values that will do; a missing one will, too.
        """
        for name, values in expected.items():
            found = self.get(name, None)
            # In Python True is 1, in a file it is not.
            fits = any(
                found == one and isinstance(found, bool) == isinstance(one, bool) for one in values
            )
            if name in self.values and not fits:
                wanted = " or ".join(map(repr, values))
                raise ValueError(
                    f"{name}={reprlib.repr(found)} is not worked out here, only {wanted}"
                )

    def refuse_others(self, inert: Collection[str] = ()) -> None:
        """Refuse a field that was not read.

        Args:
            inert: names that change nothing of what a model computes.
        """
        for name in self.values:
            if name not in self._read and name not in inert:
                raise ValueError(
                    f"{self.whose} has a field {reprlib.repr(name)}, which is not supported"
                )

    def _checked(
        self, name: str, default: object, null: object, fits: Callable[[Any], bool], wanted: str
    ) -> Any:
        value = self.get(name, default)
        if name not in self.values:
            return default
        if value is None and null is not _NEEDED:
            return null
        if not fits(value):
            raise ValueError(
                f"{self.whose} has {name}={reprlib.repr(value)}, but {wanted} is wanted"
            )
        return value

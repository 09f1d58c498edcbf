"""How a setting is declared: how its text is read, what it must be, and what it is when it is not set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
Number = TypeVar("Number", int, float)

CENT = Decimal("0.01")


class Secret:
    """A text that no log and no message shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('…')" if self._text else "Secret('')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Unfit(Exception):  # it is about the value
    """A setting's value can't be used. ``reason`` goes on behind the setting's name; without one, ``must_be`` does.

    ``part`` is the part of a list that it is about.
    """

    def __init__(self, reason: str = "", part: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.part = part


Read = Callable[[str], Any]
"""Returns the value of a text that is not empty. Raises :class:`Unfit`. Returns :data:`UNSET` if it counts as unset."""

UNSET = object()


class Declared(NamedTuple):
    """What is known of a setting besides its name, type and default.

    ``empty`` means something. Otherwise an empty text counts as unset. One that is not ``shown`` may hold a secret.
    """

    read: Read
    must_be: str
    empty: bool
    shown: bool


def setting(read: Read, *, default: Any = MISSING, must_be: str = "", empty: bool = False, shown: bool = True) -> Any:
    """Declare a setting. Without a default it is required."""
    return field(default=default, metadata={"declared": Declared(read, must_be, empty, shown)})


def declared(of: Field[Any]) -> Declared:
    """Return how a field of the settings was declared."""
    found: Declared = of.metadata["declared"]
    return found


def as_it_is(text: str) -> str:
    return text


def whole(least: float = -math.inf, most: float = math.inf) -> Callable[[str], int]:
    """Return a reader of whole numbers."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise Unfit from None
        return _within(number, least, most)

    return read


def number(least: float, most: float) -> Callable[[str], float]:
    """Return a reader of numbers that may have a fraction."""
    return lambda text: _within(_number(text), least, most)


def above_zero(text: str) -> float:
    found = _number(text)
    if not 0 < found < math.inf:
        raise Unfit
    return found


def amount(text: str) -> Decimal:
    """Read a sum above zero, in whole cents."""
    try:
        found = Decimal(text.strip())
        if found > 0 and found == found.quantize(CENT):
            return found
    except InvalidOperation:  # no number, not a number, or more than there is money
        pass
    raise Unfit


def one_of(*names: str) -> Callable[[str], str]:
    """Return a reader of one of these names, in any letter case."""
    by_folded = {name.casefold(): name for name in names}

    def read(text: str) -> str:
        if (name := by_folded.get(text.casefold())) is None:
            raise Unfit
        return name

    return read


def each(read: Callable[[str], T], collect: Callable[[Iterable[T]], Any] = tuple) -> Read:
    """Return a reader of several values, separated by commas. Blanks alone count as unset."""

    def read_all(text: str) -> Any:
        if not text.strip():
            return UNSET
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts:  # a list of empty parts must mean neither nobody nor everybody
            raise Unfit("holds nothing but commas")
        return collect(_part(read, part) for part in parts)

    return read_all


def _part(read: Callable[[str], T], part: str) -> T:
    try:
        return read(part)
    except Unfit as unfit:
        raise Unfit(unfit.reason, part) from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Unfit from None


def _within(number: Number, least: float, most: float) -> Number:
    if not least <= number <= most:  # NaN is not
        raise Unfit
    return number

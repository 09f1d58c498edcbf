"""Several invoice numbers in the callback data of one button, which has little room."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

DIGITS = string.digits + string.ascii_letters
BETWEEN = "."


def packed(numbers: Iterable[int]) -> str:
    """Return numbers in a short form: in ascending order, each as its distance to the one before."""
    ordered = [0, *sorted(set(numbers))]
    return BETWEEN.join(_in_digits(after - before) for before, after in pairwise(ordered))


def unpacked(text: str) -> Sequence[int]:
    """Return the numbers, in ascending order. Raise ValueError on a text that was never ours."""
    return list(accumulate(_from_digits(part) for part in text.split(BETWEEN)))


def _in_digits(number: int) -> str:
    rest, last = divmod(number, len(DIGITS))
    return (_in_digits(rest) if rest else "") + DIGITS[last]


def _from_digits(text: str) -> int:
    if not text:
        raise ValueError(text)
    number = 0
    for digit in text:
        number = number * len(DIGITS) + DIGITS.index(digit)
    return number

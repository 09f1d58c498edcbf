"""The invoice numbers behind a command. Whatever else is there is named, so that nobody takes it for done."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from bot.chat.context import Context
from bot.chat.screens import QUOTE_LIMIT, Screen, cut
from bot.domain.packed_numbers import unpacked
from bot.errors import (
    AnswerNotUnderstood,
    DocumentTooLarge,
    InvoiceNumberMissing,
    NoCreditApplied,
    NotANumber,
    NotFound,
    NothingToPay,
    Refused,
)

MAX_NUMBERS = 10
"""How many invoices one command is about at most."""
MAX_NAMED = 5
"""How many words are named that are left out."""
MAX_ID_DIGITS = 18
"""More than any id in a database has."""

BETWEEN = re.compile(r"[\s,;+&]+")
AROUND = "#.:()"
FILLERS = frozenset({"", "no", "nr", "number", "nummer", "invoice", "rechnung", "and", "und"})
"""What people write around a number. It is not worth a word."""

ABOUT_ONE = (NotFound, Refused, AnswerNotUnderstood, DocumentTooLarge, NothingToPay, NoCreditApplied)
"""Errors that say nothing of other invoices."""


def read_number(word: str) -> int | None:
    """Return the number in a word such as ``4711`` or ``#4711``. None: it is none."""
    digits = word.strip(AROUND)
    if digits.isascii() and digits.isdecimal() and len(digits) <= MAX_ID_DIGITS:
        return int(digits) or None
    return None


async def numbers_of(context: Context, command: str) -> Sequence[int]:
    """Return the invoice numbers behind a command, or the one in a button. Name the words that are left out.

    Raise :class:`InvoiceNumberMissing`, or :class:`NotANumber` if what is there is none.
    """
    # What follows the number in a button is not the person's.
    words = context.words[:1] if context.query is not None else BETWEEN.split(" ".join(context.words))
    told = [word for word in words if word.strip(AROUND).casefold() not in FILLERS]
    numbers = list(dict.fromkeys(number for word in told if (number := read_number(word))))
    others = [word for word in told if read_number(word) is None]
    if not numbers:
        raise NotANumber(_quoted(context, others), command) if others else InvoiceNumberMissing(command)
    if others:
        await context.reply(Screen(context.t.count("numbers.none", len(others), words=_quoted(context, others))))
    if rest := numbers[MAX_NUMBERS:]:
        words = [str(number) for number in rest]
        await context.reply(Screen(context.t("numbers.too_many", n=MAX_NUMBERS, words=_quoted(context, words))))
    return numbers[:MAX_NUMBERS]


def packed_numbers_of(context: Context, command: str) -> Sequence[int]:
    """Return the numbers in a button that is about several. Raise :class:`InvoiceNumberMissing` if it is not ours."""
    try:
        return unpacked(context.words[0])
    except (IndexError, ValueError) as error:
        raise InvoiceNumberMissing(command) from error


async def for_each(context: Context, numbers: Sequence[int], do: Callable[[int], Awaitable[None]]) -> None:
    """Do something with each invoice. If one of several fails by itself, say so with its number and go on."""
    for number in numbers:
        try:
            await do(number)
        except ABOUT_ONE as error:
            if len(numbers) == 1:
                raise
            await context.reply(Screen(context.t("numbers.failed", id=number, why=context.t.error(error))))


def _quoted(context: Context, words: Sequence[str]) -> str:
    quoted = [context.t.plain("numbers.word", word=cut(word, QUOTE_LIMIT)) for word in words]
    return context.t.listing(quoted, MAX_NAMED)

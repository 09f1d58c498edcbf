"""What the tests of the search share: the real words of both languages, a day, and a search in one line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from bot.chat.search_words import vocabulary_of
from bot.chat.texts import load_translations
from bot.domain.invoices import Invoice
from bot.domain.search.conditions import Condition
from bot.domain.search.finding import Found, find
from bot.domain.search.parsing import conditions_in
from bot.services.searching import similar

TRANSLATIONS = load_translations("EUR", ZoneInfo("Europe/Berlin"))
VOCABULARY = vocabulary_of(TRANSLATIONS)
TODAY = date(2026, 11, 29)


def read(text: str) -> tuple[Condition, ...]:
    return conditions_in(text, VOCABULARY, TODAY)


def search(invoices: Sequence[Invoice], text: str) -> Found:
    return find(invoices, read(text), VOCABULARY, similar, TODAY, lambda due: due < TODAY)


def numbers(invoices: Sequence[Invoice], text: str) -> list[int]:
    """Return the numbers of the invoices that are found."""
    return [invoice.id for invoice in search(invoices, text).invoices]

"""The words that mean something to the search, in all languages at once: people mix them."""

from __future__ import annotations

from collections.abc import Mapping

from babel import Locale

from bot.chat.texts import Translations
from bot.domain.queries import ItemKind
from bot.domain.search.conditions import Meaning, StandingWord, Than, Vocabulary
from bot.domain.search.periods import Unit

WORDS: Mapping[str, Meaning] = {
    "open": StandingWord.OPEN,
    "paid": StandingWord.PAID,
    "overdue": StandingWord.OVERDUE,
    "cancelled": StandingWord.CANCELLED,
    "hosting": ItemKind.HOSTING,
    "domain": ItemKind.DOMAIN,
    "donation": ItemKind.DONATION,
    "today": (Unit.DAY, 0),
    "yesterday": (Unit.DAY, 1),
    "this_week": (Unit.WEEK, 0),
    "last_week": (Unit.WEEK, 1),
    "this_month": (Unit.MONTH, 0),
    "last_month": (Unit.MONTH, 1),
    "this_quarter": (Unit.QUARTER, 0),
    "last_quarter": (Unit.QUARTER, 1),
    "this_year": (Unit.YEAR, 0),
    "last_year": (Unit.YEAR, 1),
    "quarter": Unit.QUARTER,
    "above": Than.ABOVE,
    "below": Than.BELOW,
    "from": Than.FROM,
    "up_to": Than.UP_TO,
    "nothing": None,
}
"""What the words in the text ``words.NAME`` mean. A catalogue separates them by commas."""


def vocabulary_of(translations: Translations) -> Vocabulary:
    """Return the words of all languages. The months' names come from Babel."""
    meanings: dict[str, Meaning] = {}
    for language, t in translations.items():
        for name, meaning in WORDS.items():
            meanings |= {word.strip(): meaning for word in t.plain(f"words.{name}").split(",")}
        months = Locale.parse(language).months
        for usage in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                meanings |= {name.rstrip("."): number for number, name in months[usage][width].items()}
    return Vocabulary(meanings)

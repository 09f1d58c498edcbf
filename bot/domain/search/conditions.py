"""The conditions of a search. Each keeps what was typed for it, so that it can be taken away again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from bot.domain.queries import ItemKind
from bot.domain.search.periods import YEARS, Period, Unit
from bot.domain.search.spelling import spellings


class StandingWord(StrEnum):
    """How an invoice has to stand."""

    OPEN = "open"
    PAID = "paid"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"


class Than(StrEnum):
    """How a sum has to compare."""

    ABOVE = ">"
    BELOW = "<"
    FROM = ">="
    UP_TO = "<="


@dataclass(frozen=True, slots=True)
class Numbered:
    """A whole number by itself: an invoice's, a year, a sum, or a word of a text."""

    typed: str
    number: int

    @property
    def may_be_year(self) -> bool:
        """Whether it can be a year. ``#2025`` is none."""
        return self.number in YEARS and self.typed.isdecimal()


@dataclass(frozen=True, slots=True)
class Costing:
    """A sum, or a range of sums. ``is_round``: it was typed without cents, and nothing else compares it."""

    typed: str
    low: Decimal | None
    high: Decimal | None
    with_ends: bool = True
    is_round: bool = False

    def holds(self, amount: Decimal) -> bool:
        if self.with_ends:
            return (self.low is None or self.low <= amount) and (self.high is None or amount <= self.high)
        return (self.low is None or self.low < amount) and (self.high is None or amount < self.high)


@dataclass(frozen=True, slots=True)
class Dated:
    """The invoice's date lies in a period."""

    typed: str
    period: Period


@dataclass(frozen=True, slots=True)
class Being:
    """How the invoice stands."""

    typed: str
    standing: StandingWord


@dataclass(frozen=True, slots=True)
class OfKind:
    """An item is of this type, or a text speaks of it."""

    typed: str
    kind: ItemKind


@dataclass(frozen=True, slots=True)
class Saying:
    """A word of the invoice's texts. It may have typing errors."""

    typed: str
    word: str


Condition = Numbered | Costing | Dated | Being | OfKind | Saying

Meaning = StandingWord | ItemKind | Unit | Than | int | tuple[Unit, int] | None
"""What a word or phrase means: a state, a type, a month by its number, "last month" as a unit and how far back it lies,
the word "quarter" as a unit, "above" as a comparison. None: nothing, as "of" and "invoices" do."""

LONGEST_PHRASE = 3


@dataclass(frozen=True)
class Vocabulary:
    """The words that mean something, in all languages, by their spellings."""

    meanings: Mapping[str, Meaning]
    phrases: Mapping[str, Meaning] = field(init=False)

    def __post_init__(self) -> None:
        found = {form: meaning for phrase, meaning in self.meanings.items() for form in spellings(phrase)}
        object.__setattr__(self, "phrases", found)

    def knows(self, words: Iterable[str]) -> str | None:
        """Return how these words are spelt here, as one phrase. None: they mean nothing."""
        return next((form for form in spellings(" ".join(words)) if form in self.phrases), None)

"""Find the invoices that fit all conditions of a search, and the nearest where none does."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property, reduce
from heapq import nsmallest
from itertools import product
from operator import and_

from bot.domain.invoices import Invoice
from bot.domain.search.conditions import (
    Being,
    Condition,
    Costing,
    Dated,
    Numbered,
    OfKind,
    Saying,
    StandingWord,
    Vocabulary,
)
from bot.domain.search.parsing import meant_by
from bot.domain.search.periods import EachYear
from bot.domain.search.spelling import Similar, meant, plain, spellings
from bot.domain.search.texts import Numbers, Part, Texts
from bot.domain.service_names import Service
from bot.domain.standings import Standing

NEAREST = 3
"""How many invoices are offered where none fits."""
CORRECTIONS = 4
"""How many readings of a word with typing errors are tried at most."""

NO_NAMES: Mapping[Service, str] = {}

_PARTS = re.compile(r"(\W+)")
_HAS_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Understood:
    """A condition as it was understood, and which invoices fit it.

    ``meant`` is what stands in the place of a word with typing errors: words of the texts, or another condition.
    """

    condition: Condition
    fitting: Numbers
    meant: tuple[str, ...] | Condition = ()

    @property
    def is_unknown(self) -> bool:
        """Whether it is a word that stands in no invoice."""
        return isinstance(self.condition, Saying) and not self.fitting


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search. ``without`` says how many invoices there would be without each condition.

    ``nearest`` are invoices to offer where none fits.
    """

    understood: tuple[Understood, ...]
    invoices: tuple[Invoice, ...]
    without: tuple[int, ...] = ()
    nearest: tuple[Invoice, ...] = ()

    @property
    def known(self) -> tuple[Condition, ...]:
        """The conditions, all but words that stand in no invoice."""
        return tuple(each.condition for each in self.understood if not each.is_unknown)


def find(
    invoices: Sequence[Invoice],
    conditions: Sequence[Condition],
    vocabulary: Vocabulary,
    similar: Similar,
    today: date,
    is_over: Callable[[date], bool],
    names: Mapping[Service, str] = NO_NAMES,
) -> Found:
    """Return the invoices that fit, in their order. ``is_over`` says whether a due date has passed.

    ``names`` are what people call their services.
    """
    search = _Search(invoices, vocabulary, similar, today, is_over, names)
    understood = tuple(search.understand(condition) for condition in conditions)
    fitting = _all_of(understood, len(invoices))
    found = Found(understood, tuple(invoices[number] for number in sorted(fitting)))
    if fitting:
        return found
    rests = [[other for other in understood if other is not each] for each in understood]
    without = [_all_of(rest, len(invoices)) if rest else frozenset[int]() for rest in rests]
    nearest = tuple(invoices[number] for number in search.nearest(understood))
    return replace(found, without=tuple(len(numbers) for numbers in without), nearest=nearest)


def _all_of(understood: Sequence[Understood], count: int) -> Numbers:
    """Return what fits all conditions. Of several that exclude each other, such as two years, one is enough."""
    groups: dict[object, Numbers] = {}
    for order, each in enumerate(understood):
        group = _group(each, order)
        groups[group] = groups.get(group, frozenset()) | each.fitting
    return reduce(and_, groups.values(), frozenset(range(count)))


def _group(understood: Understood, order: int) -> object:
    condition = understood.meant if isinstance(understood.meant, Dated | Being) else understood.condition
    match condition:
        case Numbered():
            return "year" if condition.may_be_year else "number"
        case Dated():
            return type(condition.period)
        case Being():
            return Being
    return order


class _Search:
    """One search through a list. Every way to understand a condition is tried, until one finds something."""

    def __init__(
        self,
        invoices: Sequence[Invoice],
        vocabulary: Vocabulary,
        similar: Similar,
        today: date,
        is_over: Callable[[date], bool],
        names: Mapping[Service, str],
    ) -> None:
        self._invoices = invoices
        self._vocabulary = vocabulary
        self._similar = similar
        self._today = today
        self._is_over = is_over
        self._names = names

    @cached_property
    def _texts(self) -> Texts:
        return Texts(self._invoices, self._names)

    @cached_property
    def _by_sum(self) -> Mapping[Decimal, Sequence[int]]:
        """The invoices by each of their sums. The same sums come again and again."""
        found = defaultdict[Decimal, list[int]](list)
        for number, invoice in enumerate(self._invoices):
            for amount in sums_of(invoice):
                found[amount].append(number)
        return found

    def understand(self, condition: Condition) -> Understood:
        """Return the condition with what fits it: by the first way to read it that finds something."""
        for fitting in self._ways(condition):
            if fitting:
                return Understood(condition, fitting)
        return self._corrected(condition) if isinstance(condition, Saying) else Understood(condition, frozenset())

    def _ways(self, condition: Condition) -> Iterator[Numbers]:
        match condition:
            case Numbered():
                yield self._which(lambda i: i.id == condition.number) | self._of_year(condition)
                amount = Decimal(condition.number)
                yield self._costing(Costing("", amount, amount)) | self._saying(str(condition.number))
                yield self._costing(_up_to_the_next(amount))
            case Costing():
                yield self._costing(condition)
                if condition.is_round and condition.low is not None:
                    yield self._costing(_up_to_the_next(condition.low))
                yield self._saying(condition.typed)
            case Dated():
                yield self._which(lambda i: (day := date_of(i)) is not None and condition.period.holds(day))
                yield self._saying(condition.typed) if _HAS_DIGIT.search(condition.typed) else frozenset()
            case Being():
                yield self._which(self._standing(condition.standing))
            case OfKind():
                yield self._which(lambda i: i.has_type(condition.kind)) | self._saying(condition.typed)
            case Saying():
                yield from self._saying_ways(condition.word)

    def _which(self, fits: Callable[[Invoice], bool]) -> Numbers:
        return frozenset(number for number, invoice in enumerate(self._invoices) if fits(invoice))

    def _of_year(self, condition: Numbered) -> Numbers:
        if not condition.may_be_year:
            return frozenset()
        return self._which(lambda i: (day := date_of(i)) is not None and day.year == condition.number)

    def _costing(self, condition: Costing) -> Numbers:
        if condition.low is not None and condition.low == condition.high:
            return frozenset(self._by_sum.get(condition.low, ()) if condition.holds(condition.low) else ())
        return frozenset().union(*(numbers for amount, numbers in self._by_sum.items() if condition.holds(amount)))

    def _standing(self, wanted: StandingWord) -> Callable[[Invoice], bool]:
        match wanted:
            case StandingWord.OPEN:
                return lambda i: i.is_open
            case StandingWord.PAID:
                return lambda i: i.is_paid
            case StandingWord.OVERDUE:
                return lambda i: i.is_open and i.due is not None and self._is_over(i.due)
        return lambda i: i.standing is Standing.CANCELLED

    def _saying(self, word: str) -> Numbers:
        """Return the invoices that say exactly this word."""
        return next(self._saying_ways(word))

    def _saying_ways(self, word: str) -> Iterator[Numbers]:
        """Yield the invoices that say the word, then those with words that begin with it, then that contain it."""
        forms = spellings(word)
        for part in Part:
            if len(word) >= part:
                yield self._texts.having(forms, part)

    def _corrected(self, condition: Saying) -> Understood:
        """Return what a word means that stands nowhere: another word of the vocabulary, or of the texts."""
        for form in spellings(condition.word):
            for phrase in meant(form, [one for one in self._vocabulary.phrases if " " not in one], self._similar)[:1]:
                other = meant_by(condition.word, self._vocabulary.phrases[phrase], self._today)
                if other is not None and (fitting := next(self._ways(other))):
                    return Understood(condition, fitting, replace(other, typed=phrase))
        words = dict.fromkeys(word for form in spellings(condition.word) for word in self._readings(form))
        fitting = self._texts.having(words, Part.WHOLE)
        return Understood(condition, fitting, tuple(words) if fitting else ())

    def _readings(self, word: str) -> Iterable[str]:
        """Return the word with each of its parts corrected: of ``exmaple.org``, that is the first one."""
        parts = []
        for part in _PARTS.split(word):
            is_known = not part or not part[0].isalnum() or part in self._texts.words
            parts.append([part] if is_known else meant(part, self._texts.words, self._similar)[:CORRECTIONS])
        return ["".join(reading) for reading in list(product(*parts))[:CORRECTIONS]]

    def nearest(self, understood: Sequence[Understood]) -> list[int]:
        """Return a few invoices that come close: those that fit most conditions, and miss the others by least."""
        met = Counter(number for each in understood for number in each.fitting)
        most = max(met.values(), default=0)
        candidates = [number for number, count in met.items() if count == most] or range(len(self._invoices))
        distances = [(each.fitting, self._distance(each.condition)) for each in understood]

        def off(number: int) -> float:
            return sum(distance(number) for fitting, distance in distances if number not in fitting)

        nearest = nsmallest(NEAREST, ((off(number), number) for number in candidates))
        return [number for distance, number in nearest if most or distance < _FAR]

    def _distance(self, condition: Condition) -> Callable[[int], float]:
        """Return how far an invoice is from a condition, in parts of it."""
        match condition:
            case Costing():
                goal = next(end for end in (condition.low, condition.high) if end is not None)
                return lambda number: min(
                    float(abs(amount - goal) / (abs(goal) + 1)) for amount in sums_of(self._invoices[number])
                )
            case Numbered() if not condition.may_be_year:
                wanted = condition.number
                return lambda number: abs(self._invoices[number].id - wanted) / wanted if wanted else 1.0
            case Dated():
                return lambda number: _days_off(date_of(self._invoices[number]), condition) / 365
            case Saying():
                close = self._texts.having(self._close_words(condition.word), Part.WHOLE)
                return lambda number: 1.0 if number in close else _FAR
        return lambda _: _FAR

    def _close_words(self, word: str) -> list[str]:
        """Return words of the texts that are too far away to be meant, but nearer than others."""
        return self._similar(plain(word), self._texts.words, len(word) // 3)[:NEAREST]


_FAR = 10.0


def _days_off(day: date | None, condition: Dated) -> float:
    if day is None:
        return _FAR * 365
    if isinstance(condition.period, EachYear):
        return float(min(abs(day.month - condition.period.first), abs(day.month - condition.period.last)) * 30)
    return float(max((condition.period.first - day).days, (day - condition.period.last).days, 0))


def _up_to_the_next(amount: Decimal) -> Costing:
    """Return the condition that a sum is this many euros, whatever the cents."""
    return Costing("", amount, amount + Decimal("0.9999"))


def date_of(invoice: Invoice) -> date | None:
    """Return the day that counts as the invoice's date."""
    return invoice.issued or invoice.due


def sums_of(invoice: Invoice) -> Collection[Decimal]:
    """Return the sums by which an invoice is known: the one that lists show, and the whole one."""
    if not invoice.credit and not invoice.is_open:
        return (invoice.total,)
    return {invoice.display_amount, invoice.full_total}

"""Read conditions from what somebody typed. Every text can be read: what has no other meaning is a word to look for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

from bot.domain.queries import ItemKind
from bot.domain.search.conditions import (
    LONGEST_PHRASE,
    Being,
    Condition,
    Costing,
    Dated,
    Meaning,
    Numbered,
    OfKind,
    Saying,
    StandingWord,
    Than,
    Vocabulary,
)
from bot.domain.search.periods import EachYear, Period, Span, Unit, day_of, months, quarter, relative

CURRENCY = r"(?:[€$£]|euros?\b|(?:eur|usd|gbp|chf)\b)"
AMOUNT = r"-?(?:\d{1,3}(?:[.,'’]\d{3})+|\d{1,15})(?:[.,]\d{1,2})?(?!\d)"
YEAR = r"(?:199\d|20\d\d)"
END = r"(?=[,;:!?.)\]\"'“”»]*(?:\s|$))"
AROUND = ",;:!?.()[]{}\"'„“”‘’»«…#*-–—/\\"

_COMMA = re.compile(r",(?!\d)|(?<!\d),|;")
_WORD = re.compile(r"\S+")
_CENTS = re.compile(r"(.*)[.,](\d{1,2})")
_DASHES = str.maketrans({"–": "-", "—": "-", "−": "-", "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " "})


def _money_named(name: str) -> str:
    return rf"(?P<{name}>-?(?:{CURRENCY}\s?)?{AMOUNT})(?:\s?{CURRENCY})?"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text + END, re.IGNORECASE)


_ISO_DAY = _pattern(r"(?P<year>" + YEAR + r")-(?P<month>\d{1,2})-(?P<day>\d{1,2})")
_DAY = _pattern(r"(?P<day>\d{1,2})(?P<mark>[./])\s?(?P<month>\d{1,2})(?P=mark)\s?(?P<year>" + YEAR + r"|\d{2})")
_DAY_EACH_YEAR = re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?=\s|$)")
_MONTH = _pattern(r"(?P<year>" + YEAR + r")[-/.](?P<month>\d{1,2})")
_MONTH_FIRST = _pattern(r"(?P<month>\d{1,2})[/.](?P<year>" + YEAR + ")")
_ONE = rf"(?:{YEAR}-\d{{1,2}}-\d{{1,2}}|\d{{1,2}}[./]\d{{1,2}}[./]{YEAR}|{YEAR}[-/.]\d{{1,2}}|\d{{1,2}}[./]{YEAR})"
_FROM_TO = _pattern(rf"(?P<first>{_ONE})\s?-\s?(?P<last>{_ONE})")
_YEARS = _pattern(r"(?P<first>" + YEAR + r")\s?-\s?(?P<last>" + YEAR + ")")
_QUARTER = _pattern(r"(?:(?P<before>" + YEAR + r")[-/ ]?)?Q\s?(?P<number>[1-4])(?:[-/ ]?(?P<after>" + YEAR + "))?")
_ORDINAL = re.compile(r"(?P<number>[1-4])(?:\.|st|nd|rd|th)?\s(?P<word>\S+)", re.IGNORECASE)
_COMPARED = _pattern(r"(?P<sign>>=|=>|<=|=<|[><≥≤=])\s?" + _money_named("amount"))
_RANGE = _pattern(_money_named("low") + r"\s?-\s?" + _money_named("high"))
_SUM = _pattern(_money_named("amount"))
_NUMBER = _pattern(r"#?\s?(?P<number>\d{1,18})")

_SIGNS = {">": Than.ABOVE, "<": Than.BELOW, "≥": Than.FROM, ">=": Than.FROM, "=>": Than.FROM}
_SIGNS |= {"≤": Than.UP_TO, "<=": Than.UP_TO, "=<": Than.UP_TO}

SEPARATOR = "\n"
"""Stands between the conditions of a search that is kept, so that what is left means the same as before."""


def conditions_in(text: str, vocabulary: Vocabulary, today: date) -> tuple[Condition, ...]:
    """Return the conditions in what somebody typed. ``today`` is the reader's day, for "last month".

    Words that mean nothing, such as "of", count only if nothing else is there.
    """
    lines = [" ".join(line.split()) for line in text.translate(_DASHES).split(SEPARATOR)]
    found = [each for line in lines for each in _scan(_COMMA.sub(" ", line), vocabulary, today)]
    kept = [each for each, counts in found if counts] or [each for each, _ in found]
    return tuple(dict.fromkeys(kept))


def text_of(conditions: tuple[Condition, ...]) -> str:
    """Return a text that means these conditions."""
    return SEPARATOR.join(condition.typed for condition in conditions)


def _scan(line: str, vocabulary: Vocabulary, today: date) -> Iterator[tuple[Condition, bool]]:
    """Yield each condition of a line, and whether it counts beside others."""
    at = 0
    while (word := _WORD.search(line, at)) is not None:
        at = word.start()
        if (in_digits := _in_digits(line, at, vocabulary)) is not None:
            condition, at = in_digits
            yield condition, True
            continue
        other, at, counts = _phrase(line, at, vocabulary, today)
        if other is not None:
            yield other, counts


Found = tuple[Condition, int] | None


def _in_digits(line: str, at: int, vocabulary: Vocabulary) -> Found:
    return _period(line, at) or _ordinal(line, at, vocabulary) or _money(line, at) or _number(line, at)


def _period(line: str, at: int) -> tuple[Dated, int] | None:
    """Read a day, a month, years or a quarter that is written in digits."""
    for pattern, period_of in _PERIODS:
        if (match := pattern.match(line, at)) and (period := period_of(match)) is not None:
            return Dated(match[0].strip(), period), match.end()
    return None


def _day_in(match: re.Match[str]) -> Period | None:
    year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)  # noqa: PLR2004  # digits
    return day_of(year, int(match["month"]), int(match["day"]))


def _day_each_year_in(match: re.Match[str]) -> Period | None:
    month, day = int(match["month"]), int(match["day"])
    return EachYear(month, month, day) if day_of(2024, month, day) is not None else None


def _month_in(match: re.Match[str]) -> Period | None:
    year, month = int(match["year"]), int(match["month"])
    return months(year, month, month) if 1 <= month <= 12 else None  # noqa: PLR2004  # months


def _from_to_in(match: re.Match[str]) -> Period | None:
    """Return a range of days or months, in whichever order they are given."""
    ends = [found[0].period for end in (match["first"], match["last"]) if (found := _period(end, 0)) is not None]
    spans = [each for each in ends if isinstance(each, Span)]
    if len(spans) < 2:  # noqa: PLR2004  # both ends
        return None
    return Span(min(each.first for each in spans), max(each.last for each in spans))


def _years_in(match: re.Match[str]) -> Period | None:
    first, last = sorted((int(match["first"]), int(match["last"])))
    return Span(date(first, 1, 1), date(last, 12, 31))


def _quarter_in(match: re.Match[str]) -> Period | None:
    year = int(match["before"] or match["after"] or 0)
    each = quarter(int(match["number"]))
    return each.of(year) if year else each


_PERIODS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Period | None]], ...] = (
    (_FROM_TO, _from_to_in),
    (_ISO_DAY, _day_in),
    (_DAY, _day_in),
    (_DAY_EACH_YEAR, _day_each_year_in),
    (_MONTH, _month_in),
    (_MONTH_FIRST, _month_in),
    (_YEARS, _years_in),
    (_QUARTER, _quarter_in),
)


def _ordinal(line: str, at: int, vocabulary: Vocabulary) -> Found:
    """Read a quarter such as "1st quarter"."""
    match = _ORDINAL.match(line, at)
    known = vocabulary.knows([match["word"].strip(AROUND)]) if match else None
    if match is None or known is None or vocabulary.phrases[known] is not Unit.QUARTER:
        return None
    return Dated(match[0].strip(AROUND), quarter(int(match["number"]))), match.end()


def _money(line: str, at: int) -> Found:
    """Read a sum, a range, or a comparison in signs. A whole number without a currency is none."""
    if match := _COMPARED.match(line, at):
        return _compared(match[0], _SIGNS.get(match["sign"]), match["amount"]), match.end()
    if match := _RANGE.match(line, at):
        low, high = sorted((amount_in(match["low"]), amount_in(match["high"])))
        return Costing(match[0].strip(), low, high), match.end()
    if (match := _SUM.match(line, at)) and not match[0].isdecimal():
        return _compared(match[0], None, match["amount"]), match.end()
    return None


def _compared(typed: str, than: Than | None, written: str) -> Costing:
    amount, typed = amount_in(written), typed.strip()
    match than:
        case Than.ABOVE | Than.FROM:
            return Costing(typed, amount, None, with_ends=than is Than.FROM)
        case Than.BELOW | Than.UP_TO:
            return Costing(typed, None, amount, with_ends=than is Than.UP_TO)
    return Costing(typed, amount, amount, is_round=not _CENTS.fullmatch(written))


def amount_in(written: str) -> Decimal:
    """Return a sum as it is typed: with a comma or a point before the cents, and perhaps one between thousands."""
    whole, cents = written, ""
    if found := _CENTS.fullmatch(written):
        whole, cents = found[1], found[2]
    return Decimal(re.sub(r"[^\d-]", "", whole) + "." + (cents or "0"))


def _number(line: str, at: int) -> Found:
    match = _NUMBER.match(line, at)
    return (Numbered(match[0].strip(), int(match["number"])), match.end()) if match else None


def _phrase(line: str, at: int, vocabulary: Vocabulary, today: date) -> tuple[Condition | None, int, bool]:
    """Read the longest phrase that means something, or one word. Return what it is, its end, and whether it counts."""
    words = [(word[0].strip(AROUND), word.end()) for word in _WORD.finditer(line, at)][:LONGEST_PHRASE]
    for count in range(len(words), 0, -1):
        phrase, end = [word for word, _ in words[:count]], words[count - 1][1]
        known = vocabulary.knows(phrase)
        if known is not None:
            typed, meaning = " ".join(phrase), vocabulary.phrases[known]
            if isinstance(meaning, Than):
                if amount := _SUM.match(line, min(end + 1, len(line))):
                    return _compared(line[at : amount.end()], meaning, amount["amount"]), amount.end(), True
                meaning = None
            return meant_by(typed, meaning, today) or Saying(typed, typed), end, meaning is not None
    word, end = words[0]
    bare = _in_digits(word, 0, vocabulary)  # as in "4711-"
    return (bare[0] if bare else Saying(word, word) if word else None), end, True


def meant_by(typed: str, meaning: Meaning, today: date) -> Condition | None:
    """Return the condition that a word of the vocabulary stands for. None: it stands for none."""
    match meaning:
        case StandingWord():
            return Being(typed, meaning)
        case ItemKind():
            return OfKind(typed, meaning)
        case (unit, back):
            return Dated(typed, relative(unit, back, today))
        case int():
            return Dated(typed, EachYear(meaning, meaning))
    return None

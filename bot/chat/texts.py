"""The bot's words: gettext catalogues, and sums, dates and spans as the reader's language writes them."""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from importlib import resources
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup

from bot.domain.chats import LANGUAGES, Chat
from bot.domain.schedule import CheckPlan, is_over
from bot.errors import BotError

FORMATS = {"en": "en_GB"}
"""Languages whose sums and dates are written as a certain country does: 27 Nov 2026 is read alike on both sides of the
Atlantic."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Speaks one language.

    Calling it gives a text as Telegram HTML: what is filled into its placeholders is escaped, unless it is
    :class:`Markup` already. Catalogues are keyed by message key, in English as well. ``zone`` is the reader's: in it
    are today and all moments; due dates are days of the ``provider_zone``. ``payments``: whether the operator has them
    switched on, and views offer them.
    """

    language: str
    currency: str
    zone: tzinfo
    catalogue: gettext.NullTranslations
    provider_zone: tzinfo
    payments: bool = True

    def __call__(self, key: str, **arguments: object) -> Markup:
        return Markup(self.catalogue.gettext(key)).format(**arguments)  # noqa: S704  # the catalogues are ours

    def count(self, key: str, n: int, **arguments: object) -> Markup:
        """The text in the grammatical number of ``n``, which fills its placeholder ``{n}``."""
        text = self.catalogue.ngettext(key, key, n)
        return Markup(text).format(n=format_decimal(n, locale=self._locale), **arguments)  # noqa: S704

    def plain(self, key: str, **arguments: object) -> str:
        """The text without markup, for button labels, pop-ups and captions."""
        return self.catalogue.gettext(key).format(**arguments)

    def error(self, error: BotError) -> Markup:
        """What an error means for the reader; decimals in it are sums."""
        words = {n: self.money(v) if isinstance(v, Decimal) else v for n, v in error.arguments.items()}
        return self(error.key, **words)

    def money(self, amount: Decimal) -> str:
        """``7,95 €``."""
        return format_currency(amount, self.currency, locale=self._locale)

    def number(self, value: Decimal) -> str:
        """A plain number, such as a tax rate."""
        return format_decimal(value.normalize(), locale=self._locale)

    def day(self, day: date) -> str:
        """``27 Nov 2026``."""
        return format_date(day, "medium", locale=self._locale)

    def moment(self, instant: datetime) -> str:
        """Date and time of day, in the reader's zone: ``27 Nov 2026, 09:30``."""
        return f"{self.day(instant.astimezone(self.zone).date())}, {self.clock(instant)}"

    def hour(self, hour: int) -> str:
        """A full hour of the clock: ``09:00``."""
        return format_time(time(hour), "short", locale=self._locale)

    def clock(self, instant: datetime, zone: str | None = None) -> str:
        """The time of day, in the reader's zone or another: ``09:30``."""
        return format_time(instant, "short", tzinfo=ZoneInfo(zone) if zone else self.zone, locale=self._locale)

    def listing(self, parts: Sequence[str]) -> str:
        """``7, 3 and 1``."""
        return format_list(parts, locale=self._locale)

    def span(self, span: timedelta) -> str:
        """A length of time in its largest unit: ``5 minutes``."""
        return format_timedelta(span, threshold=1.2, locale=self._locale)

    def ago(self, span: timedelta) -> str:
        """How long ago: ``5 minutes ago``; a negative span lies ahead: ``in 5 minutes``; less than a second is now."""
        if abs(span) < timedelta(seconds=1):
            return self.plain("day.now")
        return format_timedelta(-span, threshold=1.2, add_direction=True, locale=self._locale)

    def day_from(self, day: date, today: date) -> str:
        """A day as seen from today: ``today``, ``in 3 days``, ``2 days ago``."""
        match (day - today).days:
            case -1:
                return self.plain("day.yesterday")
            case 0:
                return self.plain("day.today")
            case 1:
                return self.plain("day.tomorrow")
        return format_timedelta(day - today, granularity="day", threshold=60, add_direction=True, locale=self._locale)

    def today(self, now: datetime) -> date:
        """The reader's day."""
        return now.astimezone(self.zone).date()

    def is_over(self, due: date, now: datetime) -> bool:
        """Return whether a due date has gone by where it counts: at the provider."""
        return is_over(due, self.provider_zone, now)

    def due_day(self, due: date, now: datetime) -> str:
        """A due date as seen from the reader's today; it lies in the past only once it is over at the provider."""
        today = self.today(now)
        return self.day_from(due if self.is_over(due, now) else max(due, today), today)

    @property
    def _locale(self) -> Locale:
        return Locale.parse(FORMATS.get(self.language, self.language))


def own_name(language: str) -> str:
    """What a language calls itself: ``Deutsch``."""
    name = Locale.parse(language).get_language_name(language) or language
    return name[:1].upper() + name[1:]


Translations = Mapping[str, Texts]
"""The bot's words by language, for all of ``LANGUAGES``."""


def load_translations(currency: str, zone: tzinfo, *, payments: bool = True) -> Translations:
    """Read the catalogues. Sums are in ``currency``, times of day in the provider's ``zone``."""
    return {
        language: Texts(language, currency, zone, load_catalogue(language), zone, payments=payments)
        for language in LANGUAGES
    }


TextsFor = Callable[[Chat], Texts]
"""Gives the words for a chat: its language, its time zone."""


def texts_by_chat(translations: Translations, plan: CheckPlan) -> TextsFor:
    """The one place that decides how a chat is spoken to."""

    def texts_for(chat: Chat) -> Texts:
        return replace(translations[chat.reply_language], zone=plan.schedule(chat).zone)

    return texts_for


def load_catalogue(language: str) -> gettext.GNUTranslations:
    """The catalogue of a language, read from its .po file, so that no compile step can be forgotten."""
    source = resources.files("bot.locales") / language / "LC_MESSAGES" / "bot.po"
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)

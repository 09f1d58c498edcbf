"""The bot's texts: gettext catalogues, and sums, dates and spans as the reader's language writes them."""

from __future__ import annotations

import gettext
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import NumberPattern, format_currency, format_decimal, get_currency_precision
from markupsafe import Markup, escape

from bot.domain.chats import LANGUAGES, Chat
from bot.domain.invoices import Invoice
from bot.domain.payments import PaymentRules
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.schedule import CheckPlan, is_over
from bot.domain.service_names import Service
from bot.domain.topping_up import TopUpWays
from bot.errors import BotError, ProviderError, Refused

FORMATS = {"en": "en_GB"}
"""The country whose sums and dates a language uses. Both sides of the Atlantic read 27 Nov 2026 alike."""


SPOILER = Markup("<tg-spoiler>{}</tg-spoiler>")


class Private(str):
    """A sum, or what an invoice is for: what nobody but the reader should see on the screen of a locked phone."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language for one reader. ``t("link.done")`` returns a text as Telegram HTML.

    Values for placeholders are escaped unless they are :class:`Markup`. Catalogues are keyed by message key, in English
    as well. ``zone`` is the reader's: it decides what today is and how moments are written. Due dates are days in the
    ``provider_zone``. ``paying`` are the operator's rules: views offer only what they allow. ``calendar`` says what
    happens to unpaid services, ``top_up`` how credit is topped up. ``site`` is the provider's website, if it is set.
    ``names`` are what the reader's chat calls its services. ``discreet``: what is :class:`Private` is hidden, until the
    reader taps it.
    """

    language: str
    currency: str
    zone: tzinfo
    catalogue: gettext.NullTranslations
    provider_zone: tzinfo
    paying: PaymentRules = field(default_factory=PaymentRules)
    calendar: ProviderCalendar = field(default_factory=ProviderCalendar)
    top_up: TopUpWays = field(default_factory=TopUpWays)
    site: str = ""
    names: Mapping[Service, str] = field(default_factory=dict)
    discreet: bool = False
    slot: int = 0
    account: str = ""

    def titled(self, title: str, service: Service | None) -> str:
        """Return what an invoice or an item is for, behind the name that its service has got in this chat."""
        name = self.names.get(service, "") if service is not None else ""
        return " · ".join(filter(None, (name, title)))

    def title_of(self, invoice: Invoice) -> str:
        """Return what an invoice is for, as :meth:`titled` does. Empty: it does not say so."""
        return self.titled(invoice.title, invoice.title_service)

    @property
    def payments(self) -> bool:
        """Whether the operator has switched payments on."""
        return self.paying.on

    def offers(self, amount: Decimal | None) -> bool:
        """Whether there is a button to pay this amount at once. None: it is not known."""
        return amount is not None and amount > 0 and self.paying.on and self.paying.allow(amount)

    def __call__(self, key: str, **arguments: object) -> Markup:
        return self._filled(self.catalogue.gettext(key), arguments)

    def count(self, key: str, n: int, **arguments: object) -> Markup:
        """Return the text in the grammatical number of ``n``, with ``n`` for its placeholder ``{n}``."""
        return self._filled(self.catalogue.ngettext(key, key, n), {"n": self._whole(n), **arguments})

    def plain(self, key: str, **arguments: object) -> str:
        """Return the text without markup, for button labels and pop-ups. It hides nothing."""
        return self.catalogue.gettext(key).format(**arguments)

    def plain_count(self, key: str, n: int, **arguments: object) -> str:
        """Return the text in the grammatical number of ``n``, without markup. It hides nothing."""
        return self.catalogue.ngettext(key, key, n).format(n=self._whole(n), **arguments)

    def _filled(self, text: str, arguments: Mapping[str, object]) -> Markup:
        """Fill a text's placeholders. What is private in them is hidden if the text has to be discreet."""
        if self.discreet:
            arguments = {n: SPOILER.format(v) if isinstance(v, Private) else v for n, v in arguments.items()}
        escaped = {n: v if isinstance(v, Markup) else escape(v) for n, v in arguments.items()}
        return Markup(text.format(**escaped))  # noqa: S704  # the catalogues are ours

    def error(self, error: BotError) -> Markup:
        """Return what an error means for the reader. Decimals in it are sums."""
        words = {name: self._word(value) for name, value in error.arguments.items()}
        reason = str(words.pop("reason", ""))
        return self.failure(error.key, reason if isinstance(error, ProviderError) else "", **words)

    def failure(self, key: str, reason: str, **words: object) -> Markup:
        """Return what went wrong, and the provider's own words for it, if it gave any."""
        text = self(key, reason=reason, **words)
        return (
            text if not reason or key == Refused.key else Markup("\n").join([text, self("error.reason", reason=reason)])
        )

    def money(self, amount: Decimal, currency: str = "") -> Private:
        """Write a sum: ``7,95 €``. It is in the operator's currency unless another one is given.

        It has the currency's usual decimals, or as many as its value needs: nothing is rounded.
        """
        currency = currency or self.currency
        pattern = _money_pattern(self._locale, _places(amount, currency))
        written = format_currency(amount, currency, format=pattern, locale=self._locale, currency_digits=False)
        return Private(written)

    def typed(self, amount: Decimal) -> str:
        """Write a sum as it is typed into a form: ``7,95``. Nothing is rounded."""
        places = _places(amount, self.currency)
        return format_decimal(amount, f"0.{'0' * places}".rstrip("."), locale=self._locale)

    def number(self, value: Decimal) -> str:
        """Write a plain number, such as a tax rate."""
        return format_decimal(value.normalize(), locale=self._locale)

    def day(self, day: date) -> str:
        """Write a date: ``27 Nov 2026``."""
        return format_date(day, "medium", locale=self._locale)

    def month(self, day: date) -> str:
        """Write a day's month and year: ``November 2026``."""
        return format_skeleton("yMMMM", day, locale=self._locale)

    def month_name(self, month: int) -> str:
        """Write a month by itself: ``November``."""
        return format_date(date(2024, month, 1), "LLLL", locale=self._locale)

    def month_label(self, month: int) -> str:
        """Write a month as short as it can be understood: ``Nov``."""
        return format_date(date(2024, month, 1), "LLL", locale=self._locale)

    def day_of_year(self, month: int, day: int) -> str:
        """Write a day of every year: ``27 November``."""
        return format_skeleton("MMMMd", date(2024, month, day), locale=self._locale)

    def weekday(self, day: date) -> str:
        """Write a day of these weeks: ``Thursday, 3 December``."""
        return format_skeleton("MMMMEEEEd", day, locale=self._locale)

    def moment(self, instant: datetime) -> str:
        """Write date and time of day in the reader's zone: ``27 Nov 2026, 09:30``."""
        return f"{self.day(self.date_of(instant))}, {self.clock(instant)}"

    def hour(self, hour: int) -> str:
        """Write a full hour of the day: ``09:00``."""
        return format_time(time(hour), "short", locale=self._locale)

    def clock(self, instant: datetime, zone: str | None = None) -> str:
        """Write the time of day, in the reader's zone or another: ``09:30``."""
        return format_time(instant, "short", tzinfo=ZoneInfo(zone) if zone else self.zone, locale=self._locale)

    def listing(self, parts: Sequence[str], most: int = sys.maxsize) -> str:
        """Write a list: ``7, 3 and 1``. From one that is longer than ``most``: ``7, 3 and others``."""
        others = [self.plain("list.others")] if len(parts) > most else []
        return format_list([*parts[:most], *others], locale=self._locale)

    def span(self, span: timedelta) -> str:
        """Write a length of time in its largest unit: ``5 minutes``."""
        return format_timedelta(span, threshold=1.2, locale=self._locale)

    def ago(self, span: timedelta) -> str:
        """Write how long ago: ``5 minutes ago``. A negative span lies ahead: ``in 5 minutes``."""
        if abs(span) < timedelta(seconds=1):
            return self.plain("day.now")
        return format_timedelta(-span, threshold=1.2, add_direction=True, locale=self._locale)

    def day_from(self, day: date, today: date) -> str:
        """Write a day as seen from today: ``today``, ``in 3 days``, ``2 days ago``."""
        match (day - today).days:
            case -1:
                return self.plain("day.yesterday")
            case 0:
                return self.plain("day.today")
            case 1:
                return self.plain("day.tomorrow")
        return format_timedelta(day - today, granularity="day", threshold=60, add_direction=True, locale=self._locale)

    def date_of(self, instant: datetime) -> date:
        """Return the reader's date at an instant."""
        return instant.astimezone(self.zone).date()

    def is_over(self, due: date, now: datetime) -> bool:
        """Return whether a due date has passed at the provider."""
        return is_over(due, self.provider_zone, now)

    def due_day(self, due: date, now: datetime) -> str:
        """Write a due date as seen from today. It is in the past only once it is over at the provider."""
        today = self.date_of(now)
        return self.day_from(due if self.is_over(due, now) else max(due, today), today)

    def _word(self, value: object) -> object:
        match value:
            case Decimal():
                return self.money(value)
            case timedelta():
                return self.span(value)
        return value

    def _whole(self, number: int) -> str:
        return format_decimal(number, locale=self._locale)

    @property
    def _locale(self) -> Locale:
        return Locale.parse(FORMATS.get(self.language, self.language))


def _places(amount: Decimal, currency: str) -> int:
    """Return how many decimals a sum is written with."""
    usual, needed = get_currency_precision(currency), _decimals(amount)
    return usual if needed <= usual else max(needed, 2)


def _decimals(amount: Decimal) -> int:
    """Return how many decimals a sum needs."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


@lru_cache
def _money_pattern(locale: Locale, decimals: int) -> NumberPattern:
    pattern: NumberPattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    return pattern


def own_name(language: str) -> str:
    """Return a language's own name: ``Deutsch``."""
    name = Locale.parse(language).get_language_name(language) or language
    return name[:1].upper() + name[1:]


Translations = Mapping[str, Texts]
"""The texts by language, for all of ``LANGUAGES``."""


def load_translations(currency: str, zone: tzinfo, **rules: Any) -> Translations:
    """Read all catalogues. Sums are in ``currency``, moments in the provider's ``zone``.

    ``rules`` are what the operator has set: the fields of :class:`Texts` from ``paying`` on.
    """
    return {
        language: Texts(language, currency, zone, load_catalogue(language), zone, **rules) for language in LANGUAGES
    }


def account_label(t: Texts, chat: Chat) -> str:
    """Return what to call an account of a chat."""
    named = chat.link.name if chat.link is not None else ""
    return named or t.plain("account.number", n=chat.slot + 1)


TextsFor = Callable[[Chat], Texts]
"""Return the texts for a chat, in its language and its time zone."""


def make_texts_for(translations: Translations, plan: CheckPlan) -> TextsFor:
    """Return the function ``texts_for(chat)``: the one place that decides in which language and zone to speak."""

    def texts_for(chat: Chat) -> Texts:
        translation = translations[chat.reply_language]
        names = {each.service: each.name for each in chat.link.names} if chat.link is not None else {}
        account = account_label(translation, chat) if chat.link is not None and chat.link.among_others else ""
        return replace(
            translation,
            zone=plan.schedule(chat).zone,
            calendar=plan.calendar,
            names=names,
            slot=chat.slot,
            account=account,
        )

    return texts_for


def load_catalogue(language: str) -> gettext.GNUTranslations:
    """Read a language's catalogue from its .po file, so that nobody can forget a compile step."""
    source = resources.files("bot.locales") / language / "LC_MESSAGES" / "bot.po"
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)

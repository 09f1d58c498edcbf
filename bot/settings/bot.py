"""All settings of the bot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from bot import __version__
from bot.domain.chats import FARTHEST_DAY, Preferences, QuietHours
from bot.domain.payment_times import CONFIRM_WITHIN
from bot.domain.payments import PaymentRules
from bot.domain.provider_calendar import IsBankingDay, ProviderCalendar
from bot.domain.topping_up import Payee, TopUpWays
from bot.settings import values
from bot.settings.declaring import Secret, above_zero, amount, as_it_is, each, number, one_of, setting, whole
from bot.settings.store import StoreSettings

PUBLIC_TELEGRAM = "https://api.telegram.org"

DEFAULTS = Preferences()
DAY = whole(0, FARTHEST_DAY)
LATER_DAY = whole(1, FARTHEST_DAY)


@dataclass(frozen=True, kw_only=True)
class Settings(StoreSettings):
    """All settings of the operator."""

    telegram_bot_token: Secret = setting(values.bot_token, must_be="a token that @BotFather gives you", shown=False)
    telegram_api_url: str = setting(values.web_address, default=PUBLIC_TELEGRAM, shown=False)
    provider_url: str = setting(values.web_address, must_be="the address of the provider's API", shown=False)
    provider_timezone: str = setting(values.time_zone, default="Europe/Berlin")
    currency: str = setting(values.currency, default="EUR")
    check_interval: float = setting(number(1, 7 * 86400), default=900, must_be="a number of seconds from 1 to 604800")
    provider_rate: float | None = setting(
        above_zero, default=None, must_be="a number above 0: so many requests a second; or empty"
    )
    reminder_days: tuple[int, ...] = setting(
        each(DAY), default=DEFAULTS.before, must_be=f"days from 0 to {FARTHEST_DAY}, such as 7,3,1,0"
    )
    overdue_days: tuple[int, ...] = setting(
        each(LATER_DAY), default=DEFAULTS.after, must_be=f"days from 1 to {FARTHEST_DAY}, such as 1,3,7"
    )
    reminder_hour: int = setting(whole(0, 23), default=DEFAULTS.hour, must_be="a full hour from 0 to 23")
    quiet_hours: QuietHours | None = setting(values.hours, default=DEFAULTS.quiet, empty=True)
    holidays: str = setting(values.country, default="", empty=True)
    suspend_after: int | None = setting(
        DAY, default=None, must_be=f"a number of days from 0 to {FARTHEST_DAY}, or empty"
    )
    delete_after: int | None = setting(
        LATER_DAY, default=None, must_be=f"a number of days from 1 to {FARTHEST_DAY}, or empty"
    )
    no_grace: tuple[str, ...] = setting(each(as_it_is), default=())
    transfer_days: int | None = setting(
        whole(1, 30), default=None, must_be="a number of banking days from 1 to 30, or empty"
    )
    top_up_url: str = setting(values.page, default="")
    transfer_to: Payee | None = setting(values.payee, default=None)
    provider_site: str = setting(values.page, default="")
    allowed_users: frozenset[int] | None = setting(
        each(whole(), frozenset), default=None, must_be="Telegram user numbers such as 123456789, separated by commas"
    )
    payments: Literal["on", "off"] = setting(one_of("on", "off"), default="on", must_be="on or off")
    max_payment: Decimal | None = setting(amount, default=None, must_be="a sum above 0 such as 50.00, or empty")
    confirmation_minutes: float = setting(
        number(1, 1440), default=CONFIRM_WITHIN / timedelta(minutes=1), must_be="a number of minutes from 1 to 1440"
    )
    webhook_url: str = setting(values.webhook, default="", shown=False)
    webhook_secret: Secret = setting(values.webhook_secret, default=Secret(""), shown=False)
    public_url: str = setting(values.public_address, default="")
    heartbeat_url: Secret = setting(values.heartbeat, default=Secret(""), shown=False)

    @property
    def secrets(self) -> list[str]:
        """All values that must never be logged."""
        own = [key.get_secret_value() for key in (self.telegram_bot_token, self.webhook_secret, self.heartbeat_url)]
        return [*filter(None, own), *super().secrets]

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the provider's dates."""
        return ZoneInfo(self.provider_timezone)

    @property
    def payment_rules(self) -> PaymentRules:
        """The operator's rules for payments."""
        lifetime = timedelta(minutes=self.confirmation_minutes)
        return PaymentRules(on=self.payments == "on", limit=self.max_payment, lifetime=lifetime)

    @property
    def preferences(self) -> Preferences:
        """The defaults for chats without a choice of their own."""
        return Preferences(self.reminder_days, self.overdue_days, self.reminder_hour, self.quiet_hours)

    @property
    def provider_calendar(self) -> ProviderCalendar:
        """What the provider does with unpaid services."""
        no_grace = frozenset(kind.casefold() for kind in self.no_grace)
        return ProviderCalendar(
            self.suspend_after, self.delete_after, no_grace, self.transfer_days, self.is_banking_day
        )

    @property
    def check_rules(self) -> str:
        """A mark that differs once what a check makes of an answer may differ: by a setting or a newer version."""
        settings = (self.provider_url, self.provider_timezone, self.preferences, self.holidays, self.currency)
        calendar = (self.suspend_after, self.delete_after, sorted(self.no_grace), self.transfer_days)
        users = None if self.allowed_users is None else sorted(self.allowed_users)
        return hashlib.blake2b(repr((__version__, settings, calendar, users)).encode(), digest_size=8).hexdigest()

    @property
    def top_up_ways(self) -> TopUpWays:
        """How credit can be topped up."""
        return TopUpWays(self.top_up_url, self.transfer_to)

    @property
    def is_banking_day(self) -> IsBankingDay | None:
        """Tells whether banks work on a day, by the holidays of the chosen country. None if no country is set."""
        return values.banking_days(self.holidays) if self.holidays else None

    def contradictions(self) -> Iterator[str]:
        """Yield a sentence for each setting that doesn't fit to another."""
        if self.webhook_url and not self.webhook_secret.get_secret_value():
            yield "WEBHOOK_URL needs WEBHOOK_SECRET, which proves that a request is Telegram's."
        for name, url in (("WEBHOOK_URL", self.webhook_url), ("PUBLIC_URL", self.public_url)):
            if url and self.web_listen is None:
                yield f"{name} needs WEB_LISTEN, the address to which your proxy forwards requests."
        if self.no_grace and self.suspend_after is None:
            yield "NO_GRACE needs SUSPEND_AFTER: what has no grace is lost with the suspension."
        if self.suspend_after is not None and self.delete_after is not None and self.delete_after <= self.suspend_after:
            yield "DELETE_AFTER must be more days than SUSPEND_AFTER: both count from the due date."

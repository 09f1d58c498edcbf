"""All settings of the bot."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from babel.numbers import is_currency
from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from bot.domain.chats import FARTHEST_DAY, Preferences, QuietHours
from bot.domain.payment_times import CONFIRM_WITHIN
from bot.domain.payments import PaymentRules
from bot.domain.provider_calendar import IsBankingDay, ProviderCalendar
from bot.domain.topping_up import NAME_LENGTH, Payee, TopUpWays
from bot.settings.store import COMMA_SEPARATED, StoreSettings

if TYPE_CHECKING:
    from holidays import HolidayBase

PUBLIC_TELEGRAM = "https://api.telegram.org"

DEFAULTS = Preferences()

ReminderDay = Annotated[int, Field(ge=0, le=FARTHEST_DAY)]
OverdueDay = Annotated[int, Field(ge=1, le=FARTHEST_DAY)]

WEBHOOK_PORTS = frozenset({443, 80, 88, 8443})
RESERVED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""The other endpoints of :class:`bot.web.WebApp`."""
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(StoreSettings):
    """All settings of the operator."""

    telegram_bot_token: SecretStr = Field(description="a token that @BotFather gives you")
    telegram_api_url: str = PUBLIC_TELEGRAM
    provider_url: str = Field(description="the address of the provider's API")
    provider_timezone: str = "Europe/Berlin"
    currency: str = "EUR"
    check_interval: float = Field(default=900, ge=1, le=7 * 86400, description="a number of seconds from 1 to 604800")
    provider_rate: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="a number above 0: so many requests a second; or empty"
    )
    reminder_days: Annotated[tuple[ReminderDay, ...], NoDecode, COMMA_SEPARATED] = Field(
        default=DEFAULTS.before, description=f"days from 0 to {FARTHEST_DAY}, such as 7,3,1,0"
    )
    overdue_days: Annotated[tuple[OverdueDay, ...], NoDecode, COMMA_SEPARATED] = Field(
        default=DEFAULTS.after, description=f"days from 1 to {FARTHEST_DAY}, such as 1,3,7"
    )
    reminder_hour: int = Field(default=DEFAULTS.hour, ge=0, le=23, description="a full hour from 0 to 23")
    quiet_hours: Annotated[QuietHours | None, NoDecode] = DEFAULTS.quiet
    holidays: str = ""
    suspend_after: int | None = Field(
        default=None, ge=0, le=FARTHEST_DAY, description=f"a number of days from 0 to {FARTHEST_DAY}, or empty"
    )
    delete_after: int | None = Field(
        default=None, ge=1, le=FARTHEST_DAY, description=f"a number of days from 1 to {FARTHEST_DAY}, or empty"
    )
    no_grace: Annotated[tuple[str, ...], NoDecode, COMMA_SEPARATED] = ()
    transfer_days: int | None = Field(
        default=None, ge=1, le=30, description="a number of banking days from 1 to 30, or empty"
    )
    top_up_url: str = ""
    transfer_to: Annotated[Payee | None, NoDecode] = None
    provider_site: str = ""
    allowed_users: Annotated[frozenset[int] | None, NoDecode, COMMA_SEPARATED] = Field(
        default=None, description="Telegram user numbers such as 123456789, separated by commas"
    )
    payments: Annotated[Literal["on", "off"], BeforeValidator(str.lower)] = Field(default="on", description="on or off")
    max_payment: Decimal | None = Field(
        default=None, gt=0, decimal_places=2, description="a sum above 0 such as 50.00, or empty"
    )
    confirmation_minutes: float = Field(
        default=CONFIRM_WITHIN / timedelta(minutes=1),
        ge=1,
        le=1440,
        description="a number of minutes from 1 to 1440",
    )
    webhook_url: str = ""
    webhook_secret: SecretStr = SecretStr("")
    public_url: str = ""
    heartbeat_url: SecretStr = SecretStr("")

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
    def top_up_ways(self) -> TopUpWays:
        """How credit can be topped up."""
        return TopUpWays(self.top_up_url, self.transfer_to)

    @property
    def is_banking_day(self) -> IsBankingDay | None:
        """Tells whether banks work on a day, by the holidays of the chosen country. None if no country is set."""
        return _calendar(self.holidays).is_working_day if self.holidays else None

    @field_validator("quiet_hours", mode="before")
    @classmethod
    def _hours(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        start, _, end = (part.strip() for part in value.partition("-"))
        hours = [int(part) if part.isdecimal() else 24 for part in (start, end)]
        if max(hours) > 23 or hours[0] == hours[1]:  # noqa: PLR2004  # a day's last hour
            raise ValueError("must be two different full hours, such as 22-8, or empty for none")
        return QuietHours(*hours)

    @field_validator("holidays")
    @classmethod
    def _known_country(cls, value: str) -> str:
        place = value.strip()
        if place:
            _calendar(place)
        return place

    @field_validator("telegram_bot_token")
    @classmethod
    def _bot_token(cls, value: SecretStr) -> SecretStr:
        number, _, rest = value.get_secret_value().strip().partition(":")
        if not (number.isdecimal() and rest):
            raise ValueError("must be a bot token of the form 123456789:ABC…, which @BotFather gives you")
        return SecretStr(value.get_secret_value().strip())

    @field_validator("telegram_api_url", "provider_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        url = _split(value)
        if url is None or url.scheme not in {"http", "https"} or not url.hostname or url.port == 0:
            raise ValueError("must be a web address such as https://HOST/api")
        if url.username or url.password or url.query or url.fragment:
            raise ValueError("must be a plain web address, without user name, ? or #")
        return value.strip().rstrip("/")

    @field_validator("top_up_url", "provider_site")
    @classmethod
    def _page(cls, value: str) -> str:
        """Check an address that people open by a button. Telegram refuses messages with a button that it can't read."""
        url = _split(value)
        if value and (url is None or not _is_page(url)):
            raise ValueError("must be the address of a page that people can open, such as https://HOST/page")
        return value.strip()

    @field_validator("transfer_to", mode="before")
    @classmethod
    def _payee(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        account, separator, name = (part.strip() for part in value.partition(";"))
        if not separator or not account:
            raise ValueError("must be an IBAN and a name, such as DE89 3704 0044 0532 0130 00; Example GmbH")
        if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
            raise ValueError(
                f"must have the payee's name behind the IBAN and a semicolon, of at most {NAME_LENGTH} letters"
            )
        from stdnum import exceptions as stdnum_errors, iban

        try:
            return Payee(iban.validate(account), name)
        except stdnum_errors.ValidationError as error:
            raise ValueError("must begin with a valid IBAN: compare every digit, the check digits don't fit") from error

    @field_validator("webhook_url")
    @classmethod
    def _webhook(cls, value: str) -> str:
        if not value:
            return ""
        url = _split(value)
        if url is None or url.scheme != "https" or not url.hostname or url.username or url.query or url.fragment:
            raise ValueError("must be a plain web address such as https://HOST/telegram")
        if (url.port or 443) not in WEBHOOK_PORTS:
            raise ValueError("must use port 443, 80, 88 or 8443: Telegram sends to no other")
        if url.path in {"", "/", *RESERVED_PATHS}:
            raise ValueError("must have a path of its own, such as https://HOST/telegram")
        return value.strip()

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        url = _split(value)
        if value and (url is None or not _is_page(url) or url.query or url.fragment):
            raise ValueError("must be a plain web address such as https://HOST, under which others reach WEB_LISTEN")
        return value.strip().rstrip("/")

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_key(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"|[A-Za-z0-9_-]{16,256}", value.get_secret_value()):
            raise ValueError("must be 16 to 256 letters, digits, _ or -")
        return value

    @field_validator("heartbeat_url")
    @classmethod
    def _heartbeat(cls, value: SecretStr) -> SecretStr:
        """Check the address. The message does not quote it: whoever knows it can keep the alarm silent."""
        text = value.get_secret_value().strip()
        url = _split(text)
        if text and (url is None or url.scheme not in {"http", "https"} or not url.hostname or url.username):
            raise ValueError("must be a web address such as https://HOST/ping/SECRET, without user name")
        if not text.isprintable() or " " in text:
            raise ValueError("must be a web address without spaces")
        return SecretStr(text)

    @model_validator(mode="after")
    def _webhook_is_whole(self) -> Self:
        if self.webhook_url and not self.webhook_secret.get_secret_value():
            raise ValueError("WEBHOOK_URL needs WEBHOOK_SECRET, which proves that a request is Telegram's")
        if self.webhook_url and self.web_listen is None:
            raise ValueError("WEBHOOK_URL needs WEB_LISTEN, the address to which your proxy forwards requests")
        return self

    @model_validator(mode="after")
    def _public_is_served(self) -> Self:
        if self.public_url and self.web_listen is None:
            raise ValueError("PUBLIC_URL needs WEB_LISTEN, the address to which your proxy forwards requests")
        return self

    @field_validator("provider_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("must be a time zone such as Europe/Berlin") from error
        return value

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if not is_currency(value.upper()):
            raise ValueError("must be a currency code such as EUR")
        return value.upper()

    @model_validator(mode="after")
    def _calendar_is_possible(self) -> Self:
        if self.no_grace and self.suspend_after is None:
            raise ValueError("NO_GRACE needs SUSPEND_AFTER: what has no grace is lost with the suspension")
        if self.suspend_after is not None and self.delete_after is not None and self.delete_after <= self.suspend_after:
            raise ValueError("DELETE_AFTER must be more days than SUSPEND_AFTER: both count from the due date")
        return self


def _split(value: str) -> SplitResult | None:
    """Return the parts of an address. None: it has none, and why might quote a secret in it."""
    try:
        url = urlsplit(value.strip())
        url.port  # noqa: B018  # it is read here
    except ValueError:
        return None
    return url


def _is_page(url: SplitResult) -> bool:
    """Return whether an address is safe and can stand in a button. Without encryption only on this machine."""
    host = url.hostname or ""
    if url.username or url.password or not url.geturl().isprintable() or " " in url.geturl():
        return False
    if host in LOOPBACK_HOSTS:
        return url.scheme in {"http", "https"}
    return url.scheme == "https" and "." in host.strip(".")


def _calendar(place: str) -> HolidayBase:
    """Return the holidays of a country (``DE``) or a part of it (``DE-BY``). Raise ValueError for an unknown one."""
    import holidays

    country, _, part = place.upper().partition("-")
    try:
        return holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError as error:
        raise ValueError("must be a country such as DE, or a part of one such as DE-BY") from error

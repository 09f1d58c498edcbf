"""The operator's settings, read from the environment and ``.env`` into one validated object."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo

import holidays
import psycopg
from babel.numbers import is_currency
from psycopg.conninfo import conninfo_to_dict
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticUseDefault
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from stdnum import exceptions as stdnum_errors, iban

from bot.domain.chats import FARTHEST_DAY, Preferences, QuietHours
from bot.domain.payment_times import CONFIRM_WITHIN
from bot.domain.payments import PaymentRules
from bot.domain.provider_calendar import IsBankingDay, ProviderCalendar
from bot.domain.topping_up import NAME_LENGTH, Payee, TopUpWays
from bot.errors import StartError

PUBLIC_TELEGRAM = "https://api.telegram.org"

CommaSeparated = NoDecode  # the environment holds "a,b", not a JSON list


DEFAULTS = Preferences()

ReminderDay = Annotated[int, Field(ge=0, le=FARTHEST_DAY)]
OverdueDay = Annotated[int, Field(ge=1, le=FARTHEST_DAY)]

WEBHOOK_PORTS = frozenset({443, 80, 88, 8443})
RESERVED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""The other endpoints of :class:`bot.web.WebApp`."""
MAX_PORT = 65535
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST = r"(?:\[[^]@/\s]*]|[^][:,@/?\s]*)(?::\d*)?"
DATABASE_URL_FORM = re.compile(
    rf"postgres(?:ql)?://(?:[^:@/\s]*(?::(?P<password>[^@/\s]*))?@)?{_HOST}(?:,{_HOST})*(?:/[^@?\s]*)?(?:\?\S*)?"
)
"""Only an unambiguous URL. Others the database's library reads in its way: it takes a part of a password for the name
of a host, looks for that, and prints it."""
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
PASSWORD_IN_QUERY = re.compile(r"[?&](?:ssl)?password=([^&]*)")

EMPTY_MEANS_OFF = frozenset({"quiet_hours", "holidays"})
"""Settings that an empty text switches off. Any other setting with an empty text counts as unset."""


class Address(NamedTuple):
    """The address on which the process listens."""

    host: str
    port: int


class Settings(BaseSettings):
    """The operator's settings. Each field is read from the environment variable with its name in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    telegram_bot_token: SecretStr
    telegram_api_url: str = PUBLIC_TELEGRAM
    provider_url: str
    provider_timezone: str = "Europe/Berlin"
    currency: str = "EUR"
    check_interval: float = Field(default=900, ge=1, le=7 * 86400)
    provider_rate: float | None = Field(default=None, gt=0)
    reminder_days: Annotated[tuple[ReminderDay, ...], CommaSeparated] = DEFAULTS.before
    overdue_days: Annotated[tuple[OverdueDay, ...], CommaSeparated] = DEFAULTS.after
    reminder_hour: int = Field(default=DEFAULTS.hour, ge=0, le=23)
    quiet_hours: Annotated[QuietHours | None, NoDecode] = DEFAULTS.quiet
    holidays: str = ""
    suspend_after: int | None = Field(default=None, ge=0, le=FARTHEST_DAY)
    delete_after: int | None = Field(default=None, ge=1, le=FARTHEST_DAY)
    no_grace: Annotated[tuple[str, ...], CommaSeparated] = ()
    transfer_days: int | None = Field(default=None, ge=1, le=30)
    top_up_url: str = ""
    transfer_to: Annotated[Payee | None, NoDecode] = None
    provider_site: str = ""
    data_dir: Path = Path("data")
    database_url: SecretStr | None = None
    database_connections: int = Field(default=10, ge=1, le=1000)
    database_timeout: float = Field(default=10, ge=1, le=600)
    token_keys: Annotated[tuple[SecretStr, ...], CommaSeparated] = ()
    allowed_users: Annotated[frozenset[int] | None, CommaSeparated] = None
    payments: Annotated[Literal["on", "off"], BeforeValidator(str.lower)] = "on"
    max_payment: Decimal | None = Field(default=None, gt=0, decimal_places=2)
    confirmation_minutes: float = Field(default=CONFIRM_WITHIN / timedelta(minutes=1), ge=1, le=1440)
    web_listen: Annotated[Address | None, NoDecode] = None
    webhook_url: str = ""
    webhook_secret: SecretStr = SecretStr("")
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"
    log_format: Literal["console", "json"] = "console"

    @property
    def secrets(self) -> list[str]:
        """All values that must never be logged."""
        url = self.database_url.get_secret_value() if self.database_url else ""
        form = DATABASE_URL_FORM.fullmatch(url)
        passwords = [form["password"] or "" if form else "", *PASSWORD_IN_QUERY.findall(url)]
        keys = [key.get_secret_value() for key in (self.telegram_bot_token, self.webhook_secret, *self.token_keys)]
        return [text for text in (*keys, *passwords, *map(unquote, passwords)) if text]

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
            raise ValueError("is not a bot token. @BotFather gives you one, of the form 123456789:ABC…")
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
                f"needs the payee's name behind the IBAN and a semicolon, of at most {NAME_LENGTH} letters"
            )
        try:
            return Payee(iban.validate(account), name)
        except stdnum_errors.ValidationError as error:
            raise ValueError("holds no valid IBAN: compare every digit, the check digits don't fit") from error

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

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_key(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"|[A-Za-z0-9_-]{16,256}", value.get_secret_value()):
            raise ValueError("must be 16 to 256 letters, digits, _ or -")
        return value

    @field_validator("web_listen", mode="before")
    @classmethod
    def _address(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        host, _, port = value.strip().rpartition(":")
        if not port.isdecimal() or not 0 < int(port) <= MAX_PORT or (":" in host and not host.startswith("[")):
            raise ValueError("must be a port such as 8080, or an address such as 0.0.0.0:8080")
        return Address(host.strip("[]") or "127.0.0.1", int(port))

    @model_validator(mode="after")
    def _webhook_is_whole(self) -> Self:
        if self.webhook_url and not self.webhook_secret.get_secret_value():
            raise ValueError("WEBHOOK_URL needs WEBHOOK_SECRET, which proves that a request is Telegram's")
        if self.webhook_url and self.web_listen is None:
            raise ValueError("WEBHOOK_URL needs WEB_LISTEN, the address to which your proxy forwards requests")
        return self

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_database_url(value.get_secret_value()):
            raise ValueError(
                "must be of the form postgresql://USER:PASSWORD@HOST/DATABASE. In user and password, write @ as %40, "
                "/ as %2F, : as %3A, % as %25 and a space as %20"
            )
        return value

    @field_validator("provider_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("is not a time zone such as Europe/Berlin") from error
        return value

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if not is_currency(value.upper()):
            raise ValueError("is not a currency code such as EUR")
        return value.upper()

    @model_validator(mode="after")
    def _calendar_is_possible(self) -> Self:
        if self.no_grace and self.suspend_after is None:
            raise ValueError("NO_GRACE needs SUSPEND_AFTER: what has no grace is lost with the suspension")
        if self.suspend_after is not None and self.delete_after is not None and self.delete_after <= self.suspend_after:
            raise ValueError("DELETE_AFTER must be more days than SUSPEND_AFTER: both count from the due date")
        return self

    @field_validator("token_keys", "allowed_users", "reminder_days", "overdue_days", "no_grace", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not value.strip():
            raise PydanticUseDefault
        parts = [part.strip() for part in value.split(",") if part.strip()]
        if not parts:
            # A list of empty parts must mean neither nobody nor everybody.
            raise ValueError("holds nothing but commas")
        return parts

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        """Drop settings with an empty text, unless that has a meaning."""
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value != "" or name in EMPTY_MEANS_OFF}


def _is_database_url(value: str) -> bool:
    try:
        unquote(value, errors="strict")
    except UnicodeDecodeError:
        return False
    if DATABASE_URL_FORM.fullmatch(value) is None or BAD_PERCENT.search(value):
        return False
    try:
        conninfo_to_dict(value)
    except psycopg.ProgrammingError:  # its text quotes the address
        return False
    return True


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


def _calendar(place: str) -> holidays.HolidayBase:
    """Return the holidays of a country (``DE``) or a part of it (``DE-BY``). Raise ValueError for an unknown one."""
    country, _, part = place.upper().partition("-")
    try:
        return holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError as error:
        raise ValueError("must be a country such as DE, or a part of one such as DE-BY") from error


def load_settings(**overrides: Any) -> Settings:
    """Read the settings. Raise one :class:`StartError` that lists everything missing or wrong."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise StartError(_explain(error)) from None  # the cause would print the values, including secrets
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"The file .env can't be read: {error}.") from None  # as above


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        # An error about several settings names them itself.
        name = str(problem["loc"][0]).upper() if problem["loc"] else ""
        if problem["type"] == "missing":
            lines.append(f"  {name} is missing")
        elif problem["type"] == "value_error":
            lines.append("  " + f"{name} {problem['ctx']['error']}".lstrip())
        else:
            lines.append(f"  {name}: {problem['msg']}")
    head = "The bot can't start with these settings:"
    return "\n".join([head, *lines, "Set them in the environment or in .env. The file .env.example explains each."])

"""How the texts of single settings are read. An error says what is possible, and quotes no secret."""

from __future__ import annotations

import re
from datetime import date
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from babel.numbers import is_currency

from bot.domain.chats import QuietHours
from bot.domain.provider_calendar import IsBankingDay
from bot.domain.topping_up import NAME_LENGTH, Payee
from bot.settings.declaring import Secret, Unfit

if TYPE_CHECKING:
    from holidays import HolidayBase

WEBHOOK_PORTS = frozenset({443, 80, 88, 8443})
RESERVED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""The other endpoints of :class:`bot.web.WebApp`."""
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
HOUR_FORM = re.compile(r"\d{1,2}")
WEBHOOK_SECRET_FORM = re.compile(r"[A-Za-z0-9_-]{16,256}")


def hours(text: str) -> QuietHours | None:
    if not text.strip():
        return None
    start, _, end = (part.strip() for part in text.partition("-"))
    found = [int(part) if HOUR_FORM.fullmatch(part) else 24 for part in (start, end)]
    if max(found) > 23 or found[0] == found[1]:  # noqa: PLR2004  # a day's last hour
        raise Unfit("must be two different full hours, such as 22-8, or empty for none")
    return QuietHours(*found)


def country(text: str) -> str:
    place = text.strip()
    if place:
        holidays_of(place)
    return place


def holidays_of(place: str) -> HolidayBase:
    """Return the holidays of a country (``DE``) or a part of it (``DE-BY``)."""
    import holidays

    name, _, part = place.upper().partition("-")
    try:
        return holidays.country_holidays(name, subdiv=part or None)
    except NotImplementedError:
        raise Unfit("must be a country such as DE, or a part of one such as DE-BY") from None


def banking_days(place: str) -> IsBankingDay:
    """Return what tells whether banks work on a day. A year's holidays are found when it is first asked for.

    Threads ask, too. None may see a year while its holidays are being found: what follows from a day is remembered.
    """
    holidays, lock = holidays_of(place), Lock()

    def is_banking_day(day: date) -> bool:
        with lock:
            return holidays.is_working_day(day)

    return is_banking_day


def time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise Unfit("must be a time zone such as Europe/Berlin") from None
    return text


def currency(text: str) -> str:
    if not is_currency(text.upper()):
        raise Unfit("must be a currency code such as EUR")
    return text.upper()


def bot_token(text: str) -> Secret:
    number, _, rest = text.strip().partition(":")
    if not (number.isdecimal() and rest):
        raise Unfit("must be a bot token of the form 123456789:ABC…, which @BotFather gives you")
    return Secret(text.strip())


def payee(text: str) -> Payee:
    account, separator, name = (part.strip() for part in text.partition(";"))
    if not separator or not account:
        raise Unfit("must be an IBAN and a name, such as DE89 3704 0044 0532 0130 00; Example GmbH")
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise Unfit(f"must have the payee's name behind the IBAN and a semicolon, of at most {NAME_LENGTH} letters")
    from stdnum import exceptions as stdnum_errors, iban

    try:
        return Payee(iban.validate(account), name)
    except stdnum_errors.ValidationError:
        raise Unfit("must begin with a valid IBAN: compare every digit, the check digits don't fit") from None


def web_address(text: str) -> str:
    url = _split(text)
    if url is None or url.scheme not in {"http", "https"} or not url.hostname or url.port == 0:
        raise Unfit("must be a web address such as https://HOST/api")
    if url.username or url.password or url.query or url.fragment:
        raise Unfit("must be a plain web address, without user name, ? or #")
    return text.strip().rstrip("/")


def page(text: str) -> str:
    """Read an address that people open by a button. Telegram refuses messages with a button that it can't read."""
    url = _split(text)
    if url is None or not _is_page(url):
        raise Unfit("must be the address of a page that people can open, such as https://HOST/page")
    return text.strip()


def public_address(text: str) -> str:
    url = _split(text)
    if url is None or not _is_page(url) or url.query or url.fragment:
        raise Unfit("must be a plain web address such as https://HOST, under which others reach WEB_LISTEN")
    return text.strip().rstrip("/")


def webhook(text: str) -> str:
    url = _split(text)
    if url is None or url.scheme != "https" or not url.hostname or url.username or url.query or url.fragment:
        raise Unfit("must be a plain web address such as https://HOST/telegram")
    if (url.port or 443) not in WEBHOOK_PORTS:
        raise Unfit("must use port 443, 80, 88 or 8443: Telegram sends to no other")
    if url.path in {"", "/", *RESERVED_PATHS}:
        raise Unfit("must have a path of its own, such as https://HOST/telegram")
    return text.strip()


def webhook_secret(text: str) -> Secret:
    if not WEBHOOK_SECRET_FORM.fullmatch(text):
        raise Unfit("must be 16 to 256 letters, digits, _ or -")
    return Secret(text)


def heartbeat(text: str) -> Secret:
    """Read an address. Whoever knows it can keep the alarm silent."""
    address = text.strip()
    url = _split(address)
    if address and (url is None or url.scheme not in {"http", "https"} or not url.hostname or url.username):
        raise Unfit("must be a web address such as https://HOST/ping/SECRET, without user name")
    if not address.isprintable() or " " in address:
        raise Unfit("must be a web address without spaces")
    return Secret(address)


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

"""Checks for the operator. Each line of their report is OK, or says what to do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlsplit

from bot.application import configure_logs
from bot.chat.polling import connect
from bot.domain.chats import Token
from bot.domain.provider_calendar import ProviderCalendar
from bot.errors import (
    AnswerNotUnderstood,
    ForeignAnswer,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    ProviderUnreachable,
    ProxyFailed,
    RateLimited,
    Refused,
    StartError,
    TlsFailed,
    TokenRefused,
    WrongAddress,
)
from bot.factories import build_telegram
from bot.invocation import call_of
from bot.ports import StoreCounts
from bot.provider.client import ProviderClient, open_http_client
from bot.provider.request import RetryPolicy
from bot.settings import LOOPBACK_HOSTS, Settings, load_settings
from bot.store.postgres.opening import inspect as inspect_database
from bot.store.tinydb.opening import in_use, inspect

REFUSING_STATUSES = frozenset({200, 400})
"""Statuses with which a provider may refuse a token, besides 401 and 403: some know only success and failure."""

NAME_OF_EXCEPTION = re.compile(r"\b((?:[A-Z][a-z]+){2,}?)(?:Error)?\b")

NO_RETRY = RetryPolicy(attempts=1)
"""The operator is waiting, and can run the doctor again."""


USERS_NAMED = 10
"""How many allowed users are named."""

UNREADABLE_NAMED = 10
"""How many damaged chats and accounts are named."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``advice`` is empty if all is well."""

    what: str
    detail: str = ""
    advice: str = ""


async def examine() -> AsyncIterator[Finding]:
    """Check settings, store and key, Telegram, and the provider, in this order. Change nothing.

    The logs are configured anew: only errors are printed meanwhile, and they are masked.
    """
    try:
        settings = load_settings()
    except StartError as error:
        yield Finding("Settings", advice=str(error))
        return
    configure_logs(replace(settings, log_level="ERROR"))
    yield _settings(settings)
    yield _access(settings)
    yield _switches(settings)
    yield await _store(settings)
    yield await _telegram(settings)
    yield await _provider(settings)


def _settings(settings: Settings) -> Finding:
    url = urlsplit(settings.provider_url)
    if (url.hostname or "").endswith(".example"):
        return Finding("Settings", advice="PROVIDER_URL is still that of the example. Put the provider's in its place.")
    if url.scheme == "http" and url.hostname not in LOOPBACK_HOSTS:
        return Finding(
            "Settings", advice="PROVIDER_URL is not encrypted: others on the network can read tokens. Use https."
        )
    text = f"all there; {_payments_text(settings)}{_calendar_text(settings.provider_calendar)}{_ways_text(settings)}"
    return Finding("Settings", text)


def _access(settings: Settings) -> Finding:
    allowed = sorted(settings.allowed_users or ())
    if not allowed:
        return Finding(
            "Who may use it", "everyone on Telegram, each with a token of their own (ALLOWED_USERS is empty)"
        )
    named, more = allowed[:USERS_NAMED], len(allowed) - USERS_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return Finding("Who may use it", f"Telegram users {', '.join(map(str, named))}{rest} (ALLOWED_USERS)")


def _switches(settings: Settings) -> Finding:
    """Say which of the parts that are optional are switched on, and by which setting the others are."""
    parts = {
        "payments": ("PAYMENTS", settings.payment_rules.on),
        "a webhook": ("WEBHOOK_URL", settings.webhook_url),
        "health and metrics": ("WEB_LISTEN", settings.web_listen),
        "a limit for requests": ("PROVIDER_RATE", settings.provider_rate),
        "banking days": ("HOLIDAYS", settings.holidays),
        "suspensions": ("SUSPEND_AFTER", settings.suspend_after is not None),
        "deletions": ("DELETE_AFTER", settings.delete_after is not None),
        "days of a transfer": ("TRANSFER_DAYS", settings.transfer_days is not None),
        "a page to top up": ("TOP_UP_URL", settings.top_up_ways.page),
        "data for a transfer": ("TRANSFER_TO", settings.top_up_ways.payee),
        "the provider's website": ("PROVIDER_SITE", settings.provider_site),
    }
    on = [what for what, (_, value) in parts.items() if value]
    off = [f"{what} ({name})" for what, (name, value) in parts.items() if not value]
    return Finding("Switched on", f"{', '.join(on) or 'nothing'}; off: {', '.join(off) or 'nothing'}")


def _payments_text(settings: Settings) -> str:
    rules = settings.payment_rules
    if not rules.on:
        return "payments are off"
    limit = "" if rules.limit is None else f", up to {rules.limit} {settings.currency} each"
    return f"payments are on{limit}"


def _calendar_text(calendar: ProviderCalendar) -> str:
    """Say what follows from the settings for an invoice that is due on a certain day."""
    due = date(2026, 12, 27)
    follows = calendar.consequences(due, ["Hosting"])
    last = calendar.last_transfer_day(due)
    transfer = f"; a transfer must leave by {last} to be there on {due}" if last is not None else ""
    if follows is None:
        return transfer
    days = [f"suspended on the evening of {follows.suspended_on}"] if follows.suspended_on else []
    if follows.deleted_on:
        days.append(f"deleted on {follows.deleted_on} (last safe day: {follows.last_day})")
    lost = f"; {', '.join(sorted(calendar.no_grace))}: lost with the suspension" if calendar.no_grace else ""
    return f"; a service unpaid since {due}, say, is {' and '.join(days)}{lost}{transfer}"


def _ways_text(settings: Settings) -> str:
    """Say which ways to top up people are shown."""
    ways, site = settings.top_up_ways, settings.provider_site
    page = [f"at {ways.page}"] if ways.page else []
    transfer = [f"by transfer to {ways.payee.written_iban} ({ways.payee.name})"] if ways.payee else []
    code = "" if settings.currency == "EUR" or not ways.payee else ", without a GiroCode: that is in EUR only"
    shown = f"; credit is topped up {' or '.join([*page, *transfer])}{code}" if page or transfer else ""
    return f"{shown}; the provider's website is {site}" if site else shown


async def _store(settings: Settings) -> Finding:
    keys = [key.get_secret_value() for key in settings.token_keys]
    if settings.database_url is not None:
        return await _database(settings.database_url.get_secret_value(), keys)
    try:
        found = await asyncio.to_thread(inspect, settings.data_dir, keys)
        used = await asyncio.to_thread(in_use, settings.data_dir)
    except StartError as error:
        return Finding("Store and key", advice=str(error))
    by_whom = " (in use by a running bot)" if used else ""
    detail = f"{settings.data_dir} {_what_is_in(found)}{by_whom}"
    return Finding("Store and key", detail, _what_is_unreadable(found))


async def _database(url: str, keys: Sequence[str]) -> Finding:
    try:
        found = await inspect_database(url, keys)
    except StartError as error:
        return Finding("Store and key", advice=str(error))
    if found is None:
        return Finding("Store and key", "the database is reachable; its tables will be created at the first start")
    schema = f"schema {found.version}{'' if found.is_newest else ', to be updated at the next start'}"
    detail = f"the database {_what_is_in(found.contents)}; {schema}; bots: {found.running}"
    return Finding("Store and key", detail, _what_is_unreadable(found.contents))


def _what_is_in(found: StoreCounts | None) -> str:
    if found is None:
        return "will be created at the first start"
    return f"opens; linked chats: {found.chats}, resting: {found.resting}, alerts set aside: {found.set_aside}"


def _what_is_unreadable(found: StoreCounts | None) -> str:
    """Return what is damaged, and what to do about it. Empty: nothing is."""
    if found is None or not found.unreadable:
        return ""
    named = [f"- {each}" for each in found.unreadable[:UNREADABLE_NAMED]]
    if more := found.unreadable[UNREADABLE_NAMED:]:
        named.append(f"- and {len(more)} more")
    return "\n".join(
        [
            "some chats rest, or accounts pay nothing, because what is stored of them can't be read:",
            *named,
            "Stop the bot and put back a copy. Or forget a chat: by /unlink in it, or by this command:",
            call_of("chats forget CHAT"),
        ]
    )


async def _telegram(settings: Settings) -> Finding:
    try:
        return Finding("Telegram", f"@{await connect(build_telegram(settings).bot)}")
    except StartError as error:
        return Finding("Telegram", advice=str(error))


async def _provider(settings: Settings) -> Finding:
    """Ask with a token that can't exist. The real API refuses it."""
    url = settings.provider_url
    try:
        opened = open_http_client(1)
    except StartError as error:
        return Finding("Provider", advice=str(error))
    async with opened as http:
        client = ProviderClient(http, url, settings.zone, retries=NO_RETRY)
        try:
            await client.list_invoices(Token("doctor-has-no-token"), "en")
        except (TokenRefused, PermissionMissing):
            return Finding("Provider", url)
        except Refused as error:
            if error.status in REFUSING_STATUSES and error.reason:
                return Finding("Provider", f"{url} (it refuses a made-up token: “{error.reason}”)")
            return Finding("Provider", advice=f"{url} {_in_words(error)}")
        except ProviderError as error:
            return Finding("Provider", advice=f"{url} {_in_words(error)}")
    return Finding("Provider", advice=f"{url} returns invoices for any token. Is it the right address?")


def _in_words(error: ProviderError) -> str:
    """Say what the address does instead of refusing the token, and what the operator can do."""
    detail = _plain(error.detail) if isinstance(error, ForeignAnswer | ProviderDown | AnswerNotUnderstood) else ""
    match error:
        case TlsFailed():
            return (
                f"can't be reached safely ({error.detail}). Check PROVIDER_URL, the certificate there, this machine's "
                "clock, and its trusted certificates (SSL_CERT_FILE, SSL_CERT_DIR)."
            )
        case ProxyFailed():
            return f"can't be reached: {error.detail}. Correct or remove that variable, or name the host in NO_PROXY."
        case ProviderUnreachable():
            return "can't be reached. Check PROVIDER_URL and the network."
        case ForeignAnswer():
            answer = detail
        case ProviderDown():
            why = f" ({detail})" if detail else ""
            return f"is reachable, but fails or does not answer in time. Try again later{why}."
        case RateLimited():
            return "is refusing requests for a while. Try again later."
        case AnswerNotUnderstood():
            answer = detail
        case Refused():
            answer = f"status {error.status}"
        case WrongAddress():
            answer = "status 404"
        case _:
            answer = "an error that it does not explain"
    return f"does not answer like the invoice API ({answer}). Check PROVIDER_URL."


def _plain(detail: str) -> str:
    """Return what failed in words: ``ServerDisconnectedError`` is the libraries' name for "server disconnected"."""
    return NAME_OF_EXCEPTION.sub(lambda name: " ".join(re.findall("[A-Z][a-z]+", name[1])).lower(), detail)

"""From a failed request to the bot's own error: by HTTP status or by httpx's error, with the provider's words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx
import msgspec

from bot.errors import (
    AnswerNotUnderstood,
    ForeignAnswer,
    NotFound,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    ProviderUnreachable,
    ProxyFailed,
    RateLimited,
    Refused,
    TlsFailed,
    TokenRefused,
)
from bot.provider import envelope, transport, values

PERMISSION = "access_invoices"
"""The reference asks for it in every call, the two POSTs included."""

MAYBE_DONE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
"""4xx that leave open whether the request was carried out."""

INVOICE_FIELDS = frozenset({"id", "duedate", "total"})
"""An object with these fields is an invoice."""

TIMED_OUT = frozenset({HTTPStatus.GATEWAY_TIMEOUT, 524})
"""5xx that say that the provider took too long. The second one is Cloudflare's."""

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def of_transport(error: httpx.HTTPError) -> ProviderError:
    """Return :class:`ProviderUnreachable` only if the request certainly never left: any other may have worked."""
    words = str(error)
    match error:
        case transport.TlsFailed():
            return TlsFailed(detail=words)
        case httpx.ProxyError():
            return ProxyFailed(detail=words)
        case httpx.DecodingError() | transport.AnswerRefused():
            return AnswerNotUnderstood(words)
    return ProviderUnreachable(detail=words) if isinstance(error, _UNSENT) else ProviderDown(detail=words)


def of_status(response: httpx.Response, body: bytes, now: datetime) -> ProviderError:
    """Return the error for a status outside 2xx. ``body`` is the part of the answer that could be read.

    Only the API can refuse. Any other answer is an outage, whatever its status.
    """
    status, content_type = response.status_code, response.headers.get("content-type", "")
    wait = retry_after(response.headers.get("retry-after"), now)
    if status < HTTPStatus.BAD_REQUEST:
        return _unexpected(response)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in MAYBE_DONE:
        return ProviderDown(wait, f"status {status}", timed_out=status in TIMED_OUT)
    words = envelope.refusal_in(content_type, body)
    if words is None:
        what = f"status {status}, content type {values.media_type(content_type)[:60]!r}"
        return ForeignAnswer(wait, what, status=status)
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return TokenRefused(words)
        case HTTPStatus.FORBIDDEN:
            return PermissionMissing(PERMISSION, words)
        case HTTPStatus.NOT_FOUND:
            return NotFound(words)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimited(wait)
    return Refused(status, words)


def in_success(response: httpx.Response, body: bytes) -> ProviderError | None:
    """Return the refusal that an answer with status 2xx may be, if it has the API's form."""
    with suppress(msgspec.DecodeError, RecursionError):
        answer = envelope.opened(body)
        if envelope.is_json(response.headers.get("content-type", "")) and answer.is_failure:
            return Refused(response.status_code, answer.words)
    return None


def is_about_another(body: bytes, asked: Mapping[str, int] | None) -> bool:
    """Return whether the answer to a POST holds an invoice, and not the one that the POST was about."""
    with suppress(msgspec.DecodeError, RecursionError):
        invoice = envelope.opened(body).inner
        if asked is not None and invoice.keys() >= INVOICE_FIELDS:
            return values.identity(msgspec.json.decode(invoice["id"])) != asked["id"]
    return False


def _unexpected(response: httpx.Response) -> ProviderError:
    """Return the error for a redirect, say. Following it would send the token elsewhere. A POST may have worked."""
    if response.request.method == "POST":
        return ProviderDown(detail=f"status {response.status_code}")
    return AnswerNotUnderstood(f"status {response.status_code}")


def retry_after(header: str | None, now: datetime) -> float | None:
    """Return the wait in seconds of a ``Retry-After``, in either of its forms (RFC 9110, section 10.2.3), or None."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        return _seconds_until(header, now)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _seconds_until(header: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, IndexError, TypeError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((aware - now).total_seconds(), 0.0)

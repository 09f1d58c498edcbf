"""From a failed request to the bot's own error: by HTTP status or by httpx's error, with the provider's words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from bot.errors import (
    AnswerNotUnderstood,
    NotFound,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    Refused,
    TokenRefused,
)
from bot.provider import values

PERMISSION = "access_invoices"
"""The reference asks for it in every call, the two POSTs included."""

MAX_REASON_LENGTH = 300
"""Characters. The rest of the provider's own words is cut off."""

MAYBE_DONE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
"""4xx that leave open whether the request was carried out."""

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_SPACE = re.compile(r"\s+")


def of_transport(error: httpx.HTTPError) -> ProviderError:
    """Return :class:`ProviderUnreachable` only if the request certainly never left: any other may have worked."""
    if isinstance(error, _UNSENT):
        return ProviderUnreachable()
    if isinstance(error, httpx.DecodingError):
        return AnswerNotUnderstood("compressed body can't be read")
    return ProviderDown()


def of_status(response: httpx.Response, body: bytes, now: datetime) -> ProviderError:
    """Return the error for a status outside 2xx. ``body`` is the part of the answer that could be read."""
    status = response.status_code
    wait = retry_after(response.headers.get("retry-after"), now)
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return TokenRefused()
        case HTTPStatus.FORBIDDEN:
            return PermissionMissing(PERMISSION)
        case HTTPStatus.NOT_FOUND:
            return NotFound()
        case HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimited(wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in MAYBE_DONE:
        return ProviderDown(wait)
    if status >= HTTPStatus.BAD_REQUEST:
        return Refused(status, reason_in(response.headers.get("content-type", ""), body))
    return _unexpected(response)


def _unexpected(response: httpx.Response) -> ProviderError:
    """Return the error for a redirect, say. Following it would send the token elsewhere. A POST may have worked."""
    if response.request.method == "POST":
        return ProviderDown()
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


def reason_in(content_type: str, body: bytes) -> str:
    """Return the provider's own words: JSON's ``message``, ``error`` or first of ``errors``; plain text; never HTML."""
    if values.media_type(content_type) == "text/plain":
        return _one_line(body.decode("utf-8", "replace"))
    try:
        return _one_line(_first_text(msgspec.json.decode(body)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _first_text(value: Any) -> str:
    match value:
        case str():
            return value
        case {"message": str(text)} if text.strip():
            return text
        case {"error": inner} if found := _first_text(inner):
            return found
        case {"errors": inner}:
            return _first_of(inner)
        case _:
            return ""


def _first_of(errors: Any) -> str:
    """Return the first text in ``["…"]``, ``{"id": ["…"]}`` or ``[{"message": "…"}]``."""
    inner: Sequence[Any] = list(errors.values()) if isinstance(errors, dict) else errors
    if isinstance(inner, list) and inner:
        return _first_text(inner[0]) or _first_of(inner[0])
    return _first_text(errors)


def _one_line(text: str) -> str:
    """Return one line without control and formatting characters, cut to a readable length; of markup nothing."""
    line = "".join(c for c in _SPACE.sub(" ", text) if c.isprintable()).strip()
    if line.startswith("<"):
        return ""
    return line if len(line) <= MAX_REASON_LENGTH else line[: MAX_REASON_LENGTH - 1].rstrip() + "…"

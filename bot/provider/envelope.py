"""What an answer says as a whole, before any invoice in it is read.

Only the API speaks for the API. It answers with a JSON object, and what was asked for is in its ``data``. A refusal
bears a message or an error, at the top or in ``data``, whatever its status. Anything else comes from something in
between: a firewall's page, a gateway's own JSON. docs/decisions.md tells what counts, and why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bot import logs
from bot.provider import json_text, values

MAX_REASON_LENGTH = 300
"""Characters. The rest of the provider's own words is cut off."""

MAX_TEXT_LENGTH = 10_000
"""Characters that are cleaned at all, so that a huge text holds nobody up."""

Level = Mapping[str, msgspec.Raw]
"""An object of the answer, its values still unread."""

NULL = msgspec.Raw(b"null")
_levels = msgspec.json.Decoder(dict[str, msgspec.Raw])

_WORDS = ("message", "error", "errors", "msg", "detail", "error_description", "reason", "type")
"""Where the provider's words may be. The first one that has any counts."""

_REFUSAL_KEYS = frozenset({"message", "error", "errors"})
_CODES = ("status", "code", "status_code", "statusCode")
_SAID = frozenset({*_WORDS, *_CODES, "success", "ok", "result", "exception", "id"})

_FAILED = frozenset({"error", "errors", "fail", "failed", "failure", "false"})
_SUCCEEDED = frozenset({"success", "succeeded", "ok", "true", "1", "200"})
_FAILURE_CODES = frozenset(map(str, range(400, 600)))
_NOTHING = frozenset({"", "0", "false", "null", "none", "no"})

_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)\b", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer's outermost object, and the one in its ``data`` if that is no list."""

    top: Level
    inner: Level

    @property
    def data(self) -> msgspec.Raw:
        return self.top.get("data", NULL)

    @property
    def is_failure(self) -> bool:
        """Whether it says so, in any of the usual ways, and whatever its status."""
        top, inner = _said(self.top), _said(self.inner)
        # An invoice has a status of its own.
        return _is_marked(top) or _is_marked(inner) or _has_failed(top) or ("id" not in inner and _has_failed(inner))

    @property
    def is_success(self) -> bool:
        """Whether it says that all went well."""
        said = _said(self.top)
        flags = {_result(said, name) for name in ("success", "ok", "result", "status")}
        return bool(flags & _SUCCEEDED) or said.get("error") is False

    @property
    def is_refusal(self) -> bool:
        """Whether it has the form of the API's refusals, and not that of a gateway (RFC 9457)."""
        is_marked = any(_is_marked(level) or _result(level) in _FAILED for level in map(_said, (self.top, self.inner)))
        return (is_marked or not _REFUSAL_KEYS.isdisjoint({*self.top, *self.inner})) and "title" not in self.top

    @property
    def words(self) -> str:
        """The provider's own words, cleaned and cut to a line. Those in ``data`` are nearer to the matter."""
        said = (_first_text(level.get(name)) for level in (_said(self.inner), _said(self.top)) for name in _WORDS)
        return next((line for text in said if (line := one_line(text))), "")


def opened(body: bytes) -> Envelope:
    """Return the envelope of an answer. Raise :class:`msgspec.DecodeError` if it is no JSON object."""
    text = json_text.readable(body)
    try:
        return _opened(text)
    except RecursionError:
        return _opened(json_text.without_depths(text))


def refusal_in(content_type: str, body: bytes) -> str | None:
    """Return the words of a refusal, perhaps none. None: the API did not write this answer."""
    if not is_json(content_type):
        return None
    try:
        envelope = opened(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return envelope.words if envelope.is_refusal else None


def is_json(content_type: str) -> bool:
    """Return whether a ``Content-Type`` is that of the API. The form of gateways (RFC 9457) is not."""
    media_type = values.media_type(content_type)
    is_of_gateway = media_type == "application/problem+json"
    return media_type == "application/json" or (media_type.endswith("+json") and not is_of_gateway)


def one_line(text: str) -> str:
    """Return a text on one line, without markup, secrets and control characters, cut to a readable length.

    Nothing is left of a whole web page.
    """
    if _PAGE.match(text):
        return ""
    plain = _TAG.sub(" ", values.text(_TAG.sub(" ", text[:MAX_TEXT_LENGTH])))
    line = logs.masked(" ".join(plain.split()))
    return line if len(line) <= MAX_REASON_LENGTH else line[: MAX_REASON_LENGTH - 1].rstrip() + "…"


def _opened(text: str) -> Envelope:
    top = _levels.decode(text)
    data = bytes(top.get("data", NULL))
    return Envelope(top, _levels.decode(data) if data.startswith(b"{") else {})


# --- What an object says of success, failure and reasons ---


def _said(level: Level) -> dict[str, Any]:
    said = {}
    for name in _SAID & level.keys():
        try:
            said[name] = msgspec.json.decode(level[name])
        except (msgspec.DecodeError, RecursionError):
            said[name] = None
    return said


def _is_marked(said: Mapping[str, Any]) -> bool:
    """Return whether an error stands in it, or it denies its success."""
    denied = any(name in said and not _means(said[name]) and said[name] is not None for name in ("success", "ok"))
    return denied or any(_means(said.get(name)) for name in ("error", "errors", "exception"))


def _has_failed(said: Mapping[str, Any]) -> bool:
    """Return whether its result, status or code is that of a failure."""
    words = {_result(said), _result(said, "status")}
    return bool(words & _FAILED) or any(_result(said, name) in _FAILURE_CODES for name in _CODES)


def _result(said: Mapping[str, Any], name: str = "result") -> str:
    value = said.get(name)
    return str(value).casefold() if isinstance(value, str | int) else ""


def _means(value: object) -> bool:
    """Return whether a flag is set, or whether there is anything, in PHP's spellings."""
    return value.strip().casefold() not in _NOTHING if isinstance(value, str) else bool(value)


def _first_text(value: Any) -> str:
    """Return the first text in ``"…"``, ``["…"]``, ``{"id": ["…"]}`` or ``[{"message": "…"}]``."""
    for _ in range(json_text.MAX_DEPTH):
        match value:
            case str():
                return value
            case {"message": str(text)} if text.strip():
                return text
            case dict() | list():
                value = next(iter(value.values() if isinstance(value, dict) else value), None)
            case _:
                break
    return ""

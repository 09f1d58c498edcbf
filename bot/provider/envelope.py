"""What an answer says as a whole, before any invoice in it is read.

Only the API speaks for the API. It answers with a JSON object, and what was asked for is in its ``data``. A refusal
bears a message or an error, at the top or in ``data``, whatever its status. Anything else comes from something in
between: a firewall's page, a gateway's own JSON. docs/decisions.md tells what counts, and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

_WORDS = ("message", "error", "errors", "msg", "detail", "errordescription", "reason", "errormessage", "messages")
"""Where the provider's words may be, as :func:`_plain` names. The first one that has any counts."""

_FLAGS = frozenset({"success", "successful", "succeeded", "ok", "issuccess", "issuccessful", "authenticated"})
"""They deny that all went well if they are false."""

_ERROR = re.compile(r"(?:is|has)?(?:error|exception).*")
_FAILURES = frozenset({"fail", "failed", "failure", "fault"})
"""Names of what stands for an error, if there is anything under them. The latter may also be an invoice's own."""

_RESULTS = ("result", "status")
_CODES = ("status", "code", "statuscode", "httpcode", "httpstatus", "responsecode")
_ABOUT = ("meta", "status", "result", "response")
"""Objects that may say how it went."""

_REFUSAL_KEYS = frozenset({"message", "error", "errors", "exception"})

_FAILED = re.compile(
    r"(?:errors?|fail(?:ed|ure)?|false|unauthori[sz]ed|unauthenticated|forbidden|denied|invalid)\b.*", re.DOTALL
)
_SUCCEEDED = frozenset({"success", "succeeded", "successful", "ok", "true", "1", "200", "done", "completed"})
_FAILURE_CODE = re.compile(r"[45]\d\d(?!\d).*", re.DOTALL)
_NO_ERROR = frozenset({"ok", "success", "no error", "no errors"})
_NOTHING = frozenset({"", "0", "false", "null", "none", "no", "n", "off"})

MAX_NESTING = 3
"""How many ``data`` may lie in each other."""

_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)\b", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer's objects, the outermost first. Each other one is the ``data`` of the one before."""

    levels: Sequence[Level]

    @property
    def top(self) -> Level:
        return self.levels[0]

    @property
    def inner(self) -> Level:
        """What is in its ``data``, if that is an object."""
        return self.levels[1] if len(self.levels) > 1 else {}

    @property
    def data(self) -> msgspec.Raw:
        return self.top.get("data", NULL)

    @property
    def is_failure(self) -> bool:
        """Whether it says so, in any of the usual ways, and whatever its status."""
        return any(said.denies or said.has_error or said.has_failed for said in self._statements())

    @property
    def is_doubtful(self) -> bool:
        """Whether it explains itself, or has a result, without saying that all went well. No list does without need."""
        said = [*map(_Statement, self.levels)]
        results = {word for each in said for name in (*_RESULTS, *_FLAGS, *_CODES) if (word := each.word(name))}
        if results & _SUCCEEDED or any(each.values.get("error") is False for each in said):
            return False
        return not all(map(str.isdigit, results)) or bool(self._words_of(self._statements()))

    @property
    def is_refusal(self) -> bool:
        """Whether it has the form of the API's refusals, and not that of a gateway (RFC 9457)."""
        denies = any(each.denies or _FAILED.fullmatch(each.word("result")) for each in map(_Statement, self.levels[:2]))
        return (denies or not _REFUSAL_KEYS.isdisjoint({*self.top, *self.inner})) and "title" not in self.top

    @property
    def words(self) -> str:
        """The provider's own words, cleaned and cut to a line. Those further in are nearer to the matter."""
        statements = [*self._statements()]
        return self._words_of(statements) or self._words_of(statements, ("type",))

    def _statements(self) -> Iterator[_Statement]:
        """Yield what is said, the innermost first. An object with an id is an invoice, with a status of its own."""
        for level in reversed(self.levels):
            said = _Statement(level)
            yield said
            if not said.has_id:
                yield from (_Statement(about) for about in map(said.values.get, _ABOUT) if isinstance(about, dict))

    def _words_of(self, statements: Iterable[_Statement], names: Iterable[str] = _WORDS) -> str:
        said = (_first_text(each.values.get(name)) for each in statements for name in names)
        return next((line for text in said if (line := one_line(text))), "")


class _Statement:
    """What an object says of success, failure and reasons."""

    def __init__(self, level: Mapping[str, Any]) -> None:
        self.has_id = "id" in level
        self.values = {name: _value(level[key]) for key in level if _speaks(name := _plain(key))}

    def word(self, name: str) -> str:
        """Return a text or a number in lower case, or an empty text."""
        value = self.values.get(name)
        return str(value).strip().casefold() if isinstance(value, str | int) else ""

    @property
    def denies(self) -> bool:
        """Whether it says that it did not go well."""
        flags = (self.values[name] for name in _FLAGS & self.values.keys())
        return any(not _means(flag) or _FAILED.fullmatch(str(flag).casefold()) for flag in flags if flag is not None)

    @property
    def has_error(self) -> bool:
        errors = (name for name in self.values if _ERROR.fullmatch(name) and self.word(name) not in _NO_ERROR)
        return any(_means(self.values[name]) for name in errors)

    @property
    def has_failed(self) -> bool:
        """Whether its result, status or code is that of a failure."""
        return not self.has_id and (
            any(_means(self.values.get(name)) for name in _FAILURES)
            or any(_FAILED.fullmatch(self.word(name)) for name in _RESULTS)
            or any(_FAILURE_CODE.fullmatch(self.word(name)) for name in _CODES)
        )


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
    levels = [_levels.decode(text)]
    while len(levels) <= MAX_NESTING and (data := bytes(levels[-1].get("data", NULL))).startswith(b"{"):
        levels.append(_levels.decode(data))
    return Envelope(levels)


def _plain(name: str) -> str:
    """Return a name in lower case and without its joints: ``error_message`` and ``errorMessage`` are the same."""
    return name.replace("_", "").replace("-", "").casefold()


def _speaks(name: str) -> bool:
    return name in _SPOKEN or _ERROR.fullmatch(name) is not None


_SPOKEN = frozenset({*_WORDS, "type", *_FLAGS, *_FAILURES, *_RESULTS, *_CODES, *_ABOUT})


def _value(given: Any) -> Any:
    if not isinstance(given, msgspec.Raw):
        return given
    try:
        return msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError):
        return None


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

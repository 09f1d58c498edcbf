"""Structured logging to standard error, for people or machines. No line contains a secret.

One handler receives everything that structlog and the standard library log. As the last step before a line is put
together, its formatter masks secrets in all values, exceptions among them. So no library can bypass it. The names of
fields, and what the log itself says of a line (when, how urgent, which event), are constants and never masked: people
choose what they send as a token, and it may be a date or a common word.
"""

from __future__ import annotations

import html
import json
import logging
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Final, Literal
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor

from bot.log_writer import LogWriter

LogFormat = Literal["console", "json"]

MASK: Final = "***"
MIN_SECRET_LENGTH: Final = 8
"""A shorter value is no credential. Masking it would only make the rest of the log unreadable."""

MAX_RECENT_SECRETS: Final = 256
"""How many values of :func:`add_secret` are remembered: far more than can be in use at the same moment."""

OWN_FIELDS: Final = frozenset({"timestamp", "level", "logger", "_record", "_from_structlog"})
"""What the log itself says of every line. The last two don't get into it."""

HELD_AT_WARNING: Final = ("aiohttp", "httpcore", "httpx", "uvicorn.access")
"""Libraries that log each request at INFO, with URLs that contain the bot token."""

HELD_AT_ERROR: Final = ("apscheduler", "uvicorn.error")
"""The one logs each tick, and warns when the previous one is still at work, which is normal. The other warns of each
request that is no HTTP."""

SILENCED: Final = ("telegram.Bot", "telegram.ext.ExtBot", "telegram.request.BaseRequest")
"""Above DEBUG, python-telegram-bot 22.8 uses these to log data that it can't read: people's messages."""

_BOT_TOKEN = re.compile(r"\d{6,}(?::|%3A)[A-Za-z0-9_-]{30,}", re.IGNORECASE)
_BEARER = re.compile(r"""(\bBearer)(?:\s|\+|%20)+["']?(?:\\[^nrt]|[^\s"'\\])+""", re.IGNORECASE)
# Anything after /link may be a token, in any spelling: mask it up to the end of the line or a colour code.
_LINK = re.compile(r"((?:/|%2F)link(?:@\w+)?)(?=[^\w/\"'])\s*[^\n\x1b]+", re.IGNORECASE)

# A subscribed calendar's address: whoever knows it can read the calendar.
_CALENDAR = re.compile(r"((?:/|%2F)calendar(?:/|%2F))[\w%.-]+", re.IGNORECASE)


def _spellings(value: str) -> set[str]:
    """Return the forms that a value can have in a text: plain, quoted, or as part of a URL."""
    percent = {quote(value), quote(value, safe=""), quote_plus(value)}
    percent |= {re.sub("%..", lambda code: code[0].lower(), text) for text in percent}
    return {value, repr(value)[1:-1], json.dumps(value)[1:-1], html.escape(value)} | percent


class Secrets:
    """The values that no line may show: lasting ones, and the ``limit`` most recently used others.

    Unused others are forgotten. That is safe: a token can only get into a log while it is in use, and each use adds it
    again. Several threads may use an instance.
    """

    def __init__(self, limit: int = MAX_RECENT_SECRETS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._lasting: tuple[str, ...] = ()
        self._recent: OrderedDict[str, set[str]] = OrderedDict()  # their spellings, computed when a line is masked
        self._by_length: tuple[str, ...] | None = None

    def keep(self, values: Iterable[str]) -> None:
        """Replace the lasting values. The part of a bot token after the colon is a secret by itself."""
        whole = {value for value in values if len(value) >= MIN_SECRET_LENGTH}
        parts = {value.partition(":")[2] for value in whole if _BOT_TOKEN.fullmatch(value)}
        with self._lock:
            self._lasting = tuple(whole | parts)
            self._by_length = None

    def add(self, value: str) -> None:
        """Note the use of a value."""
        if len(value) < MIN_SECRET_LENGTH:
            return
        with self._lock:
            if value not in self._recent:
                self._recent[value] = set()
                self._by_length = None
            self._recent.move_to_end(value)
            while len(self._recent) > self._limit:
                self._recent.popitem(last=False)

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._lasting = ()
            self._recent.clear()
            self._by_length = None

    def mask(self, text: str) -> str:
        """Return the text without secrets: known values, and those recognised by their form."""
        for spelling in self._spelled():
            if spelling in text:
                text = text.replace(spelling, MASK)
        text = _BOT_TOKEN.sub(MASK, text)
        text = _LINK.sub(rf"\1 {MASK}", text)
        text = _CALENDAR.sub(rf"\1{MASK}", text)
        return _BEARER.sub(rf"\1 {MASK}", text)

    def _spelled(self) -> tuple[str, ...]:
        """Return all spellings, the longest first, so that replacing one leaves no rest of another."""
        with self._lock:
            if self._by_length is None:
                for value, spelled in self._recent.items():
                    if not spelled:
                        self._recent[value] = _spellings(value)
                found = set[str]().union(*map(_spellings, self._lasting), *self._recent.values())
                self._by_length = tuple(sorted(found, key=len, reverse=True))
            return self._by_length


_secrets = Secrets()

log = structlog.get_logger()


def configure(level: str, form: LogFormat, secrets: Iterable[str] = ()) -> None:
    """Send all logging to standard error, through one handler. May be called again.

    ``level`` is a name such as ``INFO`` for the bot's own loggers. Libraries stay at INFO or above: below it they log
    personal data such as updates and addresses. ``secrets`` stay masked. Uncaught exceptions are logged instead of
    printed, so that they are masked too.
    """
    _secrets.keep(secrets)
    own = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _StandardErrorHandler(form)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(own, logging.INFO))
    logging.getLogger("bot").setLevel(own)
    for name in HELD_AT_WARNING:
        logging.getLogger(name).setLevel(max(own, logging.WARNING))
    for name in HELD_AT_ERROR:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def add_secret(value: str) -> None:
    """Mask a value found at run time, such as a provider token. Call it at each use of the value."""
    _secrets.add(value)


def flush() -> bool:
    """Wait until what was logged is written, but not for long. Return False if nobody reads standard error."""
    return _writer.flush()


def masked(text: str) -> str:
    """Return a text without secrets, for where somebody else's words are shown to people."""
    return _secrets.mask(text)


def forget_secrets() -> None:
    """Forget every value, lasting ones too, as if :func:`configure` had never been called."""
    _secrets.clear()


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _renderer(form: LogFormat) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer()
    colors, plain = sys.stderr.isatty(), structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)


def _mask_values(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """Mask the values of a line. An event that structlog logs has a constant name; any other event is a whole text."""
    constants = OWN_FIELDS | {"event"} if fields.get("_from_structlog") else OWN_FIELDS
    return {name: value if name in constants else _masked(value) for name, value in fields.items()}


def _masked(value: object) -> object:
    """Return a value with all its texts masked. What is no plain data becomes the text that the line would show."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _secrets.mask(str(value))
        case Mapping():
            return {_secrets.mask(str(name)): _masked(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_masked(item) for item in value]
        case _:
            return _secrets.mask(repr(value))


class _MaskingFormatter(structlog.stdlib.ProcessorFormatter):
    """Renders a record with its values masked."""

    def __init__(self, form: LogFormat) -> None:
        super().__init__(
            foreign_pre_chain=_shared_processors(),
            processors=[
                structlog.processors.format_exc_info,  # without the values of local variables
                _mask_values,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(form),
            ],
        )


class _StandardErrorHandler(logging.Handler):
    """Writes to the present standard error, which a terminal view may have replaced."""

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self.setFormatter(_MaskingFormatter(form))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _write(self.format(record))
        except Exception:  # noqa: BLE001  # a failing log line must never stop the work
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the standard library's name
        """Say where a record failed. The standard library would print its arguments unmasked."""
        failed = logging.LogRecord("bot.logs", logging.ERROR, __file__, 0, "log_record_failed in %s:%d", None, None)
        failed.args = (record.pathname, record.lineno)
        with suppress(OSError, ValueError):  # standard error itself is gone
            _write(self.format(failed))


def _write(line: str) -> None:
    """Write to standard error. Where that is a file, a thread does it: whoever reads it may have stopped."""
    stream = sys.stderr
    if stream is None:  # the process was started without
        return
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError, ValueError):  # it is in memory
        stream.write(line + "\n")
        stream.flush()
    else:
        _writer.put(descriptor, f"{line}\n".encode(stream.encoding or "utf-8", "backslashreplace"))


def _say_dropped(lines: int) -> None:
    log.warning("log lines dropped", count=lines, meaning="Nobody read standard error, so it took no more.")


_writer = LogWriter(_say_dropped)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("bot").critical("uncaught_exception", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)

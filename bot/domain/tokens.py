"""Tokens in what people write: which words have a token's form, and how a token is taken out of its wrapping."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_interface

from bot.domain.chats import Place, Token
from bot.domain.waits import still_lasts

TOKEN_FORM = re.compile(r"[!-~]{8,4096}")
"""What can be a token: printable ASCII without blanks, as an HTTP header can carry it."""

LIKELY_FORM = re.compile(r"(?=.*[A-Za-z])(?=.*\d)[\w.~+/|:-]{20,4096}={0,2}", re.ASCII)
"""What looks like one where nobody asked: long, with letters and digits, and with no signs but those of tokens."""

SPLIT = re.compile("[\\s\"'`„“”‚‘’«»‹›]+")  # noqa: RUF001  # these quotes are meant
BRACKETS = "<>()[]{}*"
PUNCTUATION = ".,;:!?…"

COMMAND = re.compile(r"/(?:(?:link|token|start)(?:@\w+)?[:=]*|\w+(?:@\w+)?[:=]+(?=.))", re.ASCII | re.IGNORECASE)
"""A command in front of a token, also without a space between them."""

LINK_COMMAND = re.compile(r"\s*/link(?:@\w+)?(?P<separator>[\s:=]*)\S", re.ASCII | re.IGNORECASE)

LABEL = re.compile(r"[\w-]*(?:token|bearer|key|auth|authorization)[:=]+", re.ASCII | re.IGNORECASE)
LABELS = re.compile(r"(?:my|mein|api|access|auth|authorization|bearer|token|key|api[-_]?(?:key|token))", re.IGNORECASE)
"""Words that only name what comes behind them: within the same word (``Token:…``), and as words of their own."""

HOST = re.compile(r"(?:[\w-]{1,63}\.)+(?:[a-z]{2,24}|[a-z][a-z0-9]{1,5})(?::\d+)?(?:/.*)?", re.ASCII | re.IGNORECASE)
"""A domain name, with a path or without, or the name of a file."""

PATH = re.compile(r"/?(?:[A-Za-z]+|\d+)(?:/(?:[A-Za-z]+|\d+)){2,}/?|/[a-z0-9_.-]+(?:/[a-z0-9_.-]+)+/?", re.ASCII)
PREFIXED_NUMBER = re.compile(r"[a-z]{1,20}[-_/.#:]\d[\d\-_/.#:]*", re.ASCII | re.IGNORECASE)
COMPOUND = re.compile(r"(?:[A-Z][a-z]+|[A-Z]{1,5}|\d+)(?:[-_./](?:[A-Z][a-z]+|[A-Z]{1,5}|\d+))+")
"""Words and numbers joined by signs, as in the names of products and documents."""

IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")


def token_in(text: str) -> Token | None:
    """Return the token in what a person wrote, without what stands around it. None: there is none, or several."""
    words = list(_words(text))
    likely = {word for word in words if _is_likely(word)}
    found = likely or {word for word in words if not LABELS.fullmatch(word.rstrip(PUNCTUATION))}
    word = found.pop() if len(found) == 1 else ""
    if len(words) > 1:
        word = word.rstrip(PUNCTUATION)
    return Token(word) if TOKEN_FORM.fullmatch(word) else None


def asks_to_link(text: str) -> bool:
    """Return whether a text is /link with something behind it, in any spelling."""
    found = LINK_COMMAND.match(text)
    return found is not None and bool(found["separator"] or looks_like_token(text))


def looks_like_token(text: str) -> bool:
    """Return whether one of the words has a token's form."""
    return any(map(_is_likely, _words(text)))


def _words(text: str) -> Iterator[str]:
    """Yield the words without commands, labels, quotes, brackets, and signs that nobody sees."""
    visible = "".join(character for character in text if not _is_invisible(character)).strip()
    if command := COMMAND.match(visible):
        visible = visible[command.end() :]
    for raw in SPLIT.split(visible):
        word = raw.strip(BRACKETS)
        if label := LABEL.match(word):
            word = word[label.end() :]
        if any(map(str.isalnum, word)):
            yield word


def _is_invisible(character: str) -> bool:
    """Return whether a character is a zero-width or formatting sign, as comes along when one copies from a page."""
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def _is_likely(word: str) -> bool:
    word = word.rstrip(PUNCTUATION)
    others = (HOST, PATH, PREFIXED_NUMBER, COMPOUND)
    return (
        LIKELY_FORM.fullmatch(word) is not None
        and "://" not in word
        and not any(form.fullmatch(word) for form in others)
        and not _is_number(word)
        and not _is_iban(word)
        and not _is_ip_address(word)
    )


def _is_number(word: str) -> bool:
    """Return whether a word is a number, a time or the like: mostly digits, with few groups of letters in between."""
    groups = re.findall("[A-Za-z]+", word)
    return len(groups) <= 3 and 2 * sum(map(len, groups)) < sum(map(str.isdigit, word))  # noqa: PLR2004


def _is_iban(word: str) -> bool:
    """Return whether the check digits are those of an IBAN (ISO 13616)."""
    word = word.upper()
    return IBAN.fullmatch(word) is not None and int("".join(str(int(c, 36)) for c in word[4:] + word[:4])) % 97 == 1


def _is_ip_address(word: str) -> bool:
    try:
        ip_interface(word)
    except ValueError:
        return False
    return True


# --- A token that waits for a yes ---

OFFER_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class OfferedToken:
    """A token that ``user_id`` sent at ``place`` and is asked about. It is kept sealed, and only until then.

    If it is used, it may replace the link that was made at ``replaces``, and no other. It is for the chat itself, or
    for the group of the invitation ``invitation_id``.
    """

    id: str
    place: Place
    user_id: int
    expires_at: datetime
    replaces: datetime | None
    invitation_id: str = ""
    sealed_token: str = ""

    def holds(self, now: datetime) -> bool:
        """Return whether the question about it is still open."""
        return still_lasts(self.expires_at, now, OFFER_LIFETIME)


# --- Wrong tokens ---

FREE_TRIES = 3
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60))
"""How long a person waits after the third wrong token, the fourth, and so on."""

FORGIVEN_AFTER = timedelta(days=1)
"""So long after the last wrong token, a person begins anew."""


@dataclass(frozen=True, slots=True)
class TokenPause:
    """How many tokens of a person's the provider has refused, and when it refused the last one."""

    id: str
    place: Place
    user_id: int
    expires_at: datetime
    refused: int
    since: datetime

    def left(self, now: datetime) -> timedelta:
        """Return how long to wait before the next try. A clock that was ahead makes nobody wait."""
        if self.refused < FREE_TRIES or self.is_over(now):
            return timedelta(0)
        pause = PAUSES[min(self.refused - FREE_TRIES, len(PAUSES) - 1)]
        return max(timedelta(0), min(pause, self.since + pause - now))

    def is_over(self, now: datetime) -> bool:
        """Return whether the person begins anew."""
        return not still_lasts(self.expires_at, now, FORGIVEN_AFTER)


def pause_id(user_id: int) -> str:
    """Return the id of a person's pause."""
    return str(user_id)


def longer_pause(before: TokenPause | None, user_id: int, now: datetime) -> TokenPause:
    """Count one more refused token."""
    refused = before.refused if before is not None and not before.is_over(now) else 0
    return TokenPause(pause_id(user_id), Place(user_id), user_id, now + FORGIVEN_AFTER, refused + 1, now)

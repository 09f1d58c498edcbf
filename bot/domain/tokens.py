"""Tokens in what people write: which words have a token's form, and how a token is taken out of its wrapping."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from ipaddress import ip_interface
from urllib.parse import unquote

from bot.domain.chats import Token

TOKEN_FORM = re.compile(r"[!-~]{8,4096}")
"""What can be a token: printable ASCII without blanks, as an HTTP header can carry it."""

LIKELY_LENGTH = 20
LIKELY_FORM = re.compile(rf"(?=.*[A-Za-z])(?=.*\d)[\w.~+/|:-]{{{LIKELY_LENGTH},4096}}={{0,2}}", re.ASCII)
"""What looks like one where nobody asked: long, with letters and digits, and with no signs but those of tokens."""

SPLIT = re.compile(r"""(?:[^!-~\w]|["'`])+""")
"""What stands between words: blanks, quotes, and all other signs that no token has."""

BRACKETS = "<>()[]{}*"
PUNCTUATION = ".,;:!?"

BOT_NAME = r"(?:@\w+(?=[\s:=]|$)|@\w*?(?i:bot))"
"""Telegram ends a bot's name in "bot". Without a space, the token begins there."""

COMMAND = re.compile(rf"/(?:(?i:link|token|start){BOT_NAME}?[:=,;/|_-]*|\w+(?:@\w+)?[:=]+(?=.))", re.ASCII)
"""A command in front of a token, also without a space between them."""

NAMING_COMMAND = re.compile(r"/token\b", re.ASCII | re.IGNORECASE)
LINK_COMMAND = re.compile(r"\s*/link(?:@\w+)?+(?P<separator>\W*)\S", re.ASCII | re.IGNORECASE)

LABEL = re.compile(r"[\w-]*(?:token|bearer|key|auth|authorization)[:=]+", re.ASCII | re.IGNORECASE)
LABELS = re.compile(r"(?:my|mein|api|access|auth|authorization|bearer|token|key|api[-_]?(?:key|token))", re.IGNORECASE)
"""Words that only name what comes behind them: within the same word (``Token:…``), and as words of their own."""

ANY_LABEL = re.compile(r"[^\W\d_]+:+")
"""A label in front of what looks like a token anyway: ``Here:…``."""

LABELLED_IN_ADDRESS = re.compile(r"[?&#][\w-]*(?:token|key|auth|secret)=([^&#?]+)", re.ASCII | re.IGNORECASE)

JOINTS = re.compile(r"[<>()\[\]{},;?&\\]+|=+(?=[^=])")
"""Where a word that is no address and no file falls into parts."""
AROUND = ".:!$|~"
"""What can stand before or behind a part, and is none of it."""

HOST = re.compile(
    r"(?:[\w-]{1,63}\.)+(?:[a-z]{2,24}|[a-z][a-z0-9]{1,5}|xn--[a-z0-9-]{2,59})(?::\d+)?(?:[/?#].*)?",
    re.ASCII | re.IGNORECASE,
)
"""A domain name, with a path or without, or the name of a file."""

MAIL = re.compile(rf"(?:mailto:)?[^@\s]+@{HOST.pattern}", re.ASCII | re.IGNORECASE)
FILE = re.compile(r"[\w.()\[\]+-]+\.[a-z][a-z0-9]{1,4}", re.ASCII | re.IGNORECASE)
PATH = re.compile(r"/?(?:[A-Za-z]+|\d+)(?:/(?:[A-Za-z]+|\d+)){2,}/?|/[a-z0-9_.-]+(?:/[a-z0-9_.-]+)+/?", re.ASCII)
PREFIXED_NUMBER = re.compile(r"[a-z]{1,20}[-_/.#:]\d[\d\-_/.#:]*", re.ASCII | re.IGNORECASE)
COMPOUND_PART = r"(?:[A-Z][a-z]+\d{0,9}|[A-Z]{1,12}\d{0,9}|\d+|\d{1,9}[A-Z]{1,4})"
COMPOUND = re.compile(rf"{COMPOUND_PART}(?:[-_./]{COMPOUND_PART})+")
"""Words and numbers joined by signs, as in the names of products and documents, and in order numbers."""

NAMED_FORM = re.compile(r"(?=.*[A-Za-z])(?=.*\d)[!-~]{8,4096}", re.ASCII)
"""What looks like a token if nothing but its label stands before it: ``Bearer …``."""

SENTENCE_LENGTH = 3
"""A token that was broken in two is no sentence yet."""

IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")

FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Signs that nobody sees, although Unicode counts them as letters or accents."""


def token_in(text: str) -> Token | None:
    """Return the token in what a person wrote, without what stands around it. None: there is none, or several."""
    words = list(_words(text))
    likely = {token for word in words for token in _likely_in(word)}
    found = likely or {word for word in map(_unlabelled, words) if _says_more(word)}
    word = found.pop() if len(found) == 1 else ""
    if not likely and len(words) > 1:
        word = word.rstrip(PUNCTUATION)
    return Token(word) if TOKEN_FORM.fullmatch(word) else None


def asks_to_link(text: str) -> bool:
    """Return whether a text is /link with something behind it, in any spelling."""
    found = LINK_COMMAND.match(_visible(text))
    return found is not None and bool(found["separator"] or looks_like_token(text))


def looks_like_token(text: str) -> bool:
    """Return whether one of the words has a token's form, or holds one that has it."""
    words = list(_words(text))
    return any(True for word in words for _ in _likely_in(word)) or _is_named(text, words)


def is_sentence(text: str) -> bool:
    """Return whether a text is several ordinary words: no token, and no part of one."""
    words = [word.strip(PUNCTUATION) for word in _words(text)]
    holds_some = looks_like_token(text) or any(NAMED_FORM.fullmatch(word) for word in words)
    return len(words) >= SENTENCE_LENGTH and not holds_some


def _is_named(text: str, words: Sequence[str]) -> bool:
    """Return whether somebody calls a single word a token, and nothing else is said."""
    said = [word for word in map(_unlabelled, words) if _says_more(word)]
    if len(said) != 1 or (words == said and not NAMING_COMMAND.match(text)):
        return False
    word = said[0].rstrip(PUNCTUATION)
    return NAMED_FORM.fullmatch(word) is not None and not _is_something_else(word)


def _words(text: str) -> Iterator[str]:
    """Yield the words without commands, quotes, brackets, and signs that nobody sees."""
    visible = _visible(text)
    if command := COMMAND.match(visible):
        visible = visible[command.end() :]
    for raw in SPLIT.split(visible):
        word = raw.strip(BRACKETS)
        if any(map(str.isalnum, word)):
            yield word


def _visible(text: str) -> str:
    """Return a text without zero-width and formatting signs, as come along when one copies from a page."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(sign for sign in composed if not _is_invisible(sign)).strip()


def _is_invisible(sign: str) -> bool:
    return unicodedata.category(sign) == "Cf" or sign in FILLERS or "\u180b" <= sign <= "\u180f" or _is_variant(sign)


def _is_variant(sign: str) -> bool:
    """Return whether a sign only selects a form of the one before it, such as a coloured emoji."""
    return "\ufe00" <= sign <= "\ufe0f" or "\U000e0100" <= sign <= "\U000e01ef"


def _unlabelled(word: str) -> str:
    label = LABEL.match(word)
    return word[label.end() :] if label else word


def _says_more(word: str) -> bool:
    """Return whether a word is more than a label."""
    return any(map(str.isalnum, word)) and not LABELS.fullmatch(word.rstrip(PUNCTUATION))


def _likely_in(word: str) -> Iterator[str]:
    """Yield what looks like a token in a word, without what stands around it."""
    if len(word) < LIKELY_LENGTH:  # so are nearly all, and what follows takes longer
        return
    for labelled in LABELLED_IN_ADDRESS.finditer(word):
        yield from _likely_in(unquote(labelled[1]))
    if "://" not in word and not _is_something_else(word.strip(PUNCTUATION)):
        for raw in JOINTS.split(word):
            part = raw.strip(AROUND)
            if len(part) < LIKELY_LENGTH:
                continue
            label = ANY_LABEL.match(part)
            for token in (part[label.end() :] if label else part, part):
                if _is_something_else(token):
                    break
                if LIKELY_FORM.fullmatch(token):
                    yield token
                    break


def _is_something_else(word: str) -> bool:
    """Return whether a word is known to be no token."""
    forms = (HOST, MAIL, FILE, PATH, PREFIXED_NUMBER, COMPOUND)
    return any(form.fullmatch(word) for form in forms) or _is_number(word) or _is_iban(word) or _is_ip_address(word)


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

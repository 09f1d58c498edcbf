"""What a message shows: HTML and inline buttons, within Telegram's limits."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from markupsafe import Markup, escape
from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import KeyboardButtonStyle

T = TypeVar("T")

ROOM_ABOVE = 48
"""For the name of an account above a message."""
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
POPUP_LIMIT = 200
FORMATS_KEPT = 90
"""Telegram keeps 100 pieces of formatting in a message, with the commands and links that it finds by itself."""
DATA_LIMIT = 64
"""Bytes of callback data."""
QUOTE_LIMIT = 40
"""How much of what a person typed is quoted back, if the bot does not understand it."""

PAYS, DESTROYS = KeyboardButtonStyle.SUCCESS.value, KeyboardButtonStyle.DANGER.value
"""The styles of buttons that lead to a payment, and of those that can't be taken back."""

_LEAST_WORTH = (re.compile(r"</?[bi]>"), re.compile(r"</?s>"))
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button. ``data`` is a word and what it is about, such as ``pay:4711``.

    Or the button opens ``url``, or copies the text ``copy``. ``style`` is one of Telegram's. Apps and servers that know
    none leave it out.
    """

    label: str
    data: str = ""
    url: str = ""
    copy: str = ""
    style: str = ""

    @property
    def inline(self) -> InlineKeyboardButton:
        """The button in Telegram's form."""
        copied = CopyTextButton(self.copy) if self.copy else None
        return InlineKeyboardButton(
            self.label,
            callback_data=self.data or None,
            url=self.url or None,
            copy_text=copied,
            style=self.style or None,
        )

    def of_account(self, slot: int) -> Self:
        """Return the button with an account of the chat in its data: ``show@1:4711``."""
        word, colon, rest = self.data.partition(":")
        return replace(self, data=f"{word}@{slot}{colon}{rest}")

    @classmethod
    def read(cls, inline: InlineKeyboardButton) -> Self:
        """Return a button as it stands below a message."""
        copied = inline.copy_text.text if inline.copy_text is not None else ""
        return cls(inline.text, str(inline.callback_data or ""), inline.url or "", copied, inline.style or "")


Rows = list[list[Button]]


@dataclass(frozen=True, slots=True)
class Screen:
    """A message: HTML text, and rows of buttons below it. ``of_chat``: it is about no single account of the chat."""

    text: Markup
    rows: Sequence[Sequence[Button]] = ()
    of_chat: bool = False

    @property
    def keyboard(self) -> InlineKeyboardMarkup | None:
        """The buttons in Telegram's form."""
        rows = [[button.inline for button in row] for row in self.rows if row]
        return InlineKeyboardMarkup(rows) if rows else None


def in_rows(buttons: Sequence[Button], columns: int = 2) -> Rows:
    """Arrange buttons in rows. In more than two columns, a phone cuts all but short labels."""
    return [list(buttons[at : at + columns]) for at in range(0, len(buttons), columns)]


def box(*, ticked: bool) -> str:
    return "☑" if ticked else "☐"


def marked(label: str, *, chosen: bool) -> str:
    """Return the label of one of several choices."""
    return f"• {label} •" if chosen else label


def page_of(items: Sequence[T], number: int, size: int) -> tuple[Sequence[T], int, int]:
    """Return a page's items, its number from 0, and how many pages there are. Other numbers give the nearest page."""
    shown, number, _, pages = page_from(items, 0, number, size)
    return shown, number, pages


def page_from(items: Sequence[T], start: int, number: int, size: int) -> tuple[Sequence[T], int, int, int]:
    """Return a page as :func:`page_of` does, where page 0 begins at ``start``. Pages before it have negative numbers.

    The third value is how many those are. The first of them is short if they don't all fill up.
    """
    before = -(-start // size)
    pages = max(1, before - (start - len(items)) // size)
    number = min(max(number, -before), pages - before - 1)
    at = start + number * size
    return items[max(at, 0) : at + size], number, before, pages


def page_rows(number: int, pages: int, data: Callable[[int], str]) -> Rows:
    """Return a row that turns pages, or none for a single page. At an end, it leads one way only.

    ``data`` is the callback data of a page.
    """
    if pages == 1:
        return []
    before = [Button("◀", data(number - 1))] if number > 0 else []
    after = [Button("▶", data(number + 1))] if number < pages - 1 else []
    return [[*before, Button(f"{number + 1} / {pages}", data(number)), *after]]


def length(text: str) -> int:
    """Return the length of HTML as Telegram counts it: in UTF-16 code units, without tags and entities."""
    return len(html.unescape(_TAG.sub("", text)).encode("utf-16-le")) // 2


def cut(text: str, limit: int) -> str:
    """Cut plain text to at most ``limit`` UTF-16 code units. A cut text ends in ``…``."""
    units = text.encode("utf-16-le")
    if len(units) <= limit * 2:
        return text
    return units[: (limit - 1) * 2].decode("utf-16-le", "ignore").rstrip() + "…"


def one_line(text: str, limit: int) -> str:
    """Put text on one line and cut it to ``limit`` UTF-16 code units."""
    return cut(" ".join(text.split()), limit)


def join(lines: Iterable[str]) -> Markup:
    """Join lines of HTML. A line that is plain text is escaped."""
    return Markup("\n".join(line if isinstance(line, Markup) else escape(line) for line in lines))  # noqa: S704  # it is


def formatted_at_most(text: Markup) -> Markup:
    """Return the text with no more formatting than Telegram keeps. It would drop the last, be that to hide something.

    Bold and italic parts go first, then lines through words.
    """
    for tags in _LEAST_WORTH:
        if len(_TAG.findall(text)) / 2 > FORMATS_KEPT:
            text = Markup(tags.sub("", text))  # noqa: S704  # only tags go
    return text


def fit(head: Sequence[Markup], body: Sequence[Markup], tail: Sequence[Markup], more: Markup) -> Markup:
    """Join all lines if they fit into a message. Otherwise keep as much of ``body`` as fits, followed by ``more``."""
    room = TEXT_LIMIT - ROOM_ABOVE - length(join([*head, *tail])) - 2
    if length(join(body)) <= room:
        return join([*head, *body, *tail])
    room -= length(more) + 1
    kept = []
    for line in body:
        room -= length(line) + 1
        if room < 0:
            break
        kept.append(line)
    return join([*head, *kept, more, *tail])

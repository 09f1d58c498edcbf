"""Which of a chat's accounts a message and its buttons are about.

Views and handlers know one account. Here its name is put above each message, where the chat has several, and its slot
into the callback data of each button: ``show@1:4711``. Below a message of the first account there is no slot.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bot.chat.screens import Button, Screen, join
from bot.chat.site_button import with_site
from bot.chat.texts import Texts

_SLOT = re.compile(r"^(\w+)@(\d)(?=:|$)", re.ASCII)


def finished(t: Texts, screen: Screen) -> Screen:
    """Return the screen as it is sent: with the account that it is about, and with a button to the website."""
    screen = with_site(t, screen)
    if screen.of_chat:
        return screen
    rows = [[at_slot(button, t.slot) for button in row] for row in screen.rows]
    text = join([t("account.above", name=t.account), screen.text]) if t.account and screen.text else screen.text
    return replace(screen, text=text, rows=rows)


def at_slot(button: Button, slot: int) -> Button:
    """Return the button with its account in its data. One that names an account, or has no data, stays as it is."""
    if not button.data or slot == 0 or _SLOT.match(button.data):
        return button
    return button.of_account(slot)


def without_slot(data: str) -> str:
    """Return callback data as handlers know them."""
    return _SLOT.sub(r"\1", data)


def slot_in(data: str) -> int | None:
    """Return the account that callback data name. None: they name none."""
    found = _SLOT.match(data)
    return int(found[2]) if found is not None else None

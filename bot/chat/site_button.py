"""The button to the provider's website, below every message that sends its reader there."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.screens import Button, Screen
from bot.chat.texts import Texts


def with_site(t: Texts, screen: Screen) -> Screen:
    """Return the screen, with a button to the provider's website if its text speaks of that and its address is set.

    The text decides, so that no view has to think of it. Telegram knows no such button in a pop-up.
    """
    has_it = any(button.url == t.site for row in screen.rows for button in row)
    if not t.site or has_it or t.plain("site.phrase") not in screen.text:
        return screen
    return replace(screen, rows=[*screen.rows, [Button(t.plain("button.site"), url=t.site)]])

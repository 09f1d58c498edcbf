"""The buttons that put reminders off, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.chat.screens import Button
from bot.chat.texts import Texts
from bot.domain.chats import Silence

ALL = "all"
"""In callback data: all open invoices of the message."""

Rows = list[list[Button]]


def silence_rows(t: Texts, about: str, silence: Silence, now: datetime) -> Rows:
    """To put reminders off; or until when they are, with a way to lift that. ``about`` is an id, or :data:`ALL`."""
    if not silence.holds(now):
        snooze, mute = (
            Button(t.plain("button.snooze"), f"snooze:{about}"),
            Button(t.plain("button.mute"), f"mute:{about}"),
        )
        return [[snooze]] if about == ALL else [[snooze, mute]]
    if silence.muted or silence.until is None:
        label = t.plain("button.muted")
    else:
        label = t.plain("button.snoozed", moment=t.moment(silence.until))
    return [[Button(label, f"snooze:{about}")], [Button(t.plain("button.wake"), f"wake:{about}")]]


def common_silence(silences: Mapping[int, Silence], invoice_ids: Sequence[int], now: datetime) -> Silence:
    """The silence that holds for all of these invoices: the one that ends first; or none."""
    held = [silences.get(number, Silence()) for number in invoice_ids]
    if not held or not all(silence.holds(now) for silence in held):
        return Silence()
    ends = [silence.until for silence in held if silence.until is not None and not silence.muted]
    return Silence(until=min(ends)) if ends else Silence(muted=True)

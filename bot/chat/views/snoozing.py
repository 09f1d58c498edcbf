"""The buttons that put reminders off, and the answers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from markupsafe import Markup

from bot.chat.screens import Button, Rows, in_rows
from bot.chat.texts import Texts
from bot.domain.chats import NO_SILENCE, Silence, Until

ALL_IN_MESSAGE = "all"
"""In callback data: all open invoices of the message."""

BACK = "back"
WORDS = frozenset({"snooze", "mute", "wake"})


def silence_rows(t: Texts, about: str, silence: Silence, now: datetime) -> Rows:
    """Return the buttons to snooze or mute, or to end that. ``about`` is an invoice's id or :data:`ALL_IN_MESSAGE`."""
    if not silence.holds(now):
        snooze = Button(t.plain("button.snooze"), f"snooze:{about}")
        return [[snooze]] if about == ALL_IN_MESSAGE else [[snooze, Button(t.plain("button.mute"), f"mute:{about}")]]
    if silence.muted or silence.until is None:
        label = t.plain("button.muted")
    else:
        label = t.plain("button.snoozed", moment=t.moment(silence.until))
    return [[Button(label, f"snooze:{about}")], [Button(t.plain("button.wake"), f"wake:{about}")]]


def choice_rows(t: Texts, about: str, choices: Mapping[Until, datetime]) -> Rows:
    """Return a button for each time until which reminders can be put off."""
    buttons = [
        Button(
            t.plain(f"snooze.{until.name.lower()}", moment=t.moment(at), day=t.day(t.date_of(at))),
            f"snooze:{about}:{until}",
        )
        for until, at in choices.items()
    ]
    back = Button(t.plain("button.step_back"), f"snooze:{about}:{BACK}")
    return [*in_rows(buttons), [back]]


def swapped(rows: Sequence[Sequence[Button]], new: Rows) -> Rows:
    """Return a message's buttons with ``new`` ones in place of those that put reminders off."""
    others = [list(row) for row in rows if not _silences(row)]
    at = next((at for at, row in enumerate(rows) if _silences(row)), len(rows))
    return [*others[:at], *new, *others[at:]]


def common_silence(silences: Mapping[int, Silence], invoice_ids: Sequence[int], now: datetime) -> Silence:
    """Return the silence that holds for all of these invoices: the one that ends first, or none."""
    held = [silences.get(number, NO_SILENCE) for number in invoice_ids]
    if not held or not all(silence.holds(now) for silence in held):
        return NO_SILENCE
    ends = [silence.until for silence in held if silence.until is not None and not silence.muted]
    return Silence(until=min(ends)) if ends else Silence(muted=True)


def meaning_of(t: Texts, silence: Silence) -> Markup:
    """Return what a choice means."""
    if silence.muted:
        return t("snooze.muted")
    return t("snooze.woken") if silence.until is None else t("snooze.done", moment=t.moment(silence.until))


def _silences(row: Sequence[Button]) -> bool:
    return any(button.data.partition(":")[0] in WORDS for button in row)

"""The calendar: what its entries say, and the message that comes with its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup

from bot.chat.screens import DESTROYS, Button, Rows, Screen, join, one_line
from bot.chat.texts import Texts
from bot.domain.calendar_days import CalendarDay
from bot.domain.due_calendar import DayKey, DayKind, DueCalendar, Entry
from bot.ports import CalendarEvent

TITLE_LENGTH = 120

MARKS: Mapping[DayKind, str] = {
    DayKind.TRANSFER: "🏦", DayKind.DUE: "🧾", DayKind.SUSPENDED: "⛔", DayKind.DELETED: "🗑",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DayWords:
    """What an entry says. Calendar programs show the description only once it is opened."""

    summary: str
    description: str


def said(t: Texts, day: CalendarDay, *, with_sums: bool) -> DayWords:
    """Return what to say of a day."""
    invoice = day.invoice
    title = one_line(t.titled(invoice.title, invoice.service), TITLE_LENGTH)
    amount = invoice.total if invoice.left is None else invoice.left
    lines = [title, t.plain("calendar.to_pay", amount=t.money(amount)) if with_sums else ""]
    return DayWords(_summary(t, day.kind, invoice.id, lost=day.lost), "\n".join(filter(None, lines)))


def _summary(t: Texts, kind: DayKind, invoice_id: int, *, lost: bool = False) -> str:
    key = "calendar.day.lost" if lost and kind is DayKind.SUSPENDED else f"calendar.day.{kind}"
    return f"{MARKS[kind]} {t.plain(key, id=invoice_id)}"


def alarms(kind: DayKind, hour: int) -> tuple[timedelta, ...]:
    """Return when an entry rings, from its day's beginning: at the reminder hour, and before a loss a day earlier."""
    on_the_day = timedelta(hours=hour)
    return (on_the_day,) if kind is DayKind.TRANSFER else (on_the_day - timedelta(days=1), on_the_day)


def events(
    t: Texts, calendar: DueCalendar, words: Mapping[DayKey, DayWords], hour: int, page: str, *, filed: bool
) -> list[CalendarEvent]:
    """Return the calendar's entries. A file that is ``filed`` also says which of an earlier one are no more.

    ``page`` is an address, up to the invoice's number, under which the bot shows that.
    """
    shown = (entry for entry in calendar.entries if filed or not entry.cancelled)
    return [_event(t, calendar, entry, words.get(entry.key), hour, page) for entry in shown]


def _event(
    t: Texts, calendar: DueCalendar, entry: Entry, words: DayWords | None, hour: int, page: str
) -> CalendarEvent:
    return CalendarEvent(
        uid=calendar.uid(entry),
        day=entry.day,
        summary=words.summary if words else _summary(t, entry.kind, entry.invoice_id),
        sequence=entry.sequence,
        changed_at=entry.changed_at,
        description=words.description if words else "",
        alarms=alarms(entry.kind, hour),
        cancelled=entry.cancelled,
        url=f"{page}{entry.invoice_id}",
    )


def name(t: Texts) -> str:
    """Return what the calendar is called, also where several accounts have one."""
    return " · ".join(filter(None, (t.plain("calendar.name"), t.account)))


def file_name(t: Texts) -> str:
    return t.plain("calendar.file")


def caption(t: Texts, days: Sequence[CalendarDay], calendar: DueCalendar, *, subscribable: bool) -> Screen:
    """Explain the file, and offer the subscription where there is one."""
    count = len({day.invoice.id for day in days})
    lines = [t.count("calendar.holds", count) if count else t("calendar.empty"), t("calendar.import")]
    lines += [t("calendar.subscribed" if calendar.address_hash else "calendar.subscribable")] if subscribable else []
    return Screen(join([lines[0], Markup(""), *lines[1:]]), _rows(t, calendar, subscribable=subscribable))


def _rows(t: Texts, calendar: DueCalendar, *, subscribable: bool) -> Rows:
    switch, label = ("off", "button.calendar.hide") if calendar.with_sums else ("on", "button.calendar.show")
    rows = [[Button(t.plain(label), f"calendar:sums:{switch}")]]
    if subscribable and not calendar.address_hash:
        rows.insert(0, [Button(t.plain("button.calendar.subscribe"), "calendar:new")])
    elif subscribable:
        rows.insert(0, [Button(t.plain("button.calendar.new"), "calendar:new")])
        rows.append([Button(t.plain("button.calendar.end"), "calendar:end", style=DESTROYS)])
    return rows


def address(t: Texts, url: str, *, replaced: bool) -> Screen:
    """Show a new address: it is shown this once."""
    lines = [t("calendar.address"), Markup(""), Markup("<code>{}</code>").format(url), Markup("")]
    lines += [t("calendar.address_how"), t("calendar.address_secret")]
    lines += [t("calendar.address_replaced")] if replaced else []
    return Screen(join(lines), [[Button(t.plain("button.calendar.copy"), copy=url)]])


def sums(t: Texts, *, on: bool) -> Screen:
    """Say that sums are shown from now on, or not."""
    return Screen(t("calendar.sums_on" if on else "calendar.sums_off"))


def ended(t: Texts) -> Screen:
    """Say that the address opens nothing any more."""
    return Screen(t("calendar.ended"))

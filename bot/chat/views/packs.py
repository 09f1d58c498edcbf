"""Packs: the choice of a period, the progress, what stands below a file, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import Button, Rows, Screen, box, in_rows, join, marked
from bot.chat.texts import Texts, account_label
from bot.domain.chats import Chat
from bot.domain.ledger import ZERO, Total
from bot.domain.packs.choices import PackChoice, offered
from bot.domain.packs.pack import Pack
from bot.domain.queries import ItemKind
from bot.domain.search.periods import Span, months
from bot.domain.standings import Standing
from bot.errors import MessengerError
from bot.ports import PackEnd, PackFile

NUMBERS_SHOWN = 20
VOID = frozenset({Standing.CANCELLED, Standing.REFUNDED})
"""What nobody pays for. It is in the table as well, so its part of the sum is said."""
TYPES = (ItemKind.ANY, ItemKind.HOSTING, ItemKind.DOMAIN)


def menu(t: Texts, choice: PackChoice, today: date, accounts: Sequence[Chat], *, private: bool) -> Screen:
    """Ask for the period. Type, form and account can be changed before."""
    periods = [_period_button(t, replace(choice, period=span), name, span) for name, span in offered(today)]
    everything = Button(t.plain("packs.everything"), f"pack:{replace(choice, period=None)}")
    other = [Button(t.plain("packs.other"), f"packperiod:{replace(choice, period=None)}")] if private else []
    of_accounts = [
        Button(marked(account_label(t, chat), chosen=chat.slot == t.slot), f"archive:{choice}").of_account(chat.slot)
        for chat in accounts
        if len(accounts) > 1
    ]
    kinds = [
        Button(
            marked(t.plain(f"packs.kind.{kind}"), chosen=kind is choice.kind), f"archive:{replace(choice, kind=kind)}"
        )
        for kind in TYPES
    ]
    flipped = replace(choice, table_only=not choice.table_only)
    form = Button(f"{box(ticked=choice.table_only)} {t.plain('packs.table_only')}", f"archive:{flipped}")
    rows = [*in_rows([*periods, *other, everything]), *in_rows(of_accounts), kinds, [form]]
    return Screen(t("packs.ask_table" if choice.table_only else "packs.ask"), rows)


def _period_button(t: Texts, choice: PackChoice, name: str, span: Span) -> Button:
    label = period_name(t, span)
    return Button(t.plain("packs.so_far", period=label) if name.startswith("this") else label, f"pack:{choice}")


def ask_for_period(t: Texts) -> Screen:
    """Ask for a period to be typed."""
    return Screen(t("packs.type_period"))


def progress(t: Texts, pack: Pack, at: int = 0, of: int = 0) -> Screen:
    """Return how far a pack has come, with a button that cancels it."""
    name = choice_name(t, pack.choice)
    text = t("packs.progress", name=name, at=at, n=of) if of else t("packs.begins", name=name)
    return Screen(text, _cancel(t, pack))


def caption(t: Texts, pack: Pack, file: PackFile) -> Screen:
    """Return what stands below a part, or a table."""
    name = choice_name(t, pack.choice)
    if not file.is_only and file.part is not None:
        name = t.plain("packs.part", name=name, n=file.part)
    facts = {"name": name, "sum": t.money(_gross(file.totals))}
    count = len(file.invoices)
    lines = [t.count("packs.table", count, **facts) if file.part is None else t.count("packs.caption", count, **facts)]
    if void := _gross([total for total in file.totals if total.standing in VOID]):
        lines.append(t("packs.void", sum=t.money(void)))
    if file.part is None:
        return Screen(join(lines))
    days = [one.issued for one in file.invoices if one.issued is not None]
    if not file.is_only and days:
        lines.append(Markup.escape(_from_to(t.month(min(days)), t.month(max(days)))))
    if file.missing:
        lines.append(t("packs.missing", ids=_numbers(t, [each.number for each in file.missing])))
    return Screen(join(lines))


def _gross(totals: Iterable[Total]) -> Decimal:
    return sum((total.figures.gross or ZERO for total in totals), start=ZERO)


def ended(t: Texts, pack: Pack, end: PackEnd) -> Screen:
    """Return what becomes of the progress at the end, and what is said of a pack of which there is nothing."""
    name = choice_name(t, pack.choice)
    if end.why is None and not end.count and not pack.stopped:
        return Screen(t("packs.empty", name=name))
    if pack.stopped and not pack.packed:
        return Screen(t("packs.none_came", name=name))
    if pack.choice.table_only and not pack.stopped:
        has_come = pack.tables > len(pack.refused)
        return Screen(t("packs.table_done" if has_come else "packs.table_missing", name=name))
    if pack.stopped:
        return Screen(t("packs.stopped", name=name, came=len(pack.packed), n=end.count))
    came, n = len(pack.packed), max(end.count, len(pack.packed))
    return Screen(t("packs.done" if came == n else "packs.done_in_part", name=name, came=came, n=n))


def lacks(t: Texts, pack: Pack, end: PackEnd) -> Screen | None:
    """Return what is missing in a pack, and why. None: nothing is."""
    lines = []
    if end.why is not None and not isinstance(end.why, MessengerError):
        lines.append(t.error(end.why))
    if pack.missing:
        lines.append(t("packs.missing", ids=_numbers(t, [each.number for each in pack.missing])))
    if pack.unsure:
        lines.append(t("packs.unsure", files=t.listing(list(pack.unsure))))
    if pack.refused:
        lines.append(t("packs.refused", files=t.listing(list(pack.refused))))
    if end.lost:
        lines.append(t("packs.list_incomplete"))
    if not lines:
        return None
    again = Button(t.plain("packs.again"), f"pack:{pack.choice}")
    return Screen(join([t("packs.lacks", name=choice_name(t, pack.choice)), *lines]), [[again]])


def choice_name(t: Texts, choice: PackChoice) -> str:
    """Write a choice: ``Q3 2026, domains``."""
    period = period_name(t, choice.period) if choice.period is not None else t.plain("packs.everything")
    return period if choice.kind is ItemKind.ANY else f"{period}, {t.plain(f'packs.kind.{choice.kind}')}"


def period_name(t: Texts, period: Span) -> str:
    """Write a period as people name it: ``October 2026``, ``Q3 2026``, ``2025``, or its first and last day."""
    first, last = period.first, period.last
    whole = months(first.year, first.month, first.month).first == first and _ends_month(last)
    if not whole:
        return t.day(first) if first == last else _from_to(t.day(first), t.day(last))
    if (first.month, last.month) == (1, 12):
        return str(first.year) if first.year == last.year else _from_to(str(first.year), str(last.year))
    if first.year == last.year and first.month % 3 == 1 and last.month == first.month + 2:
        return t.plain("packs.quarter", n=first.month // 3 + 1, year=first.year)
    return t.month(first) if _is_month(period) else _from_to(t.month(first), t.month(last))


def file_name(t: Texts, choice: PackChoice, part: int | None) -> str:
    """Return the name of a ZIP: ``Invoices 2026-10``, ``Invoices 2026-Q3 Domains part 2``."""
    words = [t.plain("packs.file"), t.account, period_mark(choice.period)]
    if choice.kind is not ItemKind.ANY:
        words.append(t.plain(f"packs.kind.{choice.kind}"))
    if part is not None:
        words.append(t.plain("packs.file_part", n=part))
    return " ".join(filter(None, words))


def period_mark(period: Span | None) -> str:
    """Return a period as it stands in file names, which are sorted: ``2026-10``, ``2026-Q3``, ``2025``."""
    if period is None:
        return ""
    first, last = period.first, period.last
    if first.day != 1 or not _ends_month(last):
        return f"{first.isoformat()} - {last.isoformat()}"
    if (first.month, last.month) == (1, 12):
        return str(first.year) if first.year == last.year else f"{first.year} - {last.year}"
    if first.year == last.year and first.month % 3 == 1 and last.month == first.month + 2:
        return f"{first.year}-Q{first.month // 3 + 1}"
    return f"{first:%Y-%m}" if _is_month(period) else f"{first:%Y-%m} - {last:%Y-%m}"


def _is_month(period: Span) -> bool:
    return (period.first.year, period.first.month) == (period.last.year, period.last.month)


def _ends_month(day: date) -> bool:
    return months(day.year, day.month, day.month).last == day


def _from_to(first: str, last: str) -> str:
    return first if first == last else f"{first} – {last}"


def _numbers(t: Texts, numbers: Sequence[int]) -> str:
    return t.listing([str(number) for number in numbers], NUMBERS_SHOWN)


def _cancel(t: Texts, pack: Pack) -> Rows:
    return [[Button(t.plain("button.cancel"), f"packstop:{pack.id}")]]

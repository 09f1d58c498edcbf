"""The days of a calendar, the numbers of its entries, and its secret addresses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bot.domain.alerts import KnownInvoice
from bot.domain.calendar_addresses import CalendarAddress, new_address, read_address
from bot.domain.calendar_days import INVOICES_SHOWN, days_of
from bot.domain.chat_keys import ChatKey
from bot.domain.due_calendar import CANCELLED_KEPT, DayKey, DayKind, DueCalendar, Entry, revised
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.standings import Standing
from bot.store.vault import signature
from tests.chat.samples import invoice
from tests.domain.deciding import known_long_before

NOW = datetime(2026, 11, 29, 10, tzinfo=UTC)
DUE = date(2026, 12, 4)
RULES = ProviderCalendar(suspend_after=0, delete_after=6, no_grace=frozenset({"domain"}), transfer_days=2)
KEYS = st.builds(DayKey, st.integers(1, 4), st.sampled_from(DayKind))
SAYINGS = st.dictionaries(KEYS, st.tuples(st.dates(DUE, DUE + timedelta(days=3)), st.sampled_from("ab")), max_size=8)
STEPS = st.lists(st.tuples(SAYINGS, st.booleans()), max_size=12)


def known(number: int = 1, **others: Any) -> KnownInvoice:
    return known_long_before(invoice(number, **{"due": DUE, **others}))[number]


def test_the_days_are_those_that_the_settings_say() -> None:
    assert [(day.kind, day.day) for day in days_of([known()], RULES)] == [
        (DayKind.TRANSFER, date(2026, 12, 2)),
        (DayKind.DUE, DUE),
        (DayKind.SUSPENDED, DUE),
        (DayKind.DELETED, date(2026, 12, 10)),
    ]
    assert [day.kind for day in days_of([known()], ProviderCalendar())] == [DayKind.DUE]


def test_what_has_no_grace_is_lost_and_not_deleted_later() -> None:
    days = days_of([replace(known(), types=("Domain",))], RULES)
    assert [(day.kind, day.lost) for day in days if day.kind is not DayKind.TRANSFER] == [
        (DayKind.DUE, False), (DayKind.SUSPENDED, True),
    ]  # fmt: skip


def test_what_is_not_to_be_paid_has_no_days() -> None:
    one = known()
    for gone in (
        replace(one, standing=Standing.PAID), replace(one, left=one.total * 0), replace(one, due=None),
        replace(one, in_parts=True),
    ):  # fmt: skip
        assert days_of([gone], RULES) == []


def test_of_very_many_invoices_those_due_first_are_shown() -> None:
    many = [known(n, due=DUE + timedelta(days=n)) for n in range(1, INVOICES_SHOWN + 20)]
    days = days_of(reversed(many), ProviderCalendar())
    assert [day.invoice.id for day in days] == [*range(1, INVOICES_SHOWN + 1)]


@given(STEPS)
def test_numbers_rise_with_each_change_and_stay_where_nothing_changed(steps: list[tuple[Any, bool]]) -> None:
    calendar, shown = DueCalendar("root"), dict[DayKey, list[tuple[int, object]]]()
    for at, (said, filed) in enumerate(steps):
        after = revised(calendar, said, NOW + timedelta(minutes=at), filed=filed)
        assert {e.key: (e.day, e.mark) for e in after.entries if not e.cancelled} == said
        for entry in after.entries:
            number, content = entry.sequence, (entry.day, entry.mark, entry.cancelled)
            history = shown.setdefault(entry.key, [])
            if history:
                before, was = history[-1]
                assert number >= before
                assert (number == before) == (content == was) or (number > before)
                assert number > before or content == was
            history.append((number, content))
        assert revised(after, said, NOW + timedelta(days=9), filed=filed) is after
        calendar = after


@given(STEPS)
def test_only_what_a_file_held_is_cancelled_once_it_is_gone(steps: list[tuple[Any, bool]]) -> None:
    calendar, in_files = DueCalendar("root"), set[DayKey]()
    for said, filed in steps:
        calendar = revised(calendar, said, NOW, filed=filed)
        in_files |= {*said} if filed else set()
        assert {e.key for e in calendar.entries if e.cancelled} == in_files - {*said}


def test_what_was_cancelled_is_forgotten_some_time() -> None:
    calendar = DueCalendar("root")
    for number in range(CANCELLED_KEPT + 10):
        calendar = revised(calendar, {DayKey(number, DayKind.DUE): (DUE, "a")}, NOW, filed=True)
    cancelled = [e.invoice_id for e in calendar.entries if e.cancelled]
    assert cancelled == [*range(9, CANCELLED_KEPT + 9)]


def test_each_day_has_one_name_for_good() -> None:
    calendar = DueCalendar("root")
    entries = [Entry(n, kind, DUE, "a", 1, NOW) for n in (1, 11) for kind in DayKind]
    names = [calendar.uid(entry) for entry in entries]
    assert len({*names}) == len(names)
    assert names[1] == "1-due-root@invoice-bot"


# --- Addresses ---


def sign(text: str) -> str:
    return signature("secret of the store", text)


@given(st.integers(-(1 << 62), 1 << 62), st.text("abcXYZ019_", min_size=22, max_size=43))
def test_an_address_leads_back_to_its_account(key: int, random: str) -> None:
    address = new_address(ChatKey(key), random, sign)
    assert read_address(address.text, sign) == address
    assert read_address(address.text, lambda text: signature("other", text)) is None
    assert address.opens(address.hash)
    assert not address.opens("")


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_an_address_that_was_changed_anywhere_is_none(at: int, letter: str) -> None:
    text = new_address(ChatKey(-100_123), "r" * 43, sign).text
    at %= len(text)
    changed = text[:at] + letter + text[at + 1 :]
    assert (read_address(changed, sign) is None) == (changed != text)


@pytest.mark.parametrize("text", ["", "-", "1", "1-2-3", "x" * 5000, "٣-" + "r" * 43 + "-" + "0" * 32])
def test_other_texts_are_no_address(text: str) -> None:
    assert read_address(text, sign) is None


def test_only_the_newest_address_opens() -> None:
    old, new = (CalendarAddress(ChatKey(1), text) for text in ("old", "new"))
    assert [each.opens(new.hash) for each in (old, new)] == [False, True]

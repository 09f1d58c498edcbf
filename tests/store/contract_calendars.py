"""Contract of an account's calendar: what it last said, and the hash of its address."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bot.domain.chat_keys import key_of
from bot.domain.due_calendar import DayKind, DueCalendar, Entry
from bot.ports import Store
from tests.store.examples import CHAT, NOW, OTHER, Opener, knowledge, linked, new_link

ENTRIES = tuple(Entry(3, kind, date(2026, 4, 4), "mark", 2, NOW, filed=True) for kind in DayKind)
CALENDAR = DueCalendar("root", 2, ENTRIES, with_sums=True, address_hash="0" * 64)


async def with_calendar(store: Store) -> str:
    """Link a chat that has a calendar, and return the account."""
    await linked(store)
    account = store.account_of("https://provider.example/api/v1", new_link(store).token)
    assert await store.set_calendar(CHAT, account, None, CALENDAR)
    return account


async def calendar_of(store: Store, key: int = CHAT) -> DueCalendar | None:
    link = (await store.chat(key)).link
    return link.calendar if link is not None else None


class CalendarContract:
    """What is kept of a calendar, and for how long."""

    async def test_a_calendar_is_kept_as_it_was(self, opener: Opener) -> None:
        store = await opener.open()
        await with_calendar(store)
        await opener.crash()
        assert await calendar_of(await opener.open()) == CALENDAR

    async def test_of_two_changes_at_the_same_time_one_counts(self, opener: Opener) -> None:
        store = await opener.open()
        account = await with_calendar(store)
        one, other = (replace(CALENDAR, address_hash=letter) for letter in "ab")
        assert [await store.set_calendar(CHAT, account, CALENDAR, each) for each in (one, other)] == [True, False]
        assert await calendar_of(store) == one
        assert not await store.set_calendar(CHAT, "another account", one, other)
        assert not await store.set_calendar(key_of(5), account, None, other)

    async def test_it_ends_with_the_link_and_moves_with_the_chat(self, opener: Opener) -> None:
        store = await opener.open()
        await with_calendar(store)
        await store.move_chat(CHAT, OTHER)
        assert await calendar_of(store) == await calendar_of(store, OTHER) == CALENDAR
        await store.unlink(OTHER)
        await linked(store)
        assert await calendar_of(store) is None

    async def test_a_new_token_of_the_same_customer_keeps_it_and_another_person_does_not(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await store.link(new_link(store), knowledge(3))
        await store.set_calendar(CHAT, new_link(store).account, None, CALENDAR)
        await store.link(new_link(store, token="token-two"), knowledge(3))
        assert await calendar_of(store) == CALENDAR
        await store.link(new_link(store, token="token-three", linked_by=8), knowledge(3))
        assert await calendar_of(store) is None

    async def test_a_signature_is_the_stores_own_and_outlives_it(self, opener: Opener) -> None:
        store = await opener.open()
        before = [store.sign(text) for text in ("a", "b")]
        assert len({*before}) == 2
        await opener.crash()
        store = await opener.open()
        assert [store.sign(text) for text in ("a", "b")] == before

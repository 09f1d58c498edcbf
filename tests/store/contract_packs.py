"""Contract of packs: orders are kept once, one process holds each, and no kill loses or doubles a monthly one."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.domain.chat_keys import key_of
from bot.domain.chats import Preferences, Token
from bot.domain.packs.choices import PackChoice, Rhythm
from bot.domain.packs.pack import LONGEST_PACK_WAIT, PACK_LEASE, PACKS_AT_MOST, Pack, Sending
from bot.domain.schedule import CheckPlan
from bot.domain.search.periods import Span
from bot.ports import Store
from bot.services.checks import Checker
from bot.services.packs import PackSender
from bot.services.workers import Workers
from tests.fakes import FakeProvider, SettableClock, invoice
from tests.kills import KillSwitch
from tests.packs import BERLIN, FakePackMessenger, tools
from tests.store.examples import CHAT, MINUTE, NOW, Opener, known_invoice, linked, new_link

KEY = key_of(CHAT)
LIMIT = 10
OCTOBER = Span(date(2026, 10, 1), date(2026, 10, 31))
JUST_BEFORE = datetime(2026, 11, 3, 7, 59, 59, tzinfo=UTC)
"""The reminder hour of the third of November is at eight, in UTC."""
MONTHLY = Preferences(packs=Rhythm.MONTH, pack_day=3, packs_since=datetime(2026, 10, 20, tzinfo=UTC))


def pack(name: str = "p", user_id: int = 7, **changes: Any) -> Pack:
    return replace(Pack(name, PackChoice(OCTOBER), NOW, user_id=user_id), **changes)


async def ordered(store: Store, *packs: Pack) -> str:
    """Link the chat, and order packs. Return the account."""
    link = new_link(store)
    await store.link(link, {})
    for each in packs:
        assert await store.add_pack(KEY, link.account, each)
    return link.account


class PackContract:
    """Packs are kept with the link of their account."""

    async def test_an_order_is_kept_once_and_survives_a_crash(self, opener: Opener) -> None:
        store = await opener.open()
        account = await ordered(store, pack())
        assert await store.add_pack(KEY, account, pack(topic_id=5))
        await opener.crash()
        store = await opener.open()
        link = (await store.chat(KEY)).link
        assert link is not None
        assert link.packs == (pack(),)
        assert not await store.add_pack(KEY, "f" * 64, pack("q"))

    async def test_somebody_can_order_so_many_and_those_by_themselves_come_beside(self, opener: Opener) -> None:
        store = await opener.open()
        account = await ordered(store, *(pack(f"p{n}") for n in range(PACKS_AT_MOST)))
        assert not await store.add_pack(KEY, account, pack("more"))
        assert await store.add_pack(KEY, account, pack("by itself", user_id=0))

    async def test_one_process_holds_a_pack_until_its_lease_ends(self, opener: Opener) -> None:
        store = await opener.open()
        await ordered(store, pack())
        [claim] = await store.claim_packs(NOW, LIMIT, PACK_LEASE)
        assert (claim.chat.id, claim.pack.id) == (CHAT, "p")
        assert await store.claim_packs(NOW + PACK_LEASE / 2, LIMIT, PACK_LEASE) == []
        [later] = await store.claim_packs(NOW + PACK_LEASE, LIMIT, PACK_LEASE)
        assert later.pack.fencing_token > claim.pack.fencing_token
        assert await store.save_pack(KEY, replace(claim.pack, parts=9)) is None
        assert not await store.end_pack(KEY, claim.pack)
        saved = await store.save_pack(KEY, replace(later.pack, parts=1))
        assert saved is not None
        assert saved.parts == 1
        assert await store.end_pack(KEY, saved)
        assert await store.claim_packs(NOW + timedelta(days=1), LIMIT, PACK_LEASE) == []

    async def test_what_was_being_sent_by_a_dead_process_is_not_sent_again(self, opener: Opener) -> None:
        store = await opener.open()
        await ordered(store, pack())
        [claim] = await store.claim_packs(NOW, LIMIT, PACK_LEASE)
        await store.save_pack(KEY, replace(claim.pack, sending=Sending("a.zip", (1, 2))))
        await opener.crash()
        store = await opener.open()
        [taken] = await store.claim_packs(NOW + PACK_LEASE, LIMIT, PACK_LEASE)
        assert (taken.pack.sending, taken.pack.packed, taken.pack.unsure) == (None, (1, 2), ("a.zip",))

    async def test_a_pack_given_back_rests_and_one_that_is_cancelled_does_not(self, opener: Opener) -> None:
        store = await opener.open()
        await ordered(store, pack())
        [claim] = await store.claim_packs(NOW, LIMIT, PACK_LEASE)
        await store.save_pack(KEY, claim.pack.later(NOW))
        assert await store.claim_packs(NOW + MINUTE / 2, LIMIT, PACK_LEASE) == []
        assert await store.stop_pack(KEY, "p")
        [stopped] = await store.claim_packs(NOW + MINUTE / 2, LIMIT, PACK_LEASE)
        assert stopped.pack.stopped
        saved = await store.save_pack(KEY, replace(stopped.pack, stopped=False))
        assert saved is not None
        assert saved.stopped
        assert not await store.stop_pack(KEY, "another")

    async def test_a_wait_that_a_wrong_clock_has_set_is_over(self, opener: Opener) -> None:
        store = await opener.open()
        await ordered(store, pack())
        [claim] = await store.claim_packs(NOW, LIMIT, PACK_LEASE)
        ahead = NOW + timedelta(days=400)
        await store.save_pack(KEY, replace(claim.pack, leased_until=ahead, not_before=ahead))
        assert len(await store.claim_packs(NOW, LIMIT, PACK_LEASE)) == 1
        [again] = await store.claim_packs(ahead, LIMIT, PACK_LEASE)
        await store.save_pack(KEY, replace(again.pack, leased_until=None, not_before=NOW + LONGEST_PACK_WAIT))
        assert await store.claim_packs(NOW, LIMIT, PACK_LEASE) == []

    async def test_packs_rest_with_the_chat_move_with_it_and_go_with_the_link(self, opener: Opener) -> None:
        store = await opener.open()
        await ordered(store, pack())
        await store.rest(CHAT, "blocked")
        assert await store.claim_packs(NOW, LIMIT, PACK_LEASE) == []
        await store.wake(CHAT, NOW)
        [claim] = await store.claim_packs(NOW, LIMIT, PACK_LEASE)
        await store.move_chat(CHAT, -1009)
        assert await store.save_pack(KEY, claim.pack) is not None
        [moved] = await store.claim_packs(NOW + PACK_LEASE, LIMIT, PACK_LEASE)
        assert moved.chat.id == -1009
        await store.unlink(-1009)
        assert await store.save_pack(moved.chat.key, moved.pack) is None
        assert await store.claim_packs(NOW + timedelta(days=1), LIMIT, PACK_LEASE) == []

    async def test_a_pack_that_waits_outlives_a_new_token_only_with_the_same_invoices(self, opener: Opener) -> None:
        """A token that has expired is what makes packs wait. Nobody would order the monthly one again."""
        store = await opener.open()
        link = await linked(store)
        waiting = pack(user_id=0, tries=4, not_before=NOW + timedelta(hours=6))
        assert await store.add_pack(KEY, link.account, waiting)
        for token, known, packs in (
            ("secret-token-2", {1: known_invoice(1)}, (replace(waiting, not_before=None),)),
            ("secret-token-3", {}, ()),
        ):
            await store.link(new_link(store, token=token), known)
            stored = (await store.chat(KEY)).link
            assert stored is not None
            assert stored.packs == packs

    @pytest.mark.timeout(240)
    async def test_a_kill_at_any_step_neither_loses_nor_doubles_a_monthly_pack(self, opener: Opener) -> None:
        """The process dies before or after each call of a port, from the check that orders the pack to its end."""
        provider, messenger, clock = FakeProvider(), FakePackMessenger(), SettableClock(JUST_BEFORE)
        for at in itertools.count(1):
            clock.now = JUST_BEFORE
            store, switch = await opener.open(), KillSwitch(at)
            token = Token(f"token-of-chat-{at:06}")
            provider.account(token.reveal()).put(
                *(replace(invoice(n, is_open=False), issued=date(2026, 10, n)) for n in (1, 2, 3)),
                replace(invoice(4, is_open=False), issued=date(2026, 11, 1)),
            )
            link = new_link(store, at, token.reveal(), linked_at=JUST_BEFORE - timedelta(days=10))
            await store.link(replace(link, next_check_at=JUST_BEFORE), {})
            await store.set_preferences(at, MONTHLY, JUST_BEFORE)
            clock.move(timedelta(seconds=1))
            await live(store, provider, messenger, clock, switch)
            await opener.crash()
            store = await opener.open()
            for _ in range(4):
                clock.move(PACK_LEASE + timedelta(minutes=15))
                await live(store, provider, messenger, clock, KillSwitch(0))
            link_now = (await store.chat(key_of(at))).link
            assert link_now is not None
            assert (link_now.packs, link_now.watch.packs_told) == ((), (OCTOBER.last,))
            came = [each.name for each in messenger.sent if each.chat_id == at]
            told = [each for each in messenger.told if each.chat_id == at]
            unsure = told[-1].pack.unsure
            assert len(came) == len(set(came)), came
            assert {*came, *unsure} == {"Invoices 2026-10.zip", "Invoices 2026-10.xlsx"}
            assert all(each.again for each in told[1:])
            for each in messenger.zips(at):
                assert len([name for name in each.content if name.endswith(".pdf")]) == 3
            await store.unlink(at)
            await opener.crash()
            if not switch.triggered:
                assert (at > 25, unsure, len(came), len(told)) == (True, (), 2, 1)
                return


async def live(
    store: Store, provider: FakeProvider, messenger: FakePackMessenger, clock: SettableClock, switch: KillSwitch
) -> None:
    """Let the bot check, and send packs, until it is killed or has nothing left to do."""
    workers, plan = Workers(5), CheckPlan(timedelta(minutes=15), BERLIN)
    port: Any = switch.wrap(store)
    made_with = tools(switch.wrap(provider), port, switch.wrap(messenger), clock)
    checker = Checker(port, switch.wrap(provider), clock, plan, workers)
    sender = PackSender(port, port, made_with, plan, workers)
    for tick in (checker.tick, sender.tick, sender.tick):
        await asyncio.gather(tick(), return_exceptions=True)
        await workers.finish()

"""Contract of stored times after a clock was wrong: whatever it has written, all goes on once it is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.chats import Silence
from bot.domain.waits import CLOCKS_AGREE_WITHIN
from bot.ports import Check, Checked
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    SECOND,
    Opener,
    checked,
    claim_alert,
    claim_check,
    find,
    linked,
    new_alert,
    new_link,
    with_alerts,
)

DAY = timedelta(days=1)
STEPS = [2 * MINUTE, 2 * HOUR, 40 * DAY, 3660 * DAY]
"""How far the clock was ahead."""

steps = pytest.mark.parametrize("step", STEPS, ids=["minutes", "hours", "days", "years"])
restarts = pytest.mark.parametrize("restart", [False, True], ids=["live", "restarted"])


class ClockContract:
    """Each test lets a clock that is ahead write something. Then it is right, in the same process or the next one."""

    @steps
    @restarts
    async def test_a_check_that_was_planned_ahead_is_due(
        self,
        opener: Opener,
        step: timedelta,
        restart: bool,  # a parameter of pytest
    ) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store, NOW + step)
        assert await store.postpone_check(check.claim, NOW + step + 15 * MINUTE)
        if restart:
            await opener.crash()
            store = await opener.open()
        assert (await claim_check(store, NOW + MINUTE)).chat.id == CHAT

    @steps
    @restarts
    async def test_a_retry_and_a_hold_that_were_set_ahead_are_over(
        self,
        opener: Opener,
        step: timedelta,
        restart: bool,  # a parameter of pytest
    ) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        for wait in ("retry", "hold"):
            claim, _ = await claim_alert(store, NOW + step)
            if wait == "retry":
                assert await store.alerts_failed(claim, NOW + step + HOUR, uncertain=False, counts=False)
            else:
                assert await store.hold_alerts(claim, NOW + step + 10 * HOUR)
            if restart:
                await opener.crash()
                store = await opener.open()
            claim, _ = await claim_alert(store, NOW + MINUTE)
            assert await store.alerts_failed(claim, NOW + MINUTE, uncertain=False, counts=False)

    async def test_no_wait_is_longer_than_its_longest_length_whenever_it_was_set(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await store.link(new_link(store, next_check_at=NOW + 400 * DAY), {})
        check = await claim_check(store, NOW)
        assert await store.finish_check(check.claim, checked_later(check, 400 * DAY))
        check = await claim_check(store, NOW + MINUTE)
        link = new_link(store)
        alert = new_alert(link, 1, "a")
        assert await store.finish_check(check.claim, replace(checked_later(check, HOUR), alerts=[alert]))
        claim, _ = await claim_alert(store)
        assert await store.alerts_failed(claim, NOW + 400 * DAY, uncertain=False, counts=False)
        await claim_alert(store)

    async def test_a_clock_that_goes_on_is_believed(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        claim, _ = await claim_alert(store)
        assert await store.alerts_failed(claim, NOW + DAY, uncertain=False, counts=False)
        assert await store.claim_alerts(NOW + MINUTE - CLOCKS_AGREE_WITHIN, 10, LEASE) == []
        assert await store.claim_alerts(NOW + DAY - SECOND, 10, LEASE) == []
        assert await store.claim_checks(NOW + 10 * MINUTE, 10, LEASE) == []

    async def test_work_that_was_claimed_before_the_clock_was_put_back_is_reported_as_usual(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        check = await claim_check(store, NOW + DAY)
        message, _ = await claim_alert(store, NOW + DAY)
        assert await store.claim_checks(NOW, 10, LEASE) == []
        assert await store.claim_alerts(NOW, 10, LEASE) == []
        assert await store.postpone_check(check.claim, NOW + MINUTE)
        assert await store.alerts_sent(message, None, ())
        assert (await claim_check(store, NOW + MINUTE)).chat.id == CHAT

    @steps
    async def test_a_snooze_that_was_pressed_ahead_is_void_and_goes_with_the_next_check(
        self, opener: Opener, step: timedelta
    ) -> None:
        store = await opener.open()
        link = await linked(store)
        wishes = {1: Silence(NOW + step + HOUR), 2: Silence(muted=True)}
        await store.silence(CHAT, link.account, wishes, NOW + step)
        silences = (await store.chat(CHAT)).silences
        assert not silences[1].holds(NOW)
        assert silences[2].holds(NOW)
        await find(store)
        assert (await store.chat(CHAT)).silences == {2: Silence(muted=True)}

    async def test_a_snooze_until_a_far_due_date_holds(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.silence(CHAT, link.account, {1: Silence(NOW + 300 * DAY)}, NOW)
        await find(store)
        assert (await store.chat(CHAT)).silences[1].holds(NOW + 299 * DAY)

    @steps
    async def test_a_chat_that_comes_back_does_not_wait_for_a_time_that_was_set_ahead(
        self, opener: Opener, step: timedelta
    ) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        claim, _ = await claim_alert(store, NOW + step)
        assert await store.hold_alerts(claim, NOW + step + HOUR)
        await store.rest(CHAT, "blocked")
        assert await store.wake(CHAT, NOW)
        await claim_alert(store, NOW + MINUTE)

    @steps
    async def test_a_lease_by_name_lasts_no_longer_than_its_duration_from_now_on(
        self, opener: Opener, step: timedelta
    ) -> None:
        store = await opener.open()
        await store.take_lease("polling", "ahead", NOW + step, MINUTE)
        assert await store.take_lease("polling", "b", NOW, MINUTE) is None
        assert await store.take_lease("polling", "b", NOW + MINUTE - SECOND, MINUTE) is None
        assert await store.take_lease("polling", "b", NOW + MINUTE, MINUTE) is not None

    async def test_its_holder_keeps_a_lease_by_name_when_its_clock_is_put_back(self, opener: Opener) -> None:
        store = await opener.open()
        await store.take_lease("polling", "a", NOW + DAY, MINUTE)
        lease = await store.take_lease("polling", "a", NOW, MINUTE)
        assert lease is not None
        assert lease.until == NOW + MINUTE
        assert await store.take_lease("polling", "b", NOW + SECOND, MINUTE) is None

    @steps
    async def test_a_bucket_that_was_used_ahead_is_empty_and_fills_at_its_rate(
        self, opener: Opener, step: timedelta
    ) -> None:
        store = await opener.open()
        for _ in range(5):
            assert await store.take_from_bucket("chat:1", NOW + step, 1.0, 5) == 0.0
        assert await store.take_from_bucket("chat:1", NOW, 1.0, 1, 5) == pytest.approx(5)  # an alert goes last
        assert await store.take_from_bucket("chat:1", NOW, 1.0, 5) == pytest.approx(1)
        assert await store.take_from_bucket("chat:1", NOW + SECOND, 1.0, 5) == 0.0


def checked_later(check: Check, later: timedelta) -> Checked:
    return checked(check, now=NOW, next_check_at=NOW + later)

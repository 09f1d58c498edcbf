"""The queue of due keys: claims, leases and fencing tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from bot.store.tinydb.memory import LeaseQueue

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(minutes=5)


def minutes(number: float) -> datetime:
    return NOW + timedelta(minutes=number)


def claimed(queue: LeaseQueue[str], now: datetime, limit: int = 10) -> list[str]:
    return queue.claim(now, limit, now + LEASE)


def claimed_with_token(queue: LeaseQueue[str]) -> int:
    (key,) = claimed(queue, NOW, 1)
    hold = queue.held(key)
    assert hold is not None
    return hold.fencing_token


@given(st.dictionaries(st.text(), st.integers(-100, 100)), st.integers(-100, 100), st.integers(0, 20))
def test_the_longest_overdue_keys_are_claimed_first(dues: dict[str, int], now: int, limit: int) -> None:
    queue: LeaseQueue[str] = LeaseQueue()
    for key, due in dues.items():
        queue.put(key, minutes(due))
    expected = sorted((due, place, key) for place, (key, due) in enumerate(dues.items()) if due <= now)
    assert claimed(queue, minutes(now), limit) == [key for _, _, key in expected][:limit]


def test_putting_a_key_again_moves_it() -> None:
    queue: LeaseQueue[str] = LeaseQueue()
    queue.put("a", minutes(1))
    queue.put("a", minutes(3))
    assert claimed(queue, minutes(2)) == []
    queue.put("a", minutes(2))
    assert claimed(queue, minutes(2)) == ["a"]
    assert claimed(queue, minutes(3)) == []


def test_a_leased_key_is_due_when_its_lease_ends_whatever_is_put() -> None:
    queue: LeaseQueue[str] = LeaseQueue()
    queue.put("a", NOW)
    fencing_token = claimed_with_token(queue)
    queue.put("a", NOW)
    assert claimed(queue, minutes(4)) == []
    assert queue.holder(fencing_token) == "a"
    assert claimed(queue, minutes(5)) == ["a"]
    assert queue.holder(fencing_token) is None


def test_a_released_key_can_be_put_again() -> None:
    queue: LeaseQueue[str] = LeaseQueue()
    queue.put("a", NOW)
    fencing_token = claimed_with_token(queue)
    queue.hold("a", None)
    queue.put("a", minutes(1))
    assert queue.holder(fencing_token) is None
    assert claimed(queue, minutes(1)) == ["a"]


def test_a_paused_key_is_not_claimed_and_keeps_its_lease() -> None:
    queue: LeaseQueue[str] = LeaseQueue()
    queue.put("a", NOW)
    fencing_token = claimed_with_token(queue)
    queue.pause("a")
    assert claimed(queue, minutes(60)) == []
    assert queue.holder(fencing_token) == "a"


def test_a_dropped_key_is_gone_with_its_lease() -> None:
    queue: LeaseQueue[str] = LeaseQueue()
    queue.put("a", NOW)
    fencing_token = claimed_with_token(queue)
    queue.drop("a")
    assert queue.holder(fencing_token) is None
    assert claimed(queue, minutes(60)) == []
    assert not queue._tickets


def test_a_renamed_key_keeps_its_lease() -> None:
    queue: LeaseQueue[str] = LeaseQueue()
    queue.put("a", NOW)
    fencing_token = claimed_with_token(queue)
    hold = queue.held("a")
    queue.drop("a")
    queue.hold("b", hold)
    queue.put("b", NOW)
    assert queue.holder(fencing_token) == "b"
    assert claimed(queue, minutes(4)) == []
    assert claimed(queue, minutes(5)) == ["b"]


def test_stale_entries_of_often_moved_keys_do_not_pile_up() -> None:
    queue: LeaseQueue[str] = LeaseQueue()
    for number in range(10_000):
        queue.put("a", minutes(number))
    assert len(queue._heap) < 100
    assert claimed(queue, minutes(9_998)) == []
    assert claimed(queue, minutes(9_999)) == ["a"]


def test_after_the_clock_was_put_back_a_lease_lasts_its_own_length_and_other_waits_are_over() -> None:
    queue: LeaseQueue[str] = LeaseQueue()
    queue.put("leased", minutes(600))
    assert queue.claim(minutes(600), 1, minutes(605)) == ["leased"]
    queue.put("set ahead", minutes(615), minutes(600))
    queue.put("set before", minutes(8), NOW)
    assert claimed(queue, NOW) == ["set ahead"]
    assert claimed(queue, minutes(4.9)) == []
    assert claimed(queue, minutes(5)) == ["leased", "set ahead"]
    assert claimed(queue, minutes(8)) == ["set before"]


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(-200, 200), st.integers(0, 60)), min_size=1))
def test_whatever_the_clock_does_no_key_waits_longer_than_its_own_wait(steps: list[tuple[int, int, int]]) -> None:
    """Each step sets the clock, and puts a key with a wait of its own by that clock. The last one is right."""
    queue: LeaseQueue[str] = LeaseQueue()
    for key, now, wait in steps:
        queue.put(str(key), minutes(now + wait), minutes(now))
        claimed(queue, minutes(now), 1)
    right = minutes(steps[-1][1])
    moments = (right, right + LEASE, right + timedelta(minutes=60) + LEASE)
    assert {key for at in moments for key in claimed(queue, at, 100)} == {str(key) for key, _, _ in steps}

"""What is kept of a chat's last check comes back as it was, and takes little memory."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, strategies as st

from bot.domain.credit import Credit, CreditWatch
from bot.domain.unchanged import ListAnswer, Unchanged
from bot.store.rules.check_times import CheckTimes
from bot.store.tinydb.last_checks import LastCheck, LastChecks, Seen

INSTANTS = st.datetimes(timezones=st.just(UTC))
CREDITS = st.builds(
    CreditWatch,
    credit=st.none()
    | st.builds(Credit, st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from(["", "EUR"])),
    asked_at=st.none() | INSTANTS,
    denied=st.booleans(),
    read_at=st.none() | INSTANTS,
)
UNCHANGED = st.builds(
    Unchanged,
    answer=st.builds(ListAnswer, st.lists(st.binary(), max_size=3).map(tuple), st.lists(st.text()).map(tuple)),
    until=st.none() | INSTANTS,
    look=st.none() | INSTANTS,
    credit=CREDITS,
    is_owed=st.booleans(),
    rules=st.text(),
)
TIMES = st.builds(CheckTimes, INSTANTS, INSTANTS, st.none() | INSTANTS, INSTANTS, st.none() | CREDITS)
LAST_CHECKS = st.builds(LastCheck, TIMES, st.none() | st.builds(Seen, UNCHANGED, st.text(), st.text()))


@given(LAST_CHECKS, LAST_CHECKS)
def test_it_comes_back_as_it_was(one: LastCheck, other: LastCheck) -> None:
    kept = LastChecks()
    kept.put(1, one)
    kept.put(2, other)
    assert (kept.get(1), kept.get(2), kept.get(3)) == (one, other, None)
    kept.put(1, other)
    kept.forget(2)
    assert (kept.get(1), kept.get(2)) == (other, None)


@given(CREDITS)
def test_a_credit_that_both_have_is_kept_once_and_comes_back(credit: CreditWatch) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    unchanged = Unchanged(ListAnswer((b"0" * 16,)), now, None, credit, True, "rules")
    last = LastCheck(CheckTimes(now, now, now, now, credit), Seen(unchanged, "sealed", "de"))
    kept = LastChecks()
    kept.put(1, last)
    assert kept.get(1) == last


def test_a_chat_takes_less_than_half_a_kilobyte() -> None:
    count, start = 1000, datetime(2026, 6, 1, tzinfo=UTC)
    kept = LastChecks()
    tracemalloc.start()
    try:
        for number in range(count):
            now = start + number * timedelta(seconds=1.234567)
            credit = CreditWatch(Credit(Decimal("5.02"), "EUR"), now, read_at=now)
            answer = ListAnswer((number.to_bytes(16, "big"),))
            unchanged = Unchanged(
                answer, now + timedelta(hours=3), now + timedelta(days=3), credit, True, "0123456789abcdef"
            )
            times = CheckTimes(now, now + timedelta(minutes=15), now, now, credit)
            kept.put(number, LastCheck(times, Seen(unchanged, f"1.01234567.{number:0100}", "de")))
        taken = tracemalloc.get_traced_memory()[0] / count
    finally:
        tracemalloc.stop()
    assert taken < 512, taken

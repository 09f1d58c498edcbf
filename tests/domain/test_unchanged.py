"""What has not changed stays the same object, and each invoice is decided on by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, strategies as st

from bot.domain.alerts import NEWS_KINDS, KnownInvoice
from bot.domain.chats import Silence
from bot.domain.invoices import Invoice, Item
from bot.domain.knowledge import learn
from bot.domain.reminders import decide
from tests.domain.deciding import DUE, LINK, USUAL, noon

DAY = timedelta(days=1)
SUMS = st.sampled_from(["0.00", "7.95", "20.00", "-3.00"]).map(Decimal)
OPEN, PAID, ODD = ("Unpaid", True), ("Paid", False), ("Collections", False)
DUES = st.none() | st.integers(-20, 20).map(lambda days: DUE + days * DAY)
READ = st.builds(
    lambda number, stands, due, paid_at, credit, total, kind, broken: Invoice(
        id=number,
        status=stands[0],
        status_label=stands[0],
        is_open=stands[1],
        issued=date(2026, 5, 20),
        due=due,
        paid_at=paid_at,
        subtotal=total,
        tax=Decimal(0),
        tax_rate=None,
        credit=credit,
        total=total,
        items=(Item(kind, "Server", "Server", total, 17),) if kind else (),
        due_unreadable=broken,
    ),
    st.integers(1, 4),
    st.sampled_from([OPEN, OPEN, PAID, ODD]),
    DUES,
    st.none() | st.just(datetime(2026, 5, 30, tzinfo=UTC)),
    st.sampled_from(["0.00", "0.00", "5.00"]).map(Decimal),
    SUMS,
    st.sampled_from(["Hosting", "Domain", ""]),
    st.booleans(),
)
READINGS = st.lists(st.lists(READ, max_size=4, unique_by=lambda read: read.id), min_size=1, max_size=4)
SILENCES = st.dictionaries(
    st.integers(1, 4), st.builds(Silence, st.just(noon(DUE - 2 * DAY)), muted=st.booleans()), max_size=2
)


@given(st.lists(READ.map(lambda read: replace(read, id=1)), min_size=1, max_size=4))
def test_an_invoice_read_again_is_the_same_knowledge(readings: Sequence[Invoice]) -> None:
    known: KnownInvoice | None = None
    for read in readings:
        known = learn(known, read, noon(DUE))
        assert learn(known, replace(read), noon(DUE + DAY)) is known
        assert learn(replace(known, unread_since=noon(DUE)), read, noon(DUE + DAY)) == known


@given(READINGS, SILENCES, st.integers(-12, 12), st.sets(st.integers(1, 4)))
def test_each_invoice_is_decided_on_by_itself(
    readings: Sequence[Sequence[Invoice]], silences: dict[int, Silence], off: int, shown: set[int]
) -> None:
    known: dict[int, KnownInvoice] = {}
    for n, read in enumerate(readings):
        now = noon(DUE + (off + n) * DAY)
        whole = decide(known, read, link=LINK, silences=silences, shown=shown, schedule=USUAL, now=now)
        single = [
            decide(
                {number: k for number, k in known.items() if number == one},
                [each for each in read if each.id == one],
                link=LINK,
                silences=silences,
                shown=shown,
                schedule=USUAL,
                now=now,
            )
            for one in {*known, *(each.id for each in read)}
        ]
        assert {number: k for each in single for number, k in each.known.items()} == whole.known
        alone = [alert for each in single for alert in each.alerts]
        order = sorted(alone, key=lambda a: (a.kind not in NEWS_KINDS, a.due or date.max, a.invoice_id))
        assert [*whole.alerts] == order
        unchanged = [number for number, k in known.items() if whole.known[number] == k]
        assert all(whole.known[number] is known[number] for number in unchanged)
        known = dict(whole.known)

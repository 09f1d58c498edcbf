"""A check that need only see that nothing has changed would find nothing, at any time before it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bot.domain.alerts import AlertKind, SentMessage, as_shown
from bot.domain.board import state_of
from bot.domain.chats import Loudness, Preferences, Silence
from bot.domain.credit import Credit, CreditWatch
from bot.domain.deliveries import Claim
from bot.domain.invoices import Invoice, Item, Listing
from bot.domain.knowledge import take_as_known
from bot.domain.live_messages import Board
from bot.domain.packs.choices import Rhythm
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.schedule import FULL_CHECK_EVERY, CheckPlan
from bot.domain.unchanged import Unchanged
from bot.ports import Check, Checked
from bot.services.account_reading import AccountReading
from bot.services.comparing import Comparison
from bot.store.rules import chats as rules
from bot.store.rules.check_times import only_times, with_times
from bot.store.rules.records import ChatRecord, ChatRow, open_chat, seal_link
from tests.domain.deciding import DUE, LINK
from tests.domain.moments import BERLIN, HOURS, QUIET, ZONES
from tests.fakes import invoice, with_answer

DAY = timedelta(days=1)
TYPES = ("Hosting", "domain")
DAYS = st.dates(DUE - 20 * DAY, DUE + 20 * DAY)

INVOICES = st.builds(
    lambda number, due, is_open, total, paid, kind: replace(
        invoice(number, due, total, is_open=is_open),
        credit=min(paid, Decimal(total)),
        items=(Item(kind, "Web", "Web", Decimal(total)),),
    ),
    st.integers(1, 9),
    st.none() | DAYS,
    st.booleans(),
    st.sampled_from(["7.95", "20.00"]),
    st.sampled_from([Decimal(0), Decimal(5), Decimal("7.95")]),
    st.sampled_from(TYPES),
)
PREFERENCES = st.builds(
    Preferences,
    before=st.lists(st.integers(0, 10), max_size=3).map(tuple),
    after=st.lists(st.integers(1, 10), max_size=3).map(tuple),
    hour=HOURS,
    quiet=QUIET,
    zone=st.none() | ZONES,
    loudness=st.sampled_from(Loudness),
    digest=st.booleans(),
    transfer=st.booleans(),
    news=st.booleans(),
    pinned=st.booleans(),
    packs=st.sampled_from([Rhythm.MONTH, Rhythm.QUARTER, Rhythm.OFF]),
    pack_day=st.sampled_from([1, 10, 20]),
)
CALENDARS = st.builds(
    ProviderCalendar,
    suspend_after=st.none() | st.integers(0, 10),
    delete_after=st.none() | st.integers(1, 20),
    no_grace=st.sampled_from([frozenset[str](), frozenset({"domain"})]),
    transfer_days=st.none() | st.integers(1, 3),
)
INSTANTS = st.datetimes(datetime(2026, 5, 20), datetime(2026, 6, 15), timezones=st.just(UTC))  # noqa: DTZ001
SILENCES = st.dictionaries(
    st.integers(1, 9), st.builds(Silence, until=INSTANTS) | st.just(Silence(muted=True)), max_size=3
)


@dataclass
class Account:
    """A chat's record, and what its provider says, which never changes."""

    plan: CheckPlan
    record: ChatRecord
    invoices: tuple[Invoice, ...]
    credit: Credit | None
    told: list[AlertKind] = field(default_factory=list)

    def check(self, now: datetime) -> tuple[ChatRecord, Checked]:
        """Return what a check makes of the record, and what it found."""
        chat = open_chat(self.record, LINK.token)
        assert chat.link is not None
        reading = AccountReading(with_answer(Listing(self.invoices)), self.invoices, credit=self.credit_read(now))
        check = Check(Claim("7", 1), chat, self.record.known, self.record.sent)
        checked = Comparison(self.plan, check, chat.link, reading, now).result()
        return rules.without_future(rules.after_check(self.record, checked, now), now), checked

    def credit_read(self, now: datetime) -> CreditWatch | None:
        assert self.record.link is not None
        if not any(each.may_be_owed for each in self.invoices):
            return None
        before = self.record.link.credit
        return before.denied_at(now) if self.credit is None else before.read(self.credit, now)

    def check_and_tell(self, now: datetime) -> Unchanged | None:
        """Check, and deliver at once. Return what shows that the next check need only look, if anything does."""
        old, (new, checked) = self.record, self.check(now)
        self.record = replace(new, alerts=(), sent=(*new.sent, *self._messages(checked, now)))
        assert new.link is not None
        if any(alert.kind is AlertKind.BOARD for alert in checked.alerts):
            board = self._board(now)
            self.record = replace(self.record, chat=replace(self.record.chat, board=board))
        return checked.unchanged if only_times(old, new) is not None else None

    def expect_nothing(self, now: datetime, unchanged: Unchanged) -> None:
        """Check, and see that it finds nothing, and comes as soon again as is said."""
        new, checked = self.check(now)
        times = only_times(self.record, new)
        assert times is not None, "there was something to note"
        assert new == with_times(self.record, times)
        assert not new.alerts
        assert checked.next_check_at == self.plan.after(now, look=unchanged.look)
        assert checked.unchanged is not None
        assert checked.unchanged.answer == unchanged.answer

    def _messages(self, checked: Checked, now: datetime) -> list[SentMessage]:
        about = [alert for alert in checked.alerts if alert.invoice_id is not None]
        shown = tuple(as_shown(checked.known[alert.invoice_id or 0], alert.kind) for alert in about)
        return [SentMessage(LINK.place, len(self.record.sent) + 1, now, shown)] if shown else []

    def _board(self, now: datetime) -> Board:
        chat = open_chat(self.record, LINK.token)
        return Board(1, None, state_of(chat, self.record.known.values(), self.plan.schedule(chat), now))


@st.composite
def accounts(draw: st.DrawFn) -> tuple[Account, datetime]:
    """Return an account that has been linked for a while, and an instant."""
    plan = CheckPlan(timedelta(minutes=15), BERLIN, calendar=draw(CALENDARS), currency="EUR", rules="r")
    now = draw(INSTANTS)
    invoices = {each.id: each for each in draw(st.lists(INVOICES, max_size=4))}
    known_before = {number: each for number, each in invoices.items() if draw(st.booleans())}
    preferences = draw(PREFERENCES)
    row = ChatRow(preferences=preferences)
    linked_at = now - draw(st.sampled_from([timedelta(0), DAY, 40 * DAY]))
    link = replace(LINK, linked_at=linked_at, watch=replace(LINK.watch, checked_at=now))
    record = ChatRecord(7, row, seal_link(link, "sealed"), silences=draw(SILENCES))
    schedule = plan.schedule(open_chat(record, LINK.token))
    known: Mapping[int, object] = take_as_known(known_before.values(), schedule, linked_at)
    credit = draw(st.none() | st.sampled_from([Credit(Decimal(0), "EUR"), Credit(Decimal(20), "EUR")]))
    return Account(plan, replace(record, known=known), tuple(invoices.values()), credit), now  # type: ignore[arg-type]


@pytest.mark.timeout(300)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(accounts(), st.integers(0, 2**32))
def test_until_then_a_check_finds_nothing(drawn: tuple[Account, datetime], seed: int) -> None:
    (account, now), rng = drawn, Random(seed)
    spared = 0
    for _ in range(100):
        unchanged = account.check_and_tell(now)
        if unchanged is None:
            now += timedelta(minutes=15)
            continue
        assert unchanged.until is not None
        assert now < unchanged.until <= now + FULL_CHECK_EVERY
        last = unchanged.until - timedelta(microseconds=1)
        for later in (now + (last - now) * rng.random(), last):
            account.expect_nothing(later, unchanged)
            spared += 1
        now = rng.choice([last, unchanged.until, now + DAY * rng.random()])
    assert spared > 100, "an account where nothing ever changes comes to rest"

"""Compare what was read of an account with what its chat knows and with the clock. Nothing here asks or saves."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.account_watch import watch_reading, watch_week
from bot.domain.alerts import Alert, AlertKind, KnownInvoice, undated
from bot.domain.board import state_of
from bot.domain.chats import Chat, Link, Watch
from bot.domain.credit import CreditWatch, Debt, Funds, coverage, suffices
from bot.domain.invoices import UNREADABLE_NAMED
from bot.domain.knowledge import mark_missing, mark_reminded, mark_unread
from bot.domain.live_messages import outdated
from bot.domain.looks import something_to_note_at, something_to_tell_at
from bot.domain.packs.calendar import due_periods, ordered, still_told
from bot.domain.reminders import decide, with_prices
from bot.domain.schedule import CheckPlan, Schedule
from bot.domain.unchanged import Unchanged
from bot.domain.waits import may_be_right
from bot.errors import ClearRefusal
from bot.ports import Check, Checked
from bot.services.account_reading import AccountReading


@dataclass(frozen=True, slots=True)
class Comparison:
    """A check, and what was read in it. ``link`` is the chat's. ``piled_up``: more are due than there is room for."""

    plan: CheckPlan
    check: Check
    link: Link
    reading: AccountReading
    now: datetime
    piled_up: bool = False

    def result(self) -> Checked:
        """Return what follows. If the provider could not be read, remind of what is known."""
        check, link, reading, now, plan = self.check, self.link, self.reading, self.now, self.plan
        chat, schedule = check.chat, plan.schedule(check.chat)
        held = {number: check.known[number] for number in reading.unasked}
        speakable = {number: known for number, known in check.known.items() if number not in held}
        reminded = mark_reminded(speakable, check.sent, schedule, now)
        fulfilled = self._fulfilled(schedule)
        decision = decide(
            mark_unread(mark_missing(reminded, reading.gone, now), reading.unread, now),
            reading.found,
            link=link,
            silences=chat.silences,
            shown={shown.invoice_id for message in check.sent for shown in message.shown if not shown.is_over},
            schedule=schedule,
            now=now,
            funds=Funds(self._covered(), fulfilled),
        )
        if reading.listing is not None and reading.listing.lacks_nothing:
            decision = with_prices(decision, reading.found)
        known = {**decision.known, **held}
        watch, of_account = self._watch(link.watch, len(undated(known.values())))
        watch, of_week = watch_week(watch, schedule, now, any_open=any(k.can_be_due for k in known.values()))
        told = link.watch.packs_told
        periods = due_periods(schedule, link.linked_at, told, now)
        watch = replace(watch, packs_told=still_told(told, periods, schedule, now))
        if self._board_state(watch, known.values(), schedule) != (chat.board.state if chat.board is not None else ""):
            of_week = [*of_week, AlertKind.BOARD]
        look = something_to_tell_at(chat, link, known, watch, plan, now, unasked=bool(reading.unasked))
        late = chat.key if self.piled_up and plan.is_late(link.next_check_at, now) else None
        return Checked(
            known=known,
            alerts=with_ids([*self._about(of_account), *decision.alerts, *self._about(of_week)], now),
            watch=watch,
            next_check_at=plan.after(now, reading.wait, look, late=late),
            credit=reading.credit,
            packs=ordered(periods, link, now),
            ended_wishes=[*fulfilled, *(n for n in _wished(link) if n not in known or not known[n].may_be_owed)],
            known_is_new=known != check.known,
            unchanged=self._unchanged(chat, look),
        )

    def _about(self, kinds: Iterable[AlertKind]) -> list[Alert]:
        """Return alerts about the account."""
        return [Alert("", self.link.place, self.link.account, kind, self.now) for kind in kinds]

    @property
    def _credit(self) -> CreditWatch:
        return self.reading.credit or self.link.credit

    def _board_state(self, watch: Watch, known: Iterable[KnownInvoice], schedule: Schedule) -> str:
        """Return the mark of what the pinned message is to say. Empty: the chat shall have none, as most chats."""
        if not schedule.preferences.pinned:
            return ""
        link = replace(self.link, watch=watch, credit=self._credit)
        return state_of(replace(self.check.chat, link=link), known, schedule, self.now)

    def _unchanged(self, chat: Chat, look: datetime | None) -> Unchanged | None:
        """Return what a later check has to see to know that it finds the same. None: nothing shows that.

        That is so while messages wait to be drawn anew, and while somebody waits for credit: that depends on the time.
        """
        reading, listing = self.reading, self.reading.listing
        if listing is None or listing.answer is None or reading.has_asked_singly or self.link.credit_wishes:
            return None
        if not may_be_right(self.now) or outdated(chat.live, listing, reading.found):
            return None
        until = something_to_note_at(chat, look, self.plan, self.now)
        is_owed = any(invoice.may_be_owed for invoice in reading.found)
        return Unchanged(listing.answer, until, look, self._credit, is_owed, self.plan.rules)

    def _watch(self, before: Watch, undated: int) -> tuple[Watch, list[AlertKind]]:
        reading, listing = self.reading, self.reading.listing
        if not reading.was_asked_for:
            return before, []
        unreadable, broken = reading.unreadable + undated, reading.unreadable_ids
        if listing is not None and (listing.resumed or not listing.is_read_to_end):  # the others may be in another part
            unreadable = max(unreadable, before.unreadable_told)
            broken = tuple(dict.fromkeys((*before.unreadable_ids, *broken)))[:UNREADABLE_NAMED]
        after, kinds = watch_reading(
            before,
            self.now,
            good=listing is not None,
            partial=listing is not None and not listing.is_read_to_end,
            trouble=reading.trouble,
            unreadable=unreadable,
            doubt=self.plan.doubts_refusal_for,
        )
        if listing is not None:
            return replace(after, next_page=listing.rest or "", unreadable_ids=broken), kinds
        said = reading.error.reason if isinstance(reading.error, ClearRefusal) else before.said
        return replace(after, next_page="", said=said), kinds

    def _covered(self) -> Sequence[int]:
        """Return the invoices for which the credit suffices, as far as that is known: others may be due before them."""
        if self.reading.listing is None or not self.reading.listing.lacks_nothing:
            return ()
        owed = [invoice.debt for invoice in self.reading.found if invoice.may_be_owed]
        found = coverage(self._credit.credit, owed, self.plan.currency)
        return found.covered if found is not None else ()

    def _fulfilled(self, schedule: Schedule) -> Sequence[int]:
        """Return the invoices for which somebody waits for credit, and for which it suffices now.

        Where it would come too late, the wish rests and does not end: the clock may be ahead.
        """
        credit = self.reading.credit
        if credit is None:
            return ()
        wished = [i for i in self.reading.found if i.id in _wished(self.link) and i.is_open]
        in_time = [i for i in wished if i.due is None or not schedule.is_lost(i.due, i.types, self.now)]
        debts = [Debt(i.id, i.due, i.left_to_pay) for i in in_time]
        return [debt.id for debt in debts if suffices(credit.credit, debt, self.plan.currency)]


def _wished(link: Link) -> frozenset[int]:
    return frozenset(wish.invoice_id for wish in link.credit_wishes)


def with_ids(alerts: Sequence[Alert], now: datetime) -> list[Alert]:
    """Give new alerts their ids, which grow with time and in this order."""
    if not alerts:
        return []
    time, check = int(now.timestamp() * 1_000_000), secrets.token_hex(3)
    return [replace(alert, id=f"{time:016x}{n:04x}{check}") for n, alert in enumerate(alerts)]

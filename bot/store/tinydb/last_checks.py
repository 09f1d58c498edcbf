"""What is in memory of each chat's last check. There may be a hundred thousand of them, so each is a few bytes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from bot.domain.credit import Credit, CreditWatch
from bot.domain.unchanged import ListAnswer, Unchanged
from bot.store.rules.check_times import CheckTimes


class Seen(NamedTuple):
    """What a chat's last check saw, and what the next one needs to look again."""

    unchanged: Unchanged
    sealed_token: str
    language: str


class LastCheck(NamedTuple):
    """A chat's last check. ``seen`` None: what it saw is forgotten, or was never noted."""

    times: CheckTimes
    seen: Seen | None = None


class _Credit(NamedTuple):
    amount: Decimal | None
    currency: str
    asked_at: datetime | None
    denied: bool
    read_at: datetime | None


class _Seen(NamedTuple):
    hashes: tuple[bytes, ...]
    pages: tuple[str, ...]
    until: datetime | None
    look: datetime | None
    credit: _Credit | None
    """None: it is that of the times."""
    is_owed: bool
    rules: str
    sealed_token: str
    language: str


class _Row(NamedTuple):
    checked_at: datetime
    next_check_at: datetime
    next_check_set_at: datetime | None
    saved_at: datetime
    credit: _Credit | None
    seen: _Seen | None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Row)


class LastChecks:
    """By chat. Named tuples are encoded without their names."""

    def __init__(self) -> None:
        self._rows: dict[int, bytes] = {}

    def get(self, chat_id: int) -> LastCheck | None:
        row = self._rows.get(chat_id)
        return None if row is None else _unpacked(_decoder.decode(row))

    def put(self, chat_id: int, last: LastCheck) -> None:
        self._rows[chat_id] = _encoder.encode(_packed(last))

    def forget(self, chat_id: int) -> None:
        self._rows.pop(chat_id, None)


def _packed(last: LastCheck) -> _Row:
    times, seen = last
    credit = None if times.credit is None else _packed_credit(times.credit)
    at = (times.checked_at, times.next_check_at, times.next_check_set_at, times.saved_at)
    if seen is None:
        return _Row(*at, credit, None)
    answer, unchanged = seen.unchanged.answer, seen.unchanged
    own = None if unchanged.credit == times.credit else _packed_credit(unchanged.credit)
    facts = (unchanged.until, unchanged.look, own, unchanged.is_owed, unchanged.rules)
    return _Row(*at, credit, _Seen(answer.hashes, answer.pages, *facts, seen.sealed_token, seen.language))


def _unpacked(row: _Row) -> LastCheck:
    credit = None if row.credit is None else _unpacked_credit(row.credit)
    times = CheckTimes(row.checked_at, row.next_check_at, row.next_check_set_at, row.saved_at, credit)
    seen = row.seen
    if seen is None:
        return LastCheck(times)
    own = credit if seen.credit is None and credit is not None else _unpacked_credit(seen.credit or _NO_CREDIT)
    answer = ListAnswer(seen.hashes, seen.pages)
    unchanged = Unchanged(answer, seen.until, seen.look, own, seen.is_owed, seen.rules)
    return LastCheck(times, Seen(unchanged, seen.sealed_token, seen.language))


def _packed_credit(watch: CreditWatch) -> _Credit:
    credit = watch.credit
    amount, currency = (None, "") if credit is None else (credit.amount, credit.currency)
    return _Credit(amount, currency, watch.asked_at, watch.denied, watch.read_at)


def _unpacked_credit(packed: _Credit) -> CreditWatch:
    credit = None if packed.amount is None else Credit(packed.amount, packed.currency)
    return CreditWatch(credit, packed.asked_at, packed.denied, packed.read_at)


_NO_CREDIT = _packed_credit(CreditWatch())

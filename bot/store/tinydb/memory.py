"""What is held in memory beside the files: due work and its leases, an index of the files, and token buckets.

Leases end with the process, so those of a dead one are void.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.domain.chat_keys import slot_of
from bot.domain.packs.pack import LONGEST_PACK_WAIT
from bot.domain.unchanged import Unchanged
from bot.domain.waits import LONG_AGO, cut, is_ahead
from bot.ports import Backlog, Lease
from bot.store.backend import Hold, StoredGlance, note_void_waits
from bot.store.rules import packs
from bot.store.rules.check_times import CheckTimes
from bot.store.rules.records import ChatRecord, PaymentRow, blank
from bot.store.tinydb.last_checks import LastCheck, LastChecks, Seen
from bot.store.vault import key_id_of

K = TypeVar("K", bound=Hashable)

SWEEP_AT = 10_000
"""Full buckets are forgotten once there are as many buckets as this."""


class LeaseQueue(Generic[K]):
    """Keys by the time they are due. A claim moves a key to the end of its lease, so it comes again without a report.

    Fencing tokens are never used twice, so a claim names its key by its token alone, also after the key was renamed.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, K]] = []
        self._tickets: dict[K, int] = {}  # a heap entry with another ticket is a leftover
        self._set_at: dict[K, datetime] = {}
        self.last_set_at = LONG_AGO
        """When the latest of the waits was set."""
        self._holds: dict[K, Hold] = {}
        self._keys: dict[int, K] = {}
        self._numbers = itertools.count(1)

    def put(self, key: K, due: datetime, set_at: datetime = LONG_AGO, *, though_leased: bool = False) -> None:
        """Set when a key is due, and when that was set. A leased key is due when its lease ends.

        ``though_leased``: it is not due before, even so.
        """
        hold = self._holds.get(key)
        if hold is not None:
            leased_at = hold.set_at or LONG_AGO
            due, set_at = (max(hold.until, due), max(leased_at, set_at)) if though_leased else (hold.until, leased_at)
        self._push(key, due, set_at)

    def pause(self, key: K) -> None:
        """Take a key out of the queue. A lease on it stays valid, so work under way can still be reported."""
        self._tickets.pop(key, None)
        self._set_at.pop(key, None)

    def drop(self, key: K) -> None:
        """Forget a key. A lease on it is void."""
        self.pause(key)
        self.hold(key, None)

    def hold(self, key: K, hold: Hold | None) -> None:
        """Set the lease on a key. None: it has none. Its place in the queue stays until :meth:`put`."""
        old = self._holds.pop(key, None)
        if old is not None and self._keys.get(old.fencing_token) == key:  # another key may have taken it over
            del self._keys[old.fencing_token]
        if hold is not None:
            self._holds[key] = hold
            self._keys[hold.fencing_token] = key

    def held(self, key: K) -> Hold | None:
        """Return the lease on a key, also one that has ended, as long as nobody else took it."""
        return self._holds.get(key)

    def revoke(self, key: K) -> None:
        """Refuse a report under the present lease. The key comes again when that lease ends."""
        if hold := self._holds.get(key):
            self.hold(key, replace(hold, fencing_token=next(self._numbers)))

    def holder(self, fencing_token: int) -> K | None:
        """Return the key that is leased under this token. None: that lease is over."""
        return self._keys.get(fencing_token)

    def claim(self, now: datetime, limit: int, until: datetime) -> list[K]:
        """Lease up to ``limit`` keys that are due, the longest due first."""
        self._end_void_waits(now)
        keys: list[K] = []
        while len(keys) < limit and (key := self._pop_due(now)) is not None:
            keys.append(key)
        for key in keys:
            self._take(key, now, until)
        return keys

    def claim_key(self, key: K, now: datetime, until: datetime) -> bool:
        """Lease this very key, due or not. False: it is not in the queue, or it is leased."""
        self._end_void_waits(now)
        if key not in self._tickets or self.is_leased(key, now):
            return False
        self._take(key, now, until)
        return True

    def is_leased(self, key: K, now: datetime) -> bool:
        """Whether a lease on this key still holds."""
        hold = self._holds.get(key)
        return hold is not None and now < hold.until

    def due_since(self, now: datetime) -> datetime | None:
        """When the longest-overdue unclaimed key became due. None: no such key."""
        while self._heap and self._tickets.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap and self._heap[0][0] <= now else None

    def _take(self, key: K, now: datetime, until: datetime) -> None:
        hold = Hold(next(self._numbers), until, now)
        self.hold(key, hold)
        self._push(key, until, now)

    def _end_void_waits(self, now: datetime) -> None:
        """End the waits that were set by a clock that was ahead. Leases get their whole length from now on."""
        if not is_ahead(self.last_set_at, now):
            return
        for key, hold in list(self._holds.items()):
            if hold.set_at is not None and is_ahead(hold.set_at, now):
                self.hold(key, replace(hold, until=now + (hold.until - hold.set_at), set_at=now))
        void = [key for key, set_at in self._set_at.items() if is_ahead(set_at, now)]
        for key in void:
            self.put(key, now, now)
        note_void_waits(len(void), self.last_set_at - now)
        self.last_set_at = now

    def _pop_due(self, now: datetime) -> K | None:
        while self._heap and self._heap[0][0] <= now:
            _, ticket, key = heapq.heappop(self._heap)
            if self._tickets.get(key) == ticket:
                return key
        return None

    def _push(self, key: K, due: datetime, set_at: datetime) -> None:
        ticket = next(self._numbers)
        self._tickets[key] = ticket
        self._set_at[key] = set_at
        self.last_set_at = max(self.last_set_at, set_at)
        heapq.heappush(self._heap, (due, ticket, key))
        if len(self._heap) > 4 * len(self._tickets) + 64:
            self._heap = [entry for entry in self._heap if self._tickets.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)


class Leases:
    """The promises are those of :class:`bot.ports.LeaseStore`."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, Lease]] = {}
        self._fencing_tokens = itertools.count(1)

    async def take(
        self, name: str, holder: str, now: datetime, duration: timedelta, *, free_only: bool = False
    ) -> Lease | None:
        held_by, lease = self._held.get(name, (holder, None))
        if lease is not None:
            lease = replace(lease, until=cut(lease.until, now, duration))
            self._held[name] = held_by, lease
        if held_by != holder and lease is not None and (free_only or lease.until > now):
            return None
        if lease is None or lease.until <= now:
            lease = Lease(name, next(self._fencing_tokens), now + duration)
        else:
            lease = replace(lease, until=now + duration)
        self._held[name] = holder, lease
        return lease

    async def give_back(self, lease: Lease) -> bool:
        _, held = self._held.get(lease.name, ("", None))
        if held is None or held.fencing_token != lease.fencing_token:
            return False
        del self._held[lease.name]
        return True


class TokenBuckets:
    """The promises are those of :class:`bot.ports.TokenBucketStore`."""

    def __init__(self) -> None:
        self._full_at: dict[str, datetime] = {}

    async def take(self, name: str, now: datetime, rate: float, burst: int, capacity: int = 0) -> float:
        longest = timedelta(seconds=max(burst, capacity) / rate)
        held = self._full_at[name] = cut(self._full_at.get(name, now), now, longest)
        full_at = max(now, held) + timedelta(seconds=1 / rate)
        wait = (full_at - now - timedelta(seconds=burst / rate)).total_seconds()
        if wait > 0:
            return wait
        if len(self._full_at) >= SWEEP_AT:
            self._full_at = {other: at for other, at in self._full_at.items() if at > now}
        self._full_at[name] = full_at
        return 0.0


class ChatIndex:
    """The queues of due checks and due messages, by chat.

    ``first_key`` is the id of the key that tokens are sealed with.
    """

    def __init__(self, first_key: str) -> None:
        self.checks: LeaseQueue[int] = LeaseQueue()
        self.messages: LeaseQueue[int] = LeaseQueue()
        self.last_checks = LastChecks()
        """Times that are newer than the chat's file, and what was seen, as long as nothing of the chat has changed."""
        self.claimed: dict[int, ChatRecord] = {}
        """Chats that are being checked, as they were read for it, as long as nothing of them has changed."""
        self.accounts: dict[int, str] = {}
        self.beside: set[int] = set()
        """The keys of accounts beside a chat's first one that have a file. Few chats have any, and each answer asks."""
        self.other_keys: dict[int, str] = {}
        """Chats whose token another key has sealed."""
        self.packs: dict[int, datetime] = {}
        """When the next pack of a chat is due."""
        self._first_key = first_key
        self._alerts: dict[int, tuple[datetime | None, int, int]] = {}
        """When the next message is due (None: none is, or the chat rests), alerts that wait, and dead letters."""

    def backlog(self, now: datetime) -> Backlog:
        """Return how far the work is behind. Looks through the chats that have alerts."""
        alerts = self._alerts.items()
        due = [at for chat_id, (at, _, _) in alerts if at and at <= now and not self.messages.is_leased(chat_id, now)]
        return Backlog(
            check_due_since=self.checks.due_since(now),
            message_due_since=min(due, default=None),
            waiting=sum(waiting for _, (_, waiting, _) in alerts),
            set_aside=sum(dead_letters for _, (_, _, dead_letters) in alerts),
        )

    def with_due_packs(self, now: datetime, limit: int) -> list[int]:
        """Return the chats that have a pack to be made. A time too far ahead was set by a wrong clock."""
        too_far = now + LONGEST_PACK_WAIT
        due = sorted((at, chat_id) for chat_id, at in self.packs.items() if at <= now or at > too_far)
        return [chat_id for _, chat_id in due[:limit]]

    def glance(self, chat_id: int) -> StoredGlance | None:
        """Return what a first look at a claimed chat needs."""
        last, hold = self.last_checks.get(chat_id), self.checks.held(chat_id)
        if last is None or last.seen is None or hold is None:
            return None
        times, seen = last.times, last.seen
        at = (times.checked_at, times.next_check_at)
        return StoredGlance(chat_id, hold.fencing_token, seen.sealed_token, seen.language, *at, seen.unchanged)

    def end_glance(self, chat_id: int, last: LastCheck) -> None:
        """Let the check end that found nothing changed."""
        self.claimed.pop(chat_id, None)
        self.last_checks.put(chat_id, last)
        wait = last.times.check_wait
        self.checks.hold(chat_id, None)
        self.checks.put(chat_id, wait.until, wait.set_at)

    def keep_last_check(
        self, chat_id: int, record: ChatRecord, times: CheckTimes | None, unchanged: Unchanged | None
    ) -> None:
        """Note what is newer than the chat's file. ``times`` None: what was noted before."""
        if times is None and (before := self.last_checks.get(chat_id)) is not None:
            times = before.times
        self.last_checks.forget(chat_id)
        if record.link is not None and times is not None:
            facts = (record.link.sealed_token, record.chat.reply_language)
            self.last_checks.put(chat_id, LastCheck(times, None if unchanged is None else Seen(unchanged, *facts)))

    def sync(self, chat_id: int, record: ChatRecord | None) -> None:
        """Bring the index in line with a chat's record (None: there is no such chat). Leases stay valid."""
        self.claimed.pop(chat_id, None)
        self.note_stored(chat_id, is_stored=record is not None and not blank(record))
        self._sync_link(chat_id, record)
        self.packs.pop(chat_id, None)
        if record is not None and (due_at := packs.due_at(record)) is not None:
            self.packs[chat_id] = due_at
        self._alerts.pop(chat_id, None)
        resting = record is not None and record.chat.resting is not None
        message = record.next_message if record is not None else None
        if record is not None and record.alerts:
            due = None if resting or message is None else message.since
            self._alerts[chat_id] = due, len(record.alerts) - record.dead_letters, record.dead_letters
        if message is None:
            self.messages.drop(chat_id)
        elif resting:
            self.messages.pause(chat_id)
        else:
            self.messages.put(chat_id, message.wait.until, message.wait.set_at, though_leased=True)

    def note_stored(self, chat_id: int, *, is_stored: bool) -> None:
        """Note whether there is a file of this key."""
        if slot_of(chat_id) == 0:
            return
        if is_stored:
            self.beside.add(chat_id)
        else:
            self.beside.discard(chat_id)

    def _sync_link(self, chat_id: int, record: ChatRecord | None) -> None:
        self.other_keys.pop(chat_id, None)
        if record is None or record.link is None:
            self.last_checks.forget(chat_id)
            self.accounts.pop(chat_id, None)
            self.checks.drop(chat_id)
            return
        self.accounts[chat_id] = record.link.account
        if (key_id := key_id_of(record.link.sealed_token)) != self._first_key:
            self.other_keys[chat_id] = key_id
        if record.chat.resting is not None:
            self.checks.pause(chat_id)
        else:
            self.checks.put(chat_id, record.link.check_wait.until, record.link.check_wait.set_at)


@dataclass(frozen=True, slots=True)
class _AccountFile:
    payment_ids: tuple[str, ...]
    chat_ids: frozenset[int]
    unsettled: bool


class PaymentIndex:
    """Which account's file holds a payment, and which accounts have payments of a chat, or unsettled ones."""

    def __init__(self) -> None:
        self.accounts: dict[str, str] = {}
        """By the ids of the payments."""
        self._files: dict[str, _AccountFile] = {}
        self.damaged: set[str] = set()
        """The accounts whose file can't be read."""

    def sync(self, account: str, rows: Sequence[PaymentRow]) -> None:
        """Bring the index in line with an account's file."""
        self.damaged.discard(account)
        if old := self._files.pop(account, None):
            for payment_id in old.payment_ids:
                del self.accounts[payment_id]
        if rows:
            ids, chats = tuple(row.payment.id for row in rows), frozenset(row.payment.place.chat_id for row in rows)
            self._files[account] = _AccountFile(ids, chats, any(row.payment.is_unsettled for row in rows))
            self.accounts.update(dict.fromkeys(ids, account))

    def find(self, *, chat_id: int | None = None, unsettled: bool = False) -> list[str]:
        """Return all accounts, or those with payments of a chat, or with unsettled ones. Looks through all."""
        return sorted(
            account
            for account, file in self._files.items()
            if (chat_id is None or chat_id in file.chat_ids) and (file.unsettled or not unsettled)
        )

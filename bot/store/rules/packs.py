"""What becomes of the packs that are stored with a link. The fencing token says whose word counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from bot.domain.packs.pack import PACKS_AT_MOST, Pack
from bot.store.rules.records import ChatRecord


def with_pack(record: ChatRecord, account: str, pack: Pack) -> ChatRecord | None:
    """Add an order. None: there is another link, or too many are under way. One that is there already stays."""
    if record.link is None or record.link.account != account:
        return None
    packs = record.link.packs
    if any(each.id == pack.id for each in packs):
        return record
    if pack.is_awaited and sum(each.is_awaited for each in packs) >= PACKS_AT_MOST:
        return None
    return _having(record, (*packs, pack))


def due_at(record: ChatRecord) -> datetime | None:
    """Return when the next pack of a chat can be claimed. None: there is none, or the chat rests."""
    if record.link is None or record.chat.resting is not None:
        return None
    return min((pack.due_at for pack in record.link.packs), default=None)


def claimed(record: ChatRecord, now: datetime, until: datetime) -> tuple[ChatRecord, Pack] | None:
    """Claim the oldest pack that is due."""
    if record.link is None or record.chat.resting is not None:
        return None
    pack = next((each for each in record.link.packs if each.is_due(now)), None)
    if pack is None:
        return None
    taken = pack.claimed(until)
    return _changed(record, pack.id, lambda _: taken), taken


def saved(record: ChatRecord, pack: Pack) -> tuple[ChatRecord, Pack] | None:
    """Save how far a pack has come. That somebody has stopped it meanwhile stays. None: it is not held any more."""
    held = _held(record, pack)
    if held is None:
        return None
    new = replace(pack, stopped=held.stopped or pack.stopped)
    return _changed(record, pack.id, lambda _: new), new


def ended(record: ChatRecord, pack: Pack) -> ChatRecord | None:
    """Forget a pack whose end was told. None: it is not held any more."""
    return None if _held(record, pack) is None else _changed(record, pack.id, lambda _: None)


def stopped(record: ChatRecord, pack_id: str) -> ChatRecord | None:
    """Note that somebody has cancelled a pack. None: it has ended. Nobody waits until it may be tried again."""
    if record.link is None or all(pack.id != pack_id for pack in record.link.packs):
        return None
    return _changed(record, pack_id, lambda pack: replace(pack, stopped=True, not_before=None))


def at_once(packs: Iterable[Pack]) -> tuple[Pack, ...]:
    """Return packs that wait no longer until they are tried again."""
    return tuple(replace(pack, not_before=None) for pack in packs)


def _held(record: ChatRecord, pack: Pack) -> Pack | None:
    packs = record.link.packs if record.link is not None else ()
    return next((each for each in packs if (each.id, each.fencing_token) == (pack.id, pack.fencing_token)), None)


def _changed(record: ChatRecord, pack_id: str, change: Callable[[Pack], Pack | None]) -> ChatRecord:
    packs = record.link.packs if record.link is not None else ()
    new = [change(pack) if pack.id == pack_id else pack for pack in packs]
    return _having(record, tuple(pack for pack in new if pack is not None))


def _having(record: ChatRecord, packs: tuple[Pack, ...]) -> ChatRecord:
    return record if record.link is None else replace(record, link=replace(record.link, packs=packs))

"""Changes of chats that are held under claims: how checks and messages end, many in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.domain.deliveries import Claim
from bot.errors import StoreAway
from bot.store.backend import ChangeHeld, Held, StoredChat, change_held
from bot.store.postgres.claimed import ClaimedChat, ClaimedChats
from bot.store.postgres.columns import saved_columns
from bot.store.postgres.connections import Connections, Cursor
from bot.store.postgres.gathering import Gathering
from bot.store.postgres.transaction import PostgresTransaction

log = structlog.get_logger()

OTHERS_TURN_EVERY = 10
"""Chats of a batch that are changed without a break. The event loop has other work."""


@dataclass(frozen=True, slots=True)
class _Change:
    claim: Claim
    change: ChangeHeld


class HeldChanges:
    """Implement :meth:`bot.store.backend.Backend.change_held` for checks, or for messages.

    A change that fails, or whose claim was lost, is no matter of the others in its batch. One whose chat somebody else
    has locked leaves the batch, and waits in a transaction of its own.
    """

    def __init__(self, connections: Connections, claimed: ClaimedChats, what: Held) -> None:
        self._connections = connections
        self._claimed = claimed
        self._what = what
        self._gathering: Gathering[_Change, bool | None] = Gathering(self._together)
        self.settled = self._gathering.settled

    async def make(self, claim: Claim, change: ChangeHeld) -> bool:
        """Make a change. Return False if the claim was lost."""
        made = await self._gathering.add(claim.fencing_token, _Change(claim, change))
        if made is not None:
            return made
        return await self._connections.run(
            lambda cursor: change_held(PostgresTransaction(cursor), self._what, claim, change)
        )

    async def _together(self, batch: Mapping[int, _Change]) -> Mapping[int, bool | Exception | None]:
        """Make changes in one transaction. None: not made, to be tried alone."""
        try:
            made, still_claimed = await self._connections.run(lambda cursor: self._make_all(cursor, batch))
        except StoreAway:
            raise
        except Exception as error:  # noqa: BLE001  # whichever it belongs to meets it again
            log.warning("changes can't be saved together", count=len(batch), reason=str(error))
            return dict.fromkeys(batch)
        self._claimed.keep(still_claimed)
        return {token: made.get(token) for token in batch}

    async def _make_all(
        self, cursor: Cursor, batch: Mapping[int, _Change]
    ) -> tuple[dict[int, bool | Exception], list[ClaimedChat]]:
        """Make changes. Return how each ended, and the chats that stay under their claims."""
        t, made, rows = PostgresTransaction(cursor), dict[int, bool | Exception](), list[dict[str, Any]]()
        versions = await t.lock_held(self._what, [each.claim for each in batch.values()])
        kept = self._claimed.take(versions)
        changed = [batch[token].claim for token in versions if token not in kept]
        found = await t.read_held(self._what, changed) if changed else {}
        changes = list[StoredChat]()
        for number, token in enumerate(versions, 1):
            if number % OTHERS_TURN_EVERY == 0:
                await asyncio.sleep(0)
            try:
                stored = kept.get(token) or found[token].load()
                new = batch[token].change(stored)
                if new is not None:
                    rows.append(saved_columns(stored, new))
                    changes.append(new)
                made[token] = new is not None
            except Exception as error:  # noqa: BLE001  # its caller gets it
                made[token] = error
        saved = await t.save_columns(rows)
        holds = [new.check if self._what is Held.CHECK else new.message for new in changes]
        return made, [
            ClaimedChat(new, hold, saved[new.record.id])
            for new, hold in zip(changes, holds, strict=True)
            if hold is not None and new.record.id in saved
        ]

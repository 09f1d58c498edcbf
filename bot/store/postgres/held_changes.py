"""Changes of chats that are held under claims: how checks and messages end, many in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.domain.deliveries import Claim
from bot.errors import StoreAway
from bot.store.backend import ChangeHeld, Held, change_held
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

    def __init__(self, connections: Connections, what: Held) -> None:
        self._connections = connections
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
            made = await self._connections.run(lambda cursor: self._make_all(cursor, batch))
        except StoreAway:
            raise
        except Exception as error:  # noqa: BLE001  # whichever it belongs to meets it again
            log.warning("changes can't be saved together", count=len(batch), reason=str(error))
            made = {}
        return {token: made.get(token) for token in batch}

    async def _make_all(self, cursor: Cursor, batch: Mapping[int, _Change]) -> dict[int, bool | Exception]:
        t, made, rows = PostgresTransaction(cursor), dict[int, bool | Exception](), list[dict[str, Any]]()
        held = await t.held_and_free(self._what, [each.claim for each in batch.values()])
        for token, found in held.items():
            if len(made) % OTHERS_TURN_EVERY == OTHERS_TURN_EVERY - 1:
                await asyncio.sleep(0)
            try:
                stored = found.load()
                new = batch[token].change(stored)
                if new is not None:
                    rows.append(saved_columns(stored, new))
                made[token] = new is not None
            except Exception as error:  # noqa: BLE001  # its caller gets it
                made[token] = error
        await t.save_columns(rows)
        return made

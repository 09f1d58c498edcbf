"""Changes of chats that are held under claims: how checks and messages end, many in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.domain.deliveries import Claim
from bot.errors import StoreAway
from bot.store.backend import ChangeHeld, FoundChat, Held, change_held
from bot.store.postgres.columns import KnownWanted, saved_columns
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

        async def make(held: Mapping[int, FoundChat]) -> list[Claim]:
            """Return the claims of those that want to know what their chat knows."""
            curious = []
            for number, (token, found) in enumerate(held.items(), 1):
                if number % OTHERS_TURN_EVERY == 0:
                    await asyncio.sleep(0)
                try:
                    stored = found.load()
                    new = batch[token].change(stored)
                    if new is not None:
                        rows.append(saved_columns(stored, new))
                    made[token] = new is not None
                except KnownWanted:
                    curious.append(batch[token].claim)
                except Exception as error:  # noqa: BLE001  # its caller gets it
                    made[token] = error
            return curious

        curious = await make(await t.lock_held(self._what, [each.claim for each in batch.values()]))
        if curious:
            await make(await t.locked_held(self._what, curious))
        await t.save_columns(rows)
        return made

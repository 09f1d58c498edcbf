"""Alerts on their way out. The lease is the chat's, so its messages go out one after the other.

The port says what the methods promise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from bot.domain.alerts import SentMessage
from bot.domain.chats import Chat, Closure
from bot.domain.deliveries import Claim, Delivery
from bot.domain.live_messages import Board
from bot.errors import PaymentsUnreadable
from bot.store.backend import Backend, Held, StoredChat, Transaction
from bot.store.claims import Claims
from bot.store.reading import note_unreadable
from bot.store.rules import alerts as rules
from bot.store.rules.records import ChatRecord


class StoredOutbox:
    """Implement :class:`bot.ports.Outbox`.

    ``open_chat`` opens a chat's token. The operator was told of the ``unreadable`` chats.
    """

    def __init__(
        self, backend: Backend, claims: Claims, open_chat: Callable[[ChatRecord], Chat], unreadable: set[int]
    ) -> None:
        self._backend = backend
        self._claims = claims
        self._open_chat = open_chat
        self._unreadable = unreadable

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        """Claim messages. That their alerts are being sent is stored before they are given out."""

        async def begin(t: Transaction) -> list[Delivery]:
            begun: list[tuple[StoredChat, Delivery]] = []
            left = []
            for found in await t.claim_messages(now, limit, now + lease):
                try:
                    message = await self._begin(t, found.load(), now)
                except t.backend_errors:
                    raise
                except Exception as error:  # noqa: BLE001  # it is logged, and holds up no other chat
                    note_unreadable("chat can't be read for its alert", found.id, error, self._unreadable)
                    message = None
                if message is None:
                    left.append(found.id)
                else:
                    begun.append(message)
            saved = await t.save_begun([stored for stored, _ in begun], left, now + lease)
            return [delivery for stored, delivery in begun if stored.record.id in saved]

        async def give_back(delivery: Delivery) -> None:
            await self.alerts_failed(delivery.claim, now, uncertain=False, counts=False)

        return await self._claims.take(begin, give_back)

    async def alerts_sent(self, claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        return await self._change(claim, lambda r: rules.after_sending(r, claim.key, message, resolved))

    async def message_edited(self, claim: Claim, message_id: int, resolved: Collection[int]) -> bool:
        edited = partial(rules.after_edit, message_id=message_id, resolved=resolved)
        return await self._change(claim, edited, keep=True)

    async def message_folded(self, claim: Claim, message_id: int, invoice_ids: Collection[int]) -> bool:
        folded = partial(rules.after_folding, message_id=message_id, invoice_ids=invoice_ids)
        return await self._change(claim, folded, keep=True)

    async def board_shown(self, claim: Claim, board: Board | None) -> bool:
        noted = partial(rules.with_board, board=board)
        return await self._change(claim, noted, keep=True)

    async def alerts_failed(self, claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        return await self._change(
            claim, lambda r: rules.after_failure(r, claim.key, retry_at, uncertain=uncertain, counts=counts)
        )

    async def defer_alerts(
        self, claim: Claim, retry_at: datetime, *, uncertain: bool = False, closure: Closure | None = None
    ) -> bool:
        deferred = partial(rules.deferred, batch=claim.key, retry_at=retry_at, uncertain=uncertain)
        return await self._change(claim, lambda record: deferred(record, closure=closure))

    async def close_chat(self, claim: Claim, closure: Closure) -> bool:
        return await self._change(claim, lambda record: rules.closed(record, claim.key, closure))

    async def hold_alerts(self, claim: Claim, until: datetime) -> bool:
        return await self._change(claim, lambda record: rules.held_until(record, claim.key, until))

    async def move_to_dead_letters(self, claim: Claim) -> bool:
        return await self._change(claim, lambda record: rules.dead_lettered(record, claim.key))

    async def _change(self, claim: Claim, change: Callable[[ChatRecord], ChatRecord], *, keep: bool = False) -> bool:
        """Change the chat whose message is held under this claim, and give the lease back, unless it is to ``keep``.

        A check under way is refused if what the chat knows has changed.
        """

        def changed(stored: StoredChat) -> StoredChat | None:
            if stored.message is None or not rules.alerts_of_batch(stored.record, claim.key):
                return None
            record, message = change(stored.record), stored.message
            check = stored.check if record.known is stored.record.known else None
            record = record if keep else rules.message_ended(record, message.set_at)
            return StoredChat(record, check, message if keep else None)

        return await self._backend.change_held(Held.MESSAGE, claim, changed)

    async def _begin(self, t: Transaction, stored: StoredChat, now: datetime) -> tuple[StoredChat, Delivery] | None:
        """Begin the next message of a chat. Raise an error of any kind where the chat can't be read.

        Return None if all its alerts have to wait, by this process's clock.
        """
        begun = rules.begun(stored.record, now)
        if begun is None:
            return None
        record, batch = begun
        account = rules.account_to_read(record, batch)
        try:
            rows = await t.payments_of(account) if account is not None else []
        except PaymentsUnreadable:
            rows = []  # better to tell what this chat may have paid itself than to tell nothing
        fencing_token = stored.message.fencing_token if stored.message else 0
        delivery = rules.delivery_of(record, batch, self._open_chat(record), fencing_token, rows)
        return replace(stored, record=record), delivery

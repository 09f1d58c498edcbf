"""Send several documents one after the other: with progress, a way to cancel, and on from there after a stop."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from bot.domain.chats import Chat, Place
from bot.domain.document_batches import BATCH_LIFETIME, ID_BYTES, DocumentBatch, StoppedBatch
from bot.errors import (
    AnswerNotUnderstood,
    BotError,
    ChatClosed,
    DeliveryUncertain,
    DocumentTooLarge,
    FloodLimited,
    NoSpaceLeft,
    NotFound,
    NotLinked,
    NotSent,
    ProviderError,
    QuestionOver,
    Refused,
    SendRefused,
)
from bot.ports import Clock, LeaseStore, PendingStore, PostDocument, Sleep
from bot.services.documents import Documents
from bot.services.failures import log_failure
from bot.services.permissions import link_of
from bot.services.timed_lease import TimedLease

PROGRESS_EVERY = timedelta(seconds=3)
"""Each edit of the progress counts against Telegram's limits, as a document does."""

ABOUT_ONE = (NotFound, Refused, AnswerNotUnderstood, DocumentTooLarge, SendRefused)
"""Errors that say nothing of the other documents."""
ABOUT_ALL = (ProviderError, NoSpaceLeft, NotSent, FloodLimited)

LEASE = timedelta(seconds=12)
"""How long after a kill another process, or the same one after its restart, goes on."""
ASK_AGAIN = 1.0
"""Seconds after which a press looks again whether a batch that is being sent has ended."""

Draw = Callable[[DocumentBatch], Awaitable[int | None]]
"""Shows how far it came. Returns the message's id, if there is one."""


@dataclass(frozen=True, slots=True)
class BatchEnd:
    """How a batch ended: ``stopped`` by somebody, or early because of ``why``. ``again`` asks for what did not come."""

    batch: DocumentBatch
    stopped: bool = False
    why: BotError | None = None
    again: DocumentBatch | None = None


class BatchStore(PendingStore, LeaseStore, Protocol):
    """What is stored of batches."""


class DocumentBatches:
    """Sends batches of documents. What is stored of them survives a stop, and is seen by all processes.

    Of several presses, on whichever processes, one sends at a time: the one that holds the batch's lease.
    """

    def __init__(self, documents: Documents, store: BatchStore, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._documents = documents
        self._store = store
        self._clock = clock
        self._sleep = sleep

    async def prepare(self, chat: Chat, place: Place, user_id: int, numbers: Sequence[int], at: str) -> DocumentBatch:
        """Keep a batch under the id ``at``. If there is one, return that: the same press has come again."""
        if (known := await self._store.pending(DocumentBatch, at)) is not None:
            return known
        expires_at = self._clock() + BATCH_LIFETIME
        batch = DocumentBatch(at, place, user_id, expires_at, link_of(chat).account, tuple(dict.fromkeys(numbers)))
        await self._keep(batch)
        return batch

    async def kept(self, at: str) -> DocumentBatch | None:
        """Return a batch as far as it has come."""
        return await self._store.pending(DocumentBatch, at)

    async def stop(self, chat: Chat, user_id: int, at: str) -> DocumentBatch:
        """Cancel a batch. What is under way still arrives. Raise :class:`QuestionOver`."""
        batch = await self._of_chat(chat, at)
        if batch.ended:
            raise QuestionOver
        await self._store.put_pending(StoppedBatch(at, batch.place, user_id, batch.expires_at), self._clock())
        return batch

    async def send(self, chat: Chat, at: str, post: PostDocument, draw: Draw) -> BatchEnd | None:
        """Send what is left of a batch by ``post``. None: it has ended before.

        Raise :class:`QuestionOver` if it is gone, :class:`NotLinked`, or a :class:`bot.errors.MessengerError` if the
        chat takes nothing any more.
        """
        lease = TimedLease(f"documents {at}", self._store, self._clock, LEASE, self._sleep)
        while not await lease.take():
            if (await self._of_chat(chat, at)).ended:
                return None
            await self._sleep(ASK_AGAIN)  # whoever sends it may have been killed
        async with lease.kept():
            batch = (await self._of_chat(chat, at)).taken_up()
            if batch.ended:
                return None
            if batch.account != link_of(chat).account:
                raise QuestionOver
            end = await self._send(chat, batch, lease, post, draw)
            if end is not None:
                return await self._end(end)
        return await self.send(chat, at, post, draw)

    async def _send(
        self, chat: Chat, batch: DocumentBatch, lease: TimedLease, post: PostDocument, draw: Draw
    ) -> BatchEnd | None:
        """Send what is left. None: this process stood still for so long that another may have taken it over."""
        drawn_at = None
        for number in batch.left:
            if not await lease.is_ours():
                return None
            if await self._is_stopped(batch):
                return BatchEnd(batch, stopped=True)
            if drawn_at is None or self._clock() - drawn_at >= PROGRESS_EVERY:
                drawn_at = self._clock()
                batch = replace(batch, message_id=await draw(batch) or batch.message_id)
            batch = replace(batch, sending=number)
            await self._keep(batch)
            try:
                await self._documents.send(chat, number, post)
            except ChatClosed:
                raise
            except DeliveryUncertain as error:
                log_failure("document of a batch may not have arrived", error, chat=chat.id)
                batch = replace(batch, unsure=(*batch.unsure, number), sending=None)
            except ABOUT_ONE as error:
                log_failure("document of a batch can't be had", error, chat=chat.id)
                batch = replace(batch, failed=(*batch.failed, number), sending=None)
            except ABOUT_ALL as error:
                log_failure("batch of documents ends early", error, chat=chat.id)
                return BatchEnd(replace(batch, sending=None), why=error)
            else:
                batch = replace(batch, came=(*batch.came, number), sending=None)
        return BatchEnd(batch) if await lease.is_ours() else None

    async def _is_stopped(self, batch: DocumentBatch) -> bool:
        if await self._store.pending(StoppedBatch, batch.id) is not None:
            return True
        if await self._store.pending(DocumentBatch, batch.id) is None:
            raise NotLinked  # unlinking deletes it
        return False

    async def _end(self, end: BatchEnd) -> BatchEnd:
        batch = replace(end.batch, ended=True)
        await self._keep(batch)
        if not batch.not_had:
            return replace(end, batch=batch)
        again = DocumentBatch(
            secrets.token_urlsafe(ID_BYTES),
            batch.place,
            batch.user_id,
            self._clock() + BATCH_LIFETIME,
            batch.account,
            tuple(batch.not_had),
        )
        await self._keep(again)
        return replace(end, batch=batch, again=again)

    async def _keep(self, batch: DocumentBatch) -> None:
        await self._store.put_pending(batch, self._clock())

    async def _of_chat(self, chat: Chat, at: str) -> DocumentBatch:
        batch = await self._store.pending(DocumentBatch, at)
        if batch is None or batch.place.chat_id != chat.id or not batch.holds(self._clock()):
            raise QuestionOver
        return batch

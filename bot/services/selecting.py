"""Tick several invoices: what was ticked is kept, and only the person who began goes on."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.chats import Chat, Member, Place
from bot.domain.selections import CHOSEN_AT_MOST, OFFERED_AT_MOST, Offer, Selection
from bot.domain.waits import still_lasts
from bot.errors import ConfirmationExpired, PressByOther, QuestionOver, TooManyChosen
from bot.ports import Clock, PendingStore
from bot.services.permissions import link_of


class Selecting:
    """Keeps selections, each for ``lifetime`` after its last press."""

    def __init__(self, store: PendingStore, clock: Clock, lifetime: timedelta) -> None:
        self._store = store
        self._clock = clock
        self.lifetime = lifetime

    def begun(
        self, chat: Chat, place: Place, user: Member, offers: Sequence[Offer], *, more: int = 0, **facts: Any
    ) -> Selection:
        """Return a new selection that offers as many of these as there is room for. It is not kept yet.

        There are ``more`` beside the ``offers``.

        Raise :class:`bot.errors.NotLinked`.
        """
        return Selection(
            id=secrets.token_urlsafe(9),
            place=place,
            account=link_of(chat).account,
            user_id=user.id,
            expires_at=self._clock() + self.lifetime,
            offers=tuple(offers[:OFFERED_AT_MOST]),
            more=more + max(0, len(offers) - OFFERED_AT_MOST),
            **facts,
        )

    async def keep(self, selection: Selection, **changes: Any) -> Selection:
        """Keep a selection with these changes."""
        now = self._clock()
        changed = replace(selection, **changes, expires_at=now + self.lifetime)
        await self._store.put_pending(changed, now)
        return changed

    async def of(self, selection_id: str, chat: Chat, user: Member) -> Selection:
        """Return a selection of this person in this chat.

        Raise :class:`ConfirmationExpired` or :class:`PressByOther`.
        """
        selection = await self._store.pending(Selection, selection_id)
        if selection is None or selection.place.chat_id != chat.id:
            raise ConfirmationExpired  # what was ticked may be under way
        if not still_lasts(selection.expires_at, self._clock(), self.lifetime):
            raise QuestionOver
        if selection.user_id != user.id:
            raise PressByOther
        if selection.account != link_of(chat).account:
            raise QuestionOver
        return selection

    async def shown_in(self, message_id: int | None, chat: Chat, user: Member) -> Selection | None:
        """Return what this person is ticking in a message, if anything."""
        now, account = self._clock(), link_of(chat).account
        for selection in await self._store.pending_of(Selection, chat.id, user.id):
            is_there = selection.message_id == message_id is not None and selection.account == account
            if is_there and still_lasts(selection.expires_at, now, self.lifetime):
                return selection
        return None

    async def turn(self, selection: Selection, page: int) -> Selection:
        """Show another page of what is offered."""
        return await self.keep(selection, page=page)

    async def withdraw(self, chat: Chat, user: Member) -> Sequence[Selection]:
        """End what this person is ticking in this chat, and return it."""
        now, withdrawn = self._clock(), list[Selection]()
        for selection in await self._store.pending_of(Selection, chat.id, user.id):
            if await self.end(selection) and still_lasts(selection.expires_at, now, self.lifetime):
                withdrawn.append(selection)
        return withdrawn

    async def end(self, selection: Selection) -> bool:
        """Forget a selection. Return False if it is gone already."""
        return await self._store.take_pending(Selection, selection.id) is not None


def ticked(selection: Selection, invoice_id: int | None, *, chosen: bool) -> Selection:
    """Choose an invoice, or with None all of them, or take that back. Raise :class:`TooManyChosen`."""
    ids = [offer.id for offer in selection.offers] if invoice_id is None else [invoice_id]
    changed = selection.with_choice(ids, chosen=chosen)
    if len(changed.chosen) > (at_most := CHOSEN_AT_MOST[selection.purpose]):
        raise TooManyChosen(at_most)
    return changed

"""Remember messages that show invoices, to draw them anew once the invoices stand otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bot.chat.context import Context
from bot.domain.chats import Chat
from bot.domain.invoices import Invoice
from bot.domain.live_messages import LiveMessage, state_of
from bot.errors import StoreAway
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore


async def keep_live(
    chats: ChatStore, context: Context, message_id: int, shows: str, invoices: Sequence[Invoice]
) -> None:
    """Remember a message. It was shown even if that fails. What another account has shown in it is over."""
    state = await off_loop(len(invoices) > HEAVY_COUNT, state_of, invoices)
    await _forget(chats, [chat for chat in context.accounts if chat.key != context.chat.key], message_id)
    with suppress(StoreAway):
        message = LiveMessage(message_id, context.place.topic_id, shows, state)
        await chats.set_live_message(context.chat.key, None, message)


async def forget_live(chats: ChatStore, context: Context) -> None:
    """Leave the message whose button was pressed as it is from now on, whichever account it showed."""
    await _forget(chats, context.accounts, context.message_id)


async def _forget(chats: ChatStore, accounts: Sequence[Chat], message_id: int | None) -> None:
    for chat in accounts:
        for message in chat.live:
            if message.message_id == message_id:
                with suppress(StoreAway):
                    await chats.set_live_message(chat.key, message, None)

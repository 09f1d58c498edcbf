"""Remember messages that show invoices, to draw them anew once the invoices stand otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bot.chat.context import Context
from bot.domain.invoices import Invoice
from bot.domain.live_messages import LiveMessage, state_of
from bot.errors import StoreAway
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore


async def keep_live(
    chats: ChatStore, context: Context, message_id: int, shows: str, invoices: Sequence[Invoice]
) -> None:
    """Remember a message. It was shown even if that fails."""
    state = await off_loop(len(invoices) > HEAVY_COUNT, state_of, invoices)
    with suppress(StoreAway):
        message = LiveMessage(message_id, context.place.topic_id, shows, state)
        await chats.set_live_message(context.chat.key, None, message)


async def forget_live(chats: ChatStore, context: Context) -> None:
    """Leave the message whose button was pressed as it is from now on."""
    for message in context.chat.live:
        if message.message_id == context.message_id:
            with suppress(StoreAway):
                await chats.set_live_message(context.chat.key, message, None)

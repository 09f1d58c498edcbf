"""Messages that show invoices, as they are drawn anew."""

from __future__ import annotations

from datetime import datetime

from bot.chat.screens import Screen
from bot.chat.texts import Texts
from bot.chat.views.invoice_choice import invoice_choice
from bot.chat.views.invoice_details import invoice_details
from bot.chat.views.invoice_list import invoice_list
from bot.chat.views.jumping import jump_menu
from bot.domain.chats import NO_SILENCE, Chat
from bot.domain.invoices import Listing
from bot.domain.live_messages import ASK, CHOOSE, FILTER, JUMP, SHOW, LiveMessage
from bot.domain.queries import ListPage


def redrawn(t: Texts, message: LiveMessage, shown: Listing, chat: Chat, now: datetime) -> Screen:
    """Return a message with the invoices in it as they stand now."""
    if message.kind in {SHOW, ASK}:
        (invoice,) = shown.invoices
        silence = chat.silences.get(invoice.id, NO_SILENCE) if invoice.may_be_owed else None
        return invoice_details(t, invoice, now, message.page, silence)
    if message.kind == CHOOSE:
        return invoice_choice(t, message.subject, shown, now, message.number)
    credit = chat.link.credit.credit if chat.link is not None else None
    page = message.page or ListPage()
    if message.kind == JUMP:
        return jump_menu(t, shown, page, int(message.subject))
    return invoice_list(t, shown, page, now, filtering=message.kind == FILTER, credit=credit)

"""/pdf, and the provider's own archive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from telegram.constants import ChatAction

from bot.chat import sending
from bot.chat.context import Context
from bot.chat.handlers.invoices import TRANSACTIONS, read_query
from bot.chat.invoice_numbers import for_each, numbers_of
from bot.chat.screens import Screen
from bot.chat.views.documents import caption
from bot.domain.queries import ItemKind
from bot.domain.schedule import CheckPlan
from bot.errors import DeliveryUncertain, FloodLimited, NotSent, SendRefused
from bot.ports import Clock, InvoiceDocument, PostDocument
from bot.services.browsing import Browsing
from bot.services.documents import Documents

log = structlog.get_logger()


UNSENT = (SendRefused, DeliveryUncertain, NotSent, FloodLimited)
"""Why a file does not arrive where a sentence may."""


class DocumentHandlers:
    """Downloading invoices."""

    def __init__(self, documents: Documents, browsing: Browsing, plan: CheckPlan, clock: Clock) -> None:
        self._documents = documents
        self._browsing = browsing
        self._plan = plan
        self._clock = clock

    async def pdf(self, context: Context) -> None:
        """/pdf NUMBER, also several, and its button."""
        numbers = await numbers_of(context, "pdf")

        async def send(number: int) -> None:
            async with _uploading(context):
                await self._documents.send(context.chat, number, self.post_to(context))

        await for_each(context, numbers, send)

    async def xml(self, context: Context) -> None:
        """Send the XML of an e-invoice as a file of its own."""
        numbers = await numbers_of(context, "pdf")

        async def send(number: int) -> None:
            async with _uploading(context), self._documents.xml(context.chat, number) as document:
                await context.send_document(document, protected=self._plan.preferences(context.chat).protected)

        await for_each(context, numbers, send)

    async def archive(self, context: Context) -> None:
        """/archive [TYPE] [transactions]."""
        query = read_query(context, [ItemKind.HOSTING, ItemKind.DOMAIN, TRANSACTIONS])
        async with _uploading(context), self._browsing.archive(context.chat, query) as document:
            await context.send_document(document, protected=self._plan.preferences(context.chat).protected)

    def post_to(self, context: Context) -> PostDocument:
        """Return what sends a document as an answer."""

        async def post(document: InvoiceDocument) -> str:
            protected = self._plan.preferences(context.chat).protected
            below = caption(context.t, document, self._clock())
            return await context.send_document(document.file, below, protected=protected)

        return post


@asynccontextmanager
async def _uploading(context: Context) -> AsyncIterator[None]:
    """Show that a file is on its way, and say so if it can't be sent."""
    try:
        async with sending.showing_action(context.bot, context.place, ChatAction.UPLOAD_DOCUMENT):
            yield
    except UNSENT as error:
        log.warning("document can't be sent", chat=context.chat.id, error=str(error))
        await context.reply(Screen(context.t("document.not_sent")))

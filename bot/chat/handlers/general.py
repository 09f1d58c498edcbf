"""/help, /status, /check, /export, and what the bot does not understand."""

from __future__ import annotations

import io
import json

import structlog
from telegram.constants import ChatAction

from bot.chat import sending
from bot.chat.context import Context
from bot.chat.group_roles import check_owner
from bot.chat.screens import Screen
from bot.chat.views import general
from bot.domain.chats import Place
from bot.errors import ChatClosed, ChatGone, MessengerError
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Clock, Document
from bot.services.checks import Checker
from bot.services.credit import Credits
from bot.services.permissions import link_of

log = structlog.get_logger()


class GeneralHandlers:
    """What concerns the bot itself."""

    def __init__(self, store: ChatStore, checker: Checker, credit: Credits, clock: Clock) -> None:
        self._store = store
        self._credits = credit
        self._checker = checker
        self._clock = clock

    async def help(self, context: Context) -> None:
        """/help."""
        await context.reply(general.help_page(context.t, context.chat, private=context.private))

    async def status(self, context: Context) -> None:
        """/status."""
        link = link_of(context.chat)
        waiting = await self._store.waiting_alerts(context.chat.key)
        known = await self._store.known_invoices(context.chat.key)
        credit = await self._credits.of(context.chat)
        debts = [invoice.debt for invoice in known.values() if invoice.may_be_owed]
        await context.reply(general.status(context.t, context.chat, link, waiting, self._clock(), credit, debts))

    async def check(self, context: Context) -> None:
        """/check, and the button that tries again after a failure."""

        async def say_so() -> None:
            await context.tell(context.t("check.waits"))

        async with sending.showing_action(context.bot, context.place, ChatAction.TYPING):
            listing = await self._checker.check_now(context.chat, say_so)
        heavy = len(listing.invoices) > HEAVY_COUNT
        await context.reply(await off_loop(heavy, general.checked, context.t, listing))

    async def export(self, context: Context) -> None:
        """/export: send all that is stored of a chat, in private. For a group, only the owner of its link may ask."""
        if context.private:
            await context.send_document(await self._everything(context))
            return
        check_owner(link_of(context.chat), context.person)
        try:
            await context.send_document(await self._everything(context), elsewhere=Place(context.user_id))
        except MessengerError as error:
            log.info("export not delivered", chat=context.chat.id, error=str(error))
            unknown = isinstance(error, ChatGone | ChatClosed)  # a bot can't start a conversation
            await context.reply(Screen(context.t("export.not_sent" if unknown else "document.not_sent")))
        else:
            await context.reply(Screen(context.t("export.sent")))

    async def _everything(self, context: Context) -> Document:
        everything = await self._store.everything_of(context.chat.id)
        content = json.dumps(everything, ensure_ascii=False, indent=2).encode()
        return Document(f"invoice-bot-{context.chat.id}.json", io.BytesIO(content), len(content))

    async def unknown_command(self, context: Context) -> None:
        """A command that the bot does not have."""
        await context.reply(Screen(context.t("command.unknown")))

    async def unknown_button(self, context: Context) -> None:
        """A button of an older version, or forged callback data."""
        await context.tell(context.t("button.unknown"))

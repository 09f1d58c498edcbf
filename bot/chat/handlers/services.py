"""A service's row of prices, and its name: their buttons, and /name."""

from __future__ import annotations

from bot.chat.context import Context
from bot.chat.invoice_numbers import read_number
from bot.chat.screens import QUOTE_LIMIT, cut
from bot.chat.views import service_history as views
from bot.errors import InvoiceNumberMissing, NotANumber
from bot.services.permissions import check_in_charge, link_of
from bot.services.service_history import ServiceHistory, read_service


class ServiceHandlers:
    """Buttons name a service by an invoice, and by its number among that invoice's services, from 0."""

    def __init__(self, history: ServiceHistory) -> None:
        self._history = history

    async def row(self, context: Context) -> None:
        """The button that shows what a service has cost. Of an invoice with several, first ask which is meant."""
        match [int(word) for word in context.words if word.isascii() and word.isdecimal()]:
            case [invoice_id]:
                invoice, services = await self._history.services(context.chat, invoice_id)
                if len(services) > 1:
                    await context.reply(views.which_service(context.t, invoice, services))
                else:
                    await self._show(context, invoice_id)
            case [invoice_id, number, *page]:
                await self._show(context, invoice_id, number, page[0] if page else None)
            case _:
                await context.tell(context.t("button.unknown"))

    async def _show(self, context: Context, invoice_id: int, number: int = 0, page: int | None = None) -> None:
        """Show a row as a new message, so that the details stay. Turning its pages changes it."""
        service = await self._history.service(context.chat, invoice_id, number)
        row = await self._history.row(context.chat, service)
        may_name = link_of(context.chat).may_pay(context.user_id)
        screen = views.history(context.t, row, f"{invoice_id}:{number}", page or 0, may_name=may_name)
        await (context.reply(screen) if page is None else context.show(screen))

    async def ask_for_name(self, context: Context) -> None:
        """The button that gives a service a name: the next message is it."""
        match [int(word) for word in context.words if word.isascii() and word.isdecimal()]:
            case [invoice_id, number]:
                check_in_charge(context.chat, context.user_id)
                if context.private:
                    service = await self._history.service(context.chat, invoice_id, number)
                    await self._history.ask_for_name(context.chat, service)
                question = views.name_question(context.t, f"{invoice_id}:{number}", private=context.private)
                await context.reply(question)
            case _:
                await context.tell(context.t("button.unknown"))

    async def take_name(self, context: Context, about: str) -> None:
        """The message that was asked for."""
        check_in_charge(context.chat, context.user_id)
        name = await self._history.name(context.chat, read_service(about), context.text)
        await context.reply(views.name_saved(context.t, name))

    async def name(self, context: Context) -> None:
        """/name NUMBER[/SERVICE] NAME. The second number says which of an invoice's services is meant, from 0."""
        link_of(context.chat)
        check_in_charge(context.chat, context.user_id)
        if not context.words:
            raise InvoiceNumberMissing("name")
        word, *name = context.words
        first, _, second = word.partition("/")
        invoice_id, number = read_number(first), int(second) if second.isascii() and second.isdecimal() else 0
        if invoice_id is None:
            raise NotANumber(context.t.plain("numbers.word", word=cut(word, QUOTE_LIMIT)), "name")
        service = await self._history.service(context.chat, invoice_id, number)
        if name:
            said = await self._history.name(context.chat, service, " ".join(name))
            await context.reply(views.name_saved(context.t, said))
        elif context.private:
            await self._history.ask_for_name(context.chat, service)
            await context.reply(views.name_question(context.t, f"{invoice_id}:{number}", private=True))
        else:
            await context.reply(views.name_question(context.t, f"{invoice_id}:{number}", private=False))

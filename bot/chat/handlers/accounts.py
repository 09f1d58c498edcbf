"""/accounts, and the commands that name an invoice in a chat with several accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.chat import boards
from bot.chat.context import Context
from bot.chat.dispatch import Handle, Locate
from bot.chat.group_roles import check_owner_or_administrator
from bot.chat.invoice_numbers import ABOUT_ONE, numbers_of, read_number
from bot.chat.screens import QUOTE_LIMIT, Screen, cut, one_line
from bot.chat.views import accounts as views
from bot.chat.views.general import mark_of
from bot.errors import AccountNameTooLong, CommandNeeded, ProviderError
from bot.ports import ChatStore
from bot.services.browsing import Browsing
from bot.services.linking import Linking
from bot.services.permissions import check_in_charge, link_of


class AccountHandlers:
    """What tells the accounts of a chat apart. All other handlers work on one of them."""

    def __init__(self, chats: ChatStore, linking: Linking, browsing: Browsing) -> None:
        self._chats = chats
        self._linking = linking
        self._browsing = browsing

    async def accounts(self, context: Context) -> None:
        """/accounts."""
        link_of(context.chat)
        await self._show(context)

    async def press(self, context: Context) -> None:
        """The buttons to rename an account or to remove it. A removal holds only for the link that was asked about."""
        link = link_of(context.chat)
        match context.words:
            case ["rename"]:
                check_in_charge(context.chat, context.user_id)
                if not context.private:
                    raise CommandNeeded
                await self._linking.ask_for_name(context.chat)
                await context.reply(views.name_question(context.t, context.chat))
            case ["remove"]:
                await check_owner_or_administrator(context, link)
                await context.show(views.removal_question(context.t, context.chat))
            case ["gone", mark] if mark == mark_of(link):
                await check_owner_or_administrator(context, link)
                await self._remove(context)
            case _:
                raise CommandNeeded

    async def take_name(self, context: Context, _: str) -> None:
        """Take a message as the account's name."""
        check_in_charge(context.chat, context.user_id)
        name = " ".join(context.text.split())
        if len(one_line(name, views.NAME_LENGTH)) < len(name):
            await self._linking.ask_for_name(context.chat)
            raise AccountNameTooLong(cut(name, QUOTE_LIMIT), views.NAME_LENGTH)
        await self._linking.rename(context.chat, "" if name == "-" else name)
        await self._show(context)

    def located(self, command: str, word: str) -> Locate:
        """Return a function that finds out which account has the invoices that a command names, and works on that.

        ``word`` is that of the button that does the same. If several accounts have a number, people are asked.
        """

        async def locate(handle: Handle, context: Context) -> bool:
            for number in await numbers_of(context, command):
                await self._locate(context, handle, word, number)
            return True

        return locate

    def typed(self, number_in: Callable[[Context], int | None]) -> Locate:
        """Return a function that works on the account that has the invoice whose number was typed, if one has it."""

        async def locate(handle: Handle, context: Context) -> bool:
            number = number_in(context)
            if number is None:
                return False
            try:
                having = await self._browsing.accounts_with(context.accounts, number)
            except ProviderError:
                return False  # a search in each account says why
            if len(having) > 1:
                await context.reply(views.which_account(context.t, having, "show", number))
            else:
                context.use(having[0])
                await handle(context)
            return True

        return locate

    async def by_first_number(self, handle: Handle, context: Context) -> bool:
        """Find out which account has the invoice whose number begins the command, as in ``/name 4711 My shop``."""
        number = read_number(context.words[0].partition("/")[0]) if context.words else None
        if number is None:
            await handle(context)  # it says what is missing
        else:
            await self._locate(context, handle, "row", number, context.words)
        return True

    async def _locate(
        self, context: Context, handle: Handle, word: str, number: int, words: Sequence[str] = ()
    ) -> None:
        """Work on the account that has an invoice, with these ``words``, or with its number alone."""
        try:
            having = await self._browsing.accounts_with(context.accounts, number)
        except ProviderError as error:
            why = context.t.error(error)
            await context.reply(Screen(context.t("numbers.failed", id=number, why=why), of_chat=True))
            return
        if len(having) > 1:
            await context.reply(views.which_account(context.t, having, word, number))
            return
        context.use(having[0])
        context.words = [*words] or [str(number)]
        try:
            await handle(context)
        except ABOUT_ONE as error:
            await context.reply(Screen(context.t("numbers.failed", id=number, why=context.t.error(error))))

    async def _remove(self, context: Context) -> None:
        chat = context.chat
        if len(context.accounts) == 1:
            await self._linking.unlink(chat)
        else:
            await self._linking.remove(chat)
        await boards.take_away(context.bot, chat, context.t)
        context.accounts = await self._chats.accounts(chat.id)
        context.use(context.accounts[0])
        if context.chat.link is None:
            await context.show(Screen(context.t("unlink.done"), of_chat=True))
        else:
            await context.show(views.accounts_page(context.t, context.accounts, private=context.private))

    async def _show(self, context: Context) -> None:
        context.accounts = await self._chats.accounts(context.chat.id)
        await context.show(views.accounts_page(context.t, context.accounts, private=context.private))

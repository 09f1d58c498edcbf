"""/link and /unlink."""

from __future__ import annotations

from datetime import datetime

from bot.chat import boards
from bot.chat.context import Context
from bot.chat.dispatch import Handle
from bot.chat.group_roles import check_administrator, check_owner_or_administrator
from bot.chat.handlers.groups import GroupHandlers
from bot.chat.handlers.invoices import InvoiceHandlers
from bot.chat.screens import Screen
from bot.chat.views import accounts, general
from bot.domain.chats import Token
from bot.domain.start_links import invoice_linked
from bot.domain.tokens import asks_to_link, is_sentence, looks_like_token, token_in
from bot.errors import (
    AnswerNotUnderstood,
    CommandNeeded,
    InvitationVoid,
    LinkInUse,
    LinkWouldBeReplaced,
    NotAToken,
    ProviderDown,
    ProviderError,
    RateLimited,
    RoleUnknown,
    TokenPaused,
    UserError,
)
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Clock
from bot.services.linking import Linking
from bot.services.permissions import link_of

FOR_A_WHILE = (AnswerNotUnderstood, LinkInUse, ProviderDown, RateLimited, RoleUnknown, TokenPaused)
"""Errors after which the same token may be good a little later."""


class LinkHandlers:
    """Linking a chat to an account, and unlinking it."""

    def __init__(
        self, linking: Linking, groups: GroupHandlers, invoices: InvoiceHandlers, chats: ChatStore, clock: Clock
    ) -> None:
        self._linking = linking
        self._groups = groups
        self._invoices = invoices
        self._chats = chats
        self._clock = clock

    async def expect_token(self, context: Context, opens: str = "") -> None:
        """Take the chat's next message as its token. What a link ``opens`` is shown after that."""
        await self._linking.expect_token(context.chat, opens)

    async def link(self, context: Context) -> None:
        """/link TOKEN, or /link and then the token. In a group: lead into the private chat."""
        if not context.private:
            if context.words:
                await self._warn_group(context)
            await self._groups.invite(context)
        elif context.words:
            await self._take(context)
        else:
            await self._linking.expect_token(context.chat)
            await context.reply(Screen(general.how_to_link(context.t)))

    async def secret(self, context: Context) -> None:
        """A message in which a word has a token's form, whatever else it says."""
        await self._take(context)

    async def shown_to_group(self, context: Context) -> None:
        """A command to us that shows a group such a word."""
        await self._warn_group(context)
        await self._groups.invite(context)

    def expecting_token(self, otherwise: Handle) -> Handle:
        """Return a handler of plain text that takes it as the token, where the chat was asked for one."""

        async def handle(context: Context) -> None:
            expected = self._linking.expects_token(context.chat)
            if context.text and (expected or asks_to_link(context.text)):
                await self._take(context)
            elif expected:
                await context.reply(Screen(context.t("link.as_text")))
            else:
                await otherwise(context)

        return handle

    async def token_answer(self, context: Context) -> None:
        """The answer whether to use a token. If that fails for a while only, the buttons stay."""
        match context.words:
            case [answer, offer_id]:
                offer, token = await self._linking.offered(offer_id, context.person)
            case _:
                raise CommandNeeded
        if answer not in {"yes", "add"}:
            await self._linking.forget_offer(offer_id)
            await context.show(Screen(context.t("token.forgotten")))
            return
        try:
            if offer.invitation_id:
                await self._groups.link(context, token, offer.invitation_id, offer.replaces, adding=answer == "add")
            else:
                await self._link(context, token, offer.replaces, adding=answer == "add")
        except FOR_A_WHILE:
            raise
        except (UserError, ProviderError) as error:
            await context.show(Screen(context.t.error(error)))
        await self._linking.forget_offer(offer_id)

    async def unlink(self, context: Context) -> None:
        """/unlink: ask first."""
        if context.unreadable:
            await check_administrator(context)
            await context.reply(general.unlink_unreadable_question(context.t))
            return
        link = link_of(context.chat)
        await check_owner_or_administrator(context, link)
        if len(context.accounts) > 1:
            await context.reply(accounts.which_to_remove(context.t, context.accounts))
        else:
            await context.reply(general.unlink_question(context.t, link))

    async def unlink_answer(self, context: Context) -> None:
        """The answer to that question. It holds only for the link that was asked about, not for a later one."""
        link, mark = context.chat.link, None
        if context.unreadable:
            await check_administrator(context)
            mark = general.UNREADABLE
        elif link is not None:
            await check_owner_or_administrator(context, link)
            mark = general.mark_of(link)
        if context.words == ["no"]:
            await context.show(Screen(context.t("unlink.kept")))
        elif mark is not None and context.words != ["yes", mark]:
            raise CommandNeeded
        else:
            # A press can arrive twice (tdlib/telegram-bot-api issue #699). The second rightly finds nothing.
            await self._linking.unlink(context.chat)
            for chat in context.accounts:
                await boards.take_away(context.bot, chat, context.t)
            await context.show(Screen(context.t("unlink.done")))

    async def _take(self, context: Context) -> None:
        """Take the token from a message, which is deleted first. Where nobody asked for one, nothing is sent.

        A sentence in its place, such as a question, is no secret.
        """
        deleted = is_sentence(context.text) or await context.delete_message()
        try:
            await self._use(context)
        except (UserError, ProviderError) as error:
            await context.explain(error)
        if not deleted:
            await context.reply(Screen(context.t("link.not_deleted")))

    async def _use(self, context: Context) -> None:
        """Link with the token in a message, for whatever it was sent. After a mistake, it can just be sent again."""
        token, link, by_command = token_in(context.text), context.chat.link, asks_to_link(context.text)
        again = link is not None and link.message_id == context.message_id is not None  # after a crash
        asked = by_command or again or self._linking.expects_token(context.chat)
        opened = invoice_linked(context.chat.awaiting_for)
        if context.chat.awaiting_for and opened is None and not by_command:
            if token is None:
                raise NotAToken
            await self._groups.take_token(context, token)
        elif token is not None and link is not None and not asked:
            offer = await self._linking.offer(context.place, context.person, token, None)
            await self._linking.offer_shown(offer, await context.reply(general.was_it_a_token(context.t, offer)))
        else:
            try:
                await self._link(context, token)
            except (UserError, ProviderError):
                if asked:
                    await self._linking.expect_token(context.chat, context.chat.awaiting_for if opened else "")
                raise
            if opened is not None:
                await self._open_invoice(context, opened)

    async def _link(
        self, context: Context, token: Token | None, replacing: datetime | None = None, *, adding: bool = False
    ) -> None:
        """Link this chat, or ask first if it is linked to another account."""
        if token is None:
            raise NotAToken
        try:
            asked_in = None if context.query is not None else context.message_id
            listing = await self._linking.link(
                context.chat,
                context.place,
                context.person,
                token,
                replacing=replacing,
                message_id=asked_in,
                adding=adding,
            )
        except LinkWouldBeReplaced as error:
            offer = await self._linking.offer(context.place, context.person, token, error.linked_at)
            screen = general.replace_question(context.t, offer, several=error.accounts > 1)
            await self._linking.offer_shown(offer, await context.show(screen))
        else:
            await self._use_account(context, token)
            heavy = len(listing.invoices) > HEAVY_COUNT
            await context.show(await off_loop(heavy, general.linked, context.t, listing, self._clock()))

    async def _use_account(self, context: Context, token: Token) -> None:
        """Speak of the account that was just linked."""
        context.accounts = await self._chats.accounts(context.chat.id)
        linked = [chat for chat in context.accounts if chat.link is not None and chat.link.token == token]
        if linked:
            context.use(linked[0])

    async def _open_invoice(self, context: Context, number: int) -> None:
        """Show what the link led to that brought the person here, if the chat is linked by now."""
        if context.chat.link is not None:
            await self._invoices.show(context, number)

    async def open(self, context: Context, nonce: str) -> None:
        """Open an invitation. What is none may be a token of the same form."""
        try:
            await self._groups.open(context, nonce)
        except InvitationVoid:
            if looks_like_token(nonce):
                await context.delete_message()
            raise

    @staticmethod
    async def _warn_group(context: Context) -> None:
        deleted = await context.delete_message()
        await context.reply(Screen(context.t("link.shown_to_group" if deleted else "link.shown_to_group_and_there")))

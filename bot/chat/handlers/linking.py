"""/link and /unlink."""

from __future__ import annotations

from bot.chat.context import Context
from bot.chat.group_roles import check_administrator, check_owner_or_administrator
from bot.chat.handlers.groups import GroupHandlers
from bot.chat.screens import Screen
from bot.chat.views import general
from bot.domain.invitations import INVITATION_NONCE_FORM
from bot.errors import CommandNeeded, LinkInUse, NotAToken, NotLinked, ProviderError
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import Clock
from bot.services.linking import Linking, looks_like_token, read_token
from bot.services.permissions import link_of


class LinkHandlers:
    """Linking a chat to an account, and unlinking it."""

    def __init__(self, linking: Linking, groups: GroupHandlers, clock: Clock) -> None:
        self._linking = linking
        self._groups = groups
        self._clock = clock

    async def start(self, context: Context) -> None:
        """/start: say what the bot is and, in a chat without a link, how to make one. Groups' deep links lead here."""
        if context.private and context.words and INVITATION_NONCE_FORM.fullmatch(context.words[0]):
            await self._groups.open(context, context.words[0])
            return
        if context.chat.link is not None:
            await context.reply(general.help_page(context.t, context.chat, private=context.private))
            return
        if context.private:
            await self._linking.expect_token(context.chat)
        await context.reply(general.welcome(context.t, private=context.private))

    async def link(self, context: Context) -> None:
        """/link TOKEN, or /link and then the token. In a group: lead into the private chat."""
        if not context.private:
            if context.words:
                await self._warn_group(context)
            await self._groups.invite(context)
        elif context.words:
            await self._link(context, " ".join(context.words))
        else:
            await self._linking.expect_token(context.chat)
            await context.reply(Screen(general.how_to_link(context.t)))

    async def text(self, context: Context) -> None:
        """A message without a command: take it as the token if it can be one, else give a hint."""
        text, caption = (context.message.text, context.message.caption) if context.message else (None, None)
        expected = self._linking.expects_token(context.chat)
        if text and (expected or looks_like_token(text)):
            await (self._groups.take_token if context.chat.awaiting_for else self._link)(context, text)
        elif expected or (caption and _shows_token(caption)):
            await self._ask_for_text(context, caption)
        elif context.chat.link is not None:
            await context.reply(Screen(context.t("text.hint")))
        else:
            raise NotLinked

    async def unlink(self, context: Context) -> None:
        """/unlink: ask first."""
        if context.unreadable:
            await check_administrator(context)
            await context.reply(general.unlink_unreadable_question(context.t))
            return
        link = link_of(context.chat)
        await check_owner_or_administrator(context, link)
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
            await context.show(Screen(context.t("unlink.done")))

    async def _link(self, context: Context, text: str) -> None:
        deleted = await context.delete_message()
        try:
            listing = await self._linking.link(context.chat, context.place, context.person, read_token(text))
        except (NotAToken, LinkInUse, ProviderError) as error:
            # After a typo or an outage, the person can just send it again.
            await self._linking.expect_token(context.chat)
            await context.explain(error)
        else:
            heavy = len(listing.invoices) > HEAVY_COUNT
            await context.reply(await off_loop(heavy, general.linked, context.t, listing, self._clock()))
        if not deleted:
            await context.reply(Screen(context.t("link.not_deleted")))

    async def _ask_for_text(self, context: Context, caption: str | None) -> None:
        deleted = not caption or await context.delete_message()
        if not context.chat.awaiting_for:
            await self._linking.expect_token(context.chat)
        await context.reply(Screen(context.t("link.as_text")))
        if not deleted:
            await context.reply(Screen(context.t("link.not_deleted")))

    @staticmethod
    async def _warn_group(context: Context) -> None:
        deleted = await context.delete_message()
        await context.reply(Screen(context.t("link.shown_to_group" if deleted else "link.shown_to_group_and_there")))


def _shows_token(caption: str) -> bool:
    """Return whether a file's caption is most likely a token, or /link with one: there, a command is mere text."""
    command, _, rest = caption.strip().partition(" ")
    return looks_like_token(caption) or (command.partition("@")[0].lower() == "/link" and rest.strip() != "")

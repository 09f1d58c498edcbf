"""/link and /unlink."""

from __future__ import annotations

from bot.chat.handlers.groups import GroupHandlers
from bot.chat.roles import check_ruler
from bot.chat.screens import Screen
from bot.chat.talk import Talk
from bot.chat.views import general
from bot.domain.invitations import NONCE_FORM
from bot.errors import LinkInUse, NotAToken, NotLinked, ProviderError
from bot.ports import Clock
from bot.services.linking import Linking, looks_like_token, read_token


class LinkHandlers:
    """What ties a chat to an account."""

    def __init__(self, linking: Linking, groups: GroupHandlers, clock: Clock) -> None:
        self._linking = linking
        self._groups = groups
        self._clock = clock

    async def start(self, talk: Talk) -> None:
        """/start: what the bot is, and for a chat that isn't linked the way to do it. Or the way here from a group."""
        if talk.private and talk.words and NONCE_FORM.fullmatch(talk.words[0]):
            await self._groups.open(talk, talk.words[0])
            return
        if talk.chat.link is not None:
            await talk.reply(general.help_page(talk.t, talk.chat, private=talk.private))
            return
        if talk.private:
            await self._linking.expect_token(talk.chat)
        await talk.reply(general.welcome(talk.t, private=talk.private))

    async def link(self, talk: Talk) -> None:
        """/link TOKEN, or /link and then the token; in a group, the way into the private chat."""
        if not talk.private:
            if talk.words:
                await self._warn_group(talk)
            await self._groups.invite(talk)
        elif talk.words:
            await self._link(talk, " ".join(talk.words))
        else:
            await self._linking.expect_token(talk.chat)
            await talk.reply(Screen(general.how_to_link(talk.t)))

    async def text(self, talk: Talk) -> None:
        """A message that is no command: the token, if it is expected or looks like one; else a hint."""
        text, caption = (talk.message.text, talk.message.caption) if talk.message else (None, None)
        expected = self._linking.expects_token(talk.chat)
        if text and (expected or looks_like_token(text)):
            await (self._groups.take_token if talk.chat.awaiting_for else self._link)(talk, text)
        elif expected or (caption and _shows_token(caption)):
            await self._ask_for_text(talk, caption)
        elif talk.chat.link is not None:
            await talk.reply(Screen(talk.t("text.hint")))
        else:
            raise NotLinked

    async def unlink(self, talk: Talk) -> None:
        """/unlink: asks first."""
        if talk.chat.link is None:
            raise NotLinked
        await check_ruler(talk, talk.chat.link)
        await talk.reply(general.unlink_question(talk.t, talk.chat.link))

    async def unlink_answer(self, talk: Talk) -> None:
        """The answer to that question, which was about one link only: none that came after it."""
        link = talk.chat.link
        if link is not None:
            await check_ruler(talk, link)
        if talk.words == ["no"]:
            await talk.show(Screen(talk.t("unlink.kept")))
        elif link is not None and talk.words != ["yes", general.mark_of(link)]:
            await talk.tell(talk.t("button.unknown"))
        else:
            # A press can arrive twice (tdlib/telegram-bot-api issue #699); that the second finds nothing is right.
            await self._linking.unlink(talk.chat)
            await talk.show(Screen(talk.t("unlink.done")))

    async def _link(self, talk: Talk, text: str) -> None:
        deleted = await talk.delete_message()
        try:
            listing = await self._linking.link(talk.chat, talk.place, talk.person, read_token(text))
        except (NotAToken, LinkInUse, ProviderError) as error:
            # Whoever mistyped it, or was too early, can just send it again.
            await self._linking.expect_token(talk.chat)
            await talk.explain(error)
        else:
            await talk.reply(general.linked(talk.t, listing, self._clock()))
        if not deleted:
            await talk.reply(Screen(talk.t("link.not_deleted")))

    async def _ask_for_text(self, talk: Talk, caption: str | None) -> None:
        deleted = not caption or await talk.delete_message()
        if not talk.chat.awaiting_for:
            await self._linking.expect_token(talk.chat)
        await talk.reply(Screen(talk.t("link.as_text")))
        if not deleted:
            await talk.reply(Screen(talk.t("link.not_deleted")))

    @staticmethod
    async def _warn_group(talk: Talk) -> None:
        deleted = await talk.delete_message()
        await talk.reply(Screen(talk.t("link.shown_to_group" if deleted else "link.shown_to_group_and_there")))


def _shows_token(caption: str) -> bool:
    """Whether a file's caption, where a command is mere text, is most likely a token or /link with one."""
    command, _, rest = caption.strip().partition(" ")
    return looks_like_token(caption) or (command.partition("@")[0].lower() == "/link" and rest.strip() != "")

"""/help, /status, /check, /language, and what nobody understands."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.context import Context
from bot.chat.screens import Screen, cut
from bot.chat.texts import TextsFor
from bot.chat.views import general
from bot.domain.chats import LANGUAGES
from bot.ports import ChatStore, Clock
from bot.services.checks import Checker
from bot.services.permissions import check_in_charge, link_of

AUTO = "auto"
LONGEST_WORD = 40
"""How much of a word that is no language is said back."""


class GeneralHandlers:
    """What has to do with the bot itself."""

    def __init__(self, store: ChatStore, checker: Checker, texts_for: TextsFor, clock: Clock) -> None:
        self._store = store
        self._checker = checker
        self._texts_for = texts_for
        self._clock = clock

    async def help(self, context: Context) -> None:
        """/help."""
        await context.reply(general.help_page(context.t, context.chat, private=context.private))

    async def status(self, context: Context) -> None:
        """/status."""
        link = link_of(context.chat)
        waiting = await self._store.waiting_alerts(context.chat.id)
        await context.reply(general.status(context.t, context.chat, link, waiting, self._clock()))

    async def check(self, context: Context) -> None:
        """/check, and the button that tries again after a trouble."""
        listing = await self._checker.check_now(context.chat)
        await context.reply(general.checked(context.t, listing))

    async def language(self, context: Context) -> None:
        """/language [LANGUAGE|auto], and its buttons."""
        if not context.words:
            await context.reply(general.languages(context.t, context.chat.language))
            return
        wish = context.words[0].lower()
        if wish not in {*LANGUAGES, AUTO}:
            unknown = cut(context.words[0], LONGEST_WORD)
            await context.reply(general.languages(context.t, context.chat.language, unknown=unknown))
            return
        check_in_charge(context.chat, context.user_id)
        chosen = None if wish == AUTO else wish
        await self._store.set_language(context.chat.id, chosen)
        t = self._texts_for(replace(context.chat, language=chosen))
        await context.show(general.languages(t, chosen))

    async def unknown_command(self, context: Context) -> None:
        """A command that the bot doesn't have."""
        await context.reply(Screen(context.t("command.unknown")))

    async def unknown_button(self, context: Context) -> None:
        """A button of an older version, or callback data that was never ours."""
        await context.tell(context.t("button.unknown"))

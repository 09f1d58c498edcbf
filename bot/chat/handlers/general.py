"""/help, /status, /check, /language, and what nobody understands."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.screens import Screen, cut
from bot.chat.talk import Talk
from bot.chat.texts import Speak
from bot.chat.views import general
from bot.domain.chats import LANGUAGES
from bot.errors import NotLinked
from bot.ports import ChatStore, Clock
from bot.services.monitoring import Monitor
from bot.services.permitting import check_in_charge

AUTO = "auto"
LONGEST_WORD = 40
"""How much of a word that is no language is said back."""


class GeneralHandlers:
    """What has to do with the bot itself."""

    def __init__(self, store: ChatStore, monitor: Monitor, speak: Speak, clock: Clock) -> None:
        self._store = store
        self._monitor = monitor
        self._speak = speak
        self._clock = clock

    async def help(self, talk: Talk) -> None:
        """/help."""
        await talk.reply(general.help_page(talk.t, talk.chat, private=talk.private))

    async def status(self, talk: Talk) -> None:
        """/status."""
        if talk.chat.link is None:
            raise NotLinked
        waiting = await self._store.waiting_alerts(talk.chat.id)
        await talk.reply(general.status(talk.t, talk.chat, talk.chat.link, waiting, self._clock()))

    async def check(self, talk: Talk) -> None:
        """/check, and the button that tries again after a trouble."""
        listing = await self._monitor.check_now(talk.chat)
        await talk.reply(general.checked(talk.t, listing))

    async def language(self, talk: Talk) -> None:
        """/language [LANGUAGE|auto], and its buttons."""
        if not talk.words:
            await talk.reply(general.languages(talk.t, talk.chat.language))
            return
        wish = talk.words[0].lower()
        if wish not in {*LANGUAGES, AUTO}:
            unknown = cut(talk.words[0], LONGEST_WORD)
            await talk.reply(general.languages(talk.t, talk.chat.language, unknown=unknown))
            return
        check_in_charge(talk.chat, talk.user_id)
        chosen = None if wish == AUTO else wish
        await self._store.set_language(talk.chat.id, chosen)
        t = self._speak(replace(talk.chat, language=chosen))
        await talk.show(general.languages(t, chosen))

    async def unknown_command(self, talk: Talk) -> None:
        """A command that the bot doesn't have."""
        await talk.reply(Screen(talk.t("command.unknown")))

    async def unknown_button(self, talk: Talk) -> None:
        """A button of an older version, or callback data that was never ours."""
        await talk.tell(talk.t("button.unknown"))

"""An update as it comes in. Its id and its chat are known before it is read, which takes a hundred times longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from telegram import Bot, Update

log = structlog.get_logger()

MIGRATIONS = frozenset({"migrate_to_chat_id", "migrate_from_chat_id"})
"""The fields of a message that a group becomes a supergroup, in the old chat and in the new one."""

WITH_PERSON = ("message", "edited_message", "callback_query", "my_chat_member")

CLOSED = "closed"
"""Under this name the library keeps updates that it has not read."""


class Incoming:
    """An update that is read only when it is wanted. ``content`` is its JSON. Raise :class:`KeyError` without an id."""

    def __init__(self, content: Mapping[str, Any], bot: Bot | None = None) -> None:
        self.id: int = content["update_id"]
        self._content = dict(content)
        self._bot = bot

    @classmethod
    def all_in(cls, polled: Iterable[Update], bot: Bot) -> list[Incoming]:
        """Return the updates of a poll, which :class:`bot.chat.request.UpdatesRequest` has left closed."""
        return [cls(each, bot) for holder in polled for each in holder.api_kwargs[CLOSED]]

    @property
    def chat_id(self) -> int | None:
        """The chat of a message, of a button, or of a change of the bot's own membership."""
        ways = ((kind, "chat") for kind in ("message", "edited_message", "my_chat_member"))
        return self._first_id(*ways, ("callback_query", "message", "chat"))

    @property
    def person_id(self) -> int | None:
        """Who wrote, pressed, or changed the bot's membership."""
        return self._first_id(*((kind, "from") for kind in WITH_PERSON))

    @property
    def is_said_once(self) -> bool:
        """Whether nobody says it again: the bot was blocked or let back in, or a group has a new id."""
        message = self._content.get("message")
        migrates = isinstance(message, dict) and MIGRATIONS & message.keys()
        return "my_chat_member" in self._content or bool(migrates)

    def _first_id(self, *ways: tuple[str, ...]) -> int | None:
        """Return the id at the end of the first of these ways into the content that leads to one."""
        for way in ways:
            with suppress(KeyError, TypeError, ValueError):
                found: Any = self._content
                for name in way:
                    found = found[name]
                return int(found["id"])
        return None

    def read(self) -> Update:
        """Return the update. Nobody waits for one that can't be read: then it is an empty one, which no handler wants.

        Only its id may be logged.
        """
        try:
            return Update.de_json(self._content, self._bot)
        except Exception:  # noqa: BLE001  # whatever it is, it is an update of people's words
            log.error("update can't be read", update_id=self.id)  # noqa: TRY400  # the error may hold them
            return Update(self.id)

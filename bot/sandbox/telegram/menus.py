"""The bot's command menus and descriptions, by scope and language."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.sandbox.telegram.errors import bad_request
from bot.sandbox.telegram.models import ADMINISTRATORS, Chat, User

_NAME = re.compile(r"[a-z0-9_]+")
_MAX_NAME_LENGTH = 32
_MAX_COMMANDS = 100
_MAX_DESCRIPTION_LENGTH = 256
_SCOPES = frozenset(
    {"default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators",
     "chat_member"}
)  # fmt: skip

Scope = tuple[str, int | None, int | None]
"""The scope's type, and the chat and user that it is limited to."""


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    description: str


class Menus:
    def __init__(self) -> None:
        self._menus: dict[tuple[Scope, str], tuple[Command, ...]] = {}
        self._texts: dict[tuple[str, str], str] = {}

    def set(self, scope: Scope, language: str, commands: tuple[Command, ...]) -> None:
        if len(commands) > _MAX_COMMANDS:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            _check(command)
        self._menus[scope, language] = commands

    def get(self, scope: Scope, language: str) -> tuple[Command, ...]:
        return self._menus.get((scope, language), ())

    def delete(self, scope: Scope, language: str) -> None:
        self._menus.pop((scope, language), None)

    def seen_by(self, user: User, chat: Chat) -> tuple[Command, ...]:
        """Return a person's menu in a chat: from the narrowest scope that has one, in their language if possible."""
        for scope in _narrowest_first(user, chat):
            for language in (user.language_code or "", ""):
                if (scope, language) in self._menus:
                    return self._menus[scope, language]
        return ()

    def set_text(self, kind: str, language: str, text: str) -> None:
        """Set the bot's ``description`` or ``short_description``."""
        self._texts[kind, language] = text

    def text(self, kind: str, language: str) -> str:
        return self._texts.get((kind, language)) or self._texts.get((kind, ""), "")


def _check(command: Command) -> None:
    for what, text, longest in (
        ("command", command.name, _MAX_NAME_LENGTH),
        ("command description", command.description, _MAX_DESCRIPTION_LENGTH),
    ):
        if not text.strip():
            raise bad_request(f"{what} must be non-empty")
        if len(text) > longest:
            raise bad_request(f"{what} length must not exceed {longest}")
    if not _NAME.fullmatch(command.name):
        raise bad_request("BOT_COMMAND_INVALID")


def parse_scope(fields: dict[str, object] | None) -> Scope:
    """Return a scope from its JSON object. None is the default scope."""
    kind = str((fields or {}).get("type", "default"))
    if kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    return (kind, _id(fields, "chat_id"), _id(fields, "user_id"))


def _id(fields: dict[str, object] | None, name: str) -> int | None:
    value = (fields or {}).get(name)
    return None if value is None else int(str(value))


def _narrowest_first(user: User, chat: Chat) -> list[Scope]:
    if chat.kind == "private":
        return [("chat", chat.id, None), ("all_private_chats", None, None), ("default", None, None)]
    scopes: list[Scope] = [("chat_member", chat.id, user.id)]
    is_administrator = chat.status(user) in ADMINISTRATORS
    if is_administrator:
        scopes.append(("chat_administrators", chat.id, None))
    scopes.append(("chat", chat.id, None))
    if is_administrator:
        scopes.append(("all_chat_administrators", None, None))
    return [*scopes, ("all_group_chats", None, None), ("default", None, None)]

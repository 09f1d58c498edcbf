"""The methods about the bot itself: its updates, menus and descriptions, and its chats and their members."""

from __future__ import annotations

from typing import Any

from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.errors import bad_request
from bot.sandbox.telegram.events import CommandsChanged
from bot.sandbox.telegram.menus import Command, parse_scope
from bot.sandbox.telegram.models import ADMINISTRATORS, Member
from bot.sandbox.telegram.serialization import Json, full_chat_json, member_json, user_json
from bot.sandbox.telegram.state import TelegramState

MAX_DESCRIPTION_LENGTHS = {"description": 512, "short_description": 120}


def get_me(state: TelegramState, _call: Call) -> Json:
    return user_json(state.bot) | {
        "can_join_groups": True,
        "can_read_all_group_messages": not state.privacy,
        "supports_inline_queries": False,
    }


async def get_updates(state: TelegramState, call: Call) -> list[dict[str, object]]:
    """Poll for updates. ``allowed_updates`` also applies to later calls that don't set it."""
    _allow(state, call)
    return await state.updates.poll(call.number("offset", 0), call.number("limit", 100), call.number("timeout", 0))


def set_webhook(state: TelegramState, call: Call) -> bool:
    url = call.text("url")
    if url and not url.startswith("https://"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    _allow(state, call)
    if call.flag("drop_pending_updates"):
        state.updates.drop()
    state.updates.set_webhook(url)
    return True


def delete_webhook(state: TelegramState, call: Call) -> bool:
    if call.flag("drop_pending_updates"):
        state.updates.drop()
    state.updates.set_webhook("")
    return True


def get_webhook_info(state: TelegramState, _call: Call) -> Json:
    info: Json = {
        "url": state.updates.webhook,
        "has_custom_certificate": False,
        "pending_update_count": state.updates.pending,
    }
    return info | {"allowed_updates": state.updates.allowed} if state.updates.allowed else info


def set_my_commands(state: TelegramState, call: Call) -> bool:
    commands = call.structure("commands", "commands") or []
    menu = tuple(
        Command(str(fields.get("command", "")).removeprefix("/"), str(fields.get("description", "")))
        for fields in commands
    )
    state.menus.set(_scope(call), call.text("language_code"), menu)
    state.events.publish(CommandsChanged())
    return True


def get_my_commands(state: TelegramState, call: Call) -> list[Json]:
    menu = state.menus.get(_scope(call), call.text("language_code"))
    return [{"command": command.name, "description": command.description} for command in menu]


def delete_my_commands(state: TelegramState, call: Call) -> bool:
    state.menus.delete(_scope(call), call.text("language_code"))
    state.events.publish(CommandsChanged())
    return True


def set_my_description(state: TelegramState, call: Call) -> bool:
    return _set_text(state, call, "description")


def set_my_short_description(state: TelegramState, call: Call) -> bool:
    return _set_text(state, call, "short_description")


def get_my_description(state: TelegramState, call: Call) -> Json:
    return {"description": state.menus.text("description", call.text("language_code"))}


def get_my_short_description(state: TelegramState, call: Call) -> Json:
    return {"short_description": state.menus.text("short_description", call.text("language_code"))}


def get_chat(state: TelegramState, call: Call) -> Json:
    return full_chat_json(state.chat(call.chat_id))


def get_chat_member(state: TelegramState, call: Call) -> Json:
    chat = state.writable(call.chat_id)
    user = state.users.get(call.number("user_id", 0))
    if user is None:
        raise bad_request("user not found")
    return member_json(chat.members.get(user.id, Member(user, "left")))


def get_chat_administrators(state: TelegramState, call: Call) -> list[Json]:
    chat = state.writable(call.chat_id)
    if chat.kind == "private":
        raise bad_request("there are no administrators in the private chat")
    return [member_json(member) for member in chat.members.values() if member.status in ADMINISTRATORS]


def _allow(state: TelegramState, call: Call) -> None:
    kinds: Any = call.structure_or_none("allowed_updates")
    if kinds is not None:
        state.updates.allow(kinds)


def _scope(call: Call) -> tuple[str, int | None, int | None]:
    return parse_scope(call.structure("scope", "BotCommandScope"))


def _set_text(state: TelegramState, call: Call, kind: str) -> bool:
    text = call.text(kind)
    if len(text) > MAX_DESCRIPTION_LENGTHS[kind]:
        raise bad_request(f"bot {kind.replace('_', ' ')} is too long")
    state.menus.set_text(kind, call.text("language_code"), text)
    return True


METHODS = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyDescription": set_my_description,
    "getMyDescription": get_my_description,
    "setMyShortDescription": set_my_short_description,
    "getMyShortDescription": get_my_short_description,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
}

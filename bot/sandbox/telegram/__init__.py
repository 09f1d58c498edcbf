"""A Telegram on this machine: a Bot API server over HTTP, and the people who chat with the bot.

telegram = SandboxTelegram()
ada = telegram.add_user("Ada", language_code="de")
chat = telegram.private_chat(ada)
async with serve(telegram.app) as url:
    application = ApplicationBuilder().token(BOT_TOKEN).base_url(f"{url}/bot").base_file_url(f"{url}/file/bot")
    ...
    ada.send(chat, "/start")
    greeting = await chat.wait_for(lambda message: "Hello" in message.text)
    toast = await ada.press(greeting, "Show invoices").answered()
"""

from __future__ import annotations

from bot.sandbox.telegram.app import BOT_TOKEN, MAX_UPLOAD_BYTES, SandboxTelegram
from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.errors import ApiError
from bot.sandbox.telegram.event_bus import Event, Subscription
from bot.sandbox.telegram.events import (
    ActionShown,
    ButtonPressed,
    CallAnswered,
    CallMade,
    CommandsChanged,
    MembershipChanged,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    PressAnswered,
)
from bot.sandbox.telegram.formatting import Entity
from bot.sandbox.telegram.models import Button, Chat, Message, StoredFile, User
from bot.sandbox.telegram.person import Person
from bot.sandbox.telegram.presses import Answer, Press

__all__ = [
    "BOT_TOKEN", "MAX_UPLOAD_BYTES", "ActionShown", "Answer", "ApiError", "Button", "ButtonPressed", "Call",
    "CallAnswered", "CallMade", "Chat", "CommandsChanged", "Entity", "Event", "MembershipChanged", "Message",
    "MessageDeleted", "MessageEdited", "MessageSent", "Person", "Press", "PressAnswered", "SandboxTelegram",
    "StoredFile", "Subscription", "User",
]  # fmt: skip

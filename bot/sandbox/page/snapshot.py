"""The state as JSON for the page: people, chats, invoices and faults; and single messages."""

from __future__ import annotations

from urllib.parse import quote

from bot.sandbox.demo_world import DemoWorld
from bot.sandbox.page.controls import Controls
from bot.sandbox.telegram import Button, Chat, Message, Person, StoredFile, User

Json = dict[str, object]

OPENED = frozenset(
    {"application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain"},
)
"""What a browser may open in a tab. Everything else might contain scripts, and is only saved."""


def world_json(controls: Controls, run: str) -> Json:
    """Return everything but the messages. ``ahead`` is how far the clock was put forward, in milliseconds."""
    demo = controls.demo
    sandbox = demo.sandbox
    return {
        "run": run,
        "ahead": round(sandbox.clock.ahead.total_seconds() * 1000),
        "zone": sandbox.provider.zone.key,
        "token": demo.account.token,
        "bot": bot_json(demo),
        "people": [person_json(demo, person) for person in demo.people],
        "chats": [chat_json(demo, chat) for chat in demo.chats],
        "faults": controls.faults(),
        "payers": sorted(controls.payers()),
    } | controls.ledger()


def person_json(demo: DemoWorld, person: Person) -> Json:
    """Return a person, with their progress: whether they have started the bot, and linked the account."""
    telegram = demo.sandbox.telegram
    private = telegram.private_chat(person, started=False)
    return {
        "id": person.id,
        "name": person.user.first_name,
        "fullName": person.name,
        "language": person.user.language_code,
        "started": any(message.sender is telegram.bot for message in private.history),
        "linked": any(demo.account.token in message.text for message in private.history),
        "blocked": private.status(telegram.bot) == "kicked",
    }


def bot_json(demo: DemoWorld) -> Json:
    """Return the bot. An empty chat shows its description."""
    telegram = demo.sandbox.telegram
    languages = {person.user.language_code or "" for person in demo.people}
    return {
        "id": telegram.bot.id,
        "name": telegram.bot.first_name,
        "username": telegram.bot.username,
        "descriptions": {language: telegram.state.menus.text("description", language) for language in languages},
    }


def chat_json(demo: DemoWorld, chat: Chat) -> Json:
    """Return a chat. ``menus`` are its commands and their descriptions, by person."""
    return {
        "id": chat.id,
        "kind": chat.kind,
        "title": chat.title,
        "members": {member.user.id: member.status for member in chat.members.values()},
        "topics": [{"id": topic.id, "name": topic.name} for topic in chat.topics.values() if not topic.deleted],
        "pinned": chat.pinned[-1].id if chat.pinned else None,
        "movedTo": chat.migrated_to and chat.migrated_to.id,
        "menus": {
            person.id: [[command.name, command.description] for command in person.menu(chat)]
            for person in demo.people
            if person.id in chat.members
        },
    }


def message_json(message: Message) -> Json:
    """Return a message. Times are in milliseconds since 1970, as in JavaScript."""
    return {
        "id": message.id,
        "chat": message.chat.id,
        "from": _sender(message.sender),
        "at": round(message.date.timestamp() * 1000),
        "edited": message.edited_at is not None,
        "text": message.text,
        "entities": [entity.as_json() for entity in message.entities],
        "keyboard": [[_button(button) for button in row] for row in message.keyboard],
        "file": message.document and file_json(message.document),
        "reply": message.reply_to and _quote(message.reply_to),
        "topic": message.topic_id,
        "silent": message.silent,
        "protected": message.protected,
        "forceReply": message.force_reply,
        "service": next(iter(message.service), None),
    }


def file_json(file: StoredFile) -> Json:
    return {
        "name": file.name,
        "size": len(file.content),
        "type": file.mime_type,
        "href": f"/files/{quote(file.unique_id, safe='')}/{quote(file.name, safe='')}",
        "opens": file.mime_type in OPENED,
    }


def _sender(user: User) -> Json:
    return {"id": user.id, "name": user.first_name}


def _button(button: Button) -> Json:
    what = {"data": button.data, "url": button.url, "copied": button.copied}
    return {"text": button.text, "style": button.style, **what}


def _quote(message: Message) -> Json:
    """Return the message that another one replies to, as it is now."""
    words = message.text or (message.document.name if message.document else "")
    return {
        "id": message.id,
        "name": message.sender.first_name,
        "text": words[:200],
        "entities": [entity.as_json() for entity in message.entities],
        "deleted": message.deleted,
    }

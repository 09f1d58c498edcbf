"""Updates of a Bot API that is newer than the library: they hold nothing up, and nobody notices them."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from telegram import Update

from bot.application import InvoiceBot
from bot.chat.incoming import Incoming
from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from bot.sandbox.telegram.serialization import user_json
from tests.chat.conversation import ask, link
from tests.telegram_api.examples import each_field, example, from_the_future

# Of a field that the bot never reads the library says at every reading that it will change.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

KINDS = dict(each_field("Update"))
FIELDS = dict(each_field("Message"))


def messages(telegram: SandboxTelegram) -> list[dict[str, Any]]:
    """Return a message of each kind that is described, with one of the fields that a message can have, by strangers."""
    found = []
    for number, (field, value) in enumerate(FIELDS.items()):
        sten = telegram.add_user("Sten")
        telegram.private_chat(sten)
        people = {"from": user_json(sten.user), "chat": {"id": sten.id, "type": "private"}}
        found.append(example("Message") | people | {"message_id": number + 1, field: value})
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_described_update_is_read_and_one_with_more_in_it_too(kind: str) -> None:
    with structlog.testing.capture_logs() as logged:
        for content in (KINDS[kind], from_the_future(KINDS[kind])):
            found = Incoming({"update_id": 7, kind: content})
            assert found.read().update_id == 7
            assert found.chat_id is None or isinstance(found.chat_id, int)
    assert logged == []


@pytest.mark.parametrize("field", FIELDS)
def test_every_described_message_is_read_and_one_with_more_in_it_too(field: str) -> None:
    plain = example("Message") | {field: FIELDS[field]}
    with structlog.testing.capture_logs() as logged:
        for content in (plain, from_the_future(plain)):
            read = Incoming({"update_id": 7, "message": content}).read()
            assert read.message is not None
            assert read.message.chat.id == plain["chat"]["id"]
    assert logged == []


def test_an_update_of_an_unknown_kind_is_an_empty_one() -> None:
    found = Incoming({"update_id": 7, "thought": {"chat": {"id": 5}, "words": "x"}})
    assert (found.chat_id, found.person_id, found.read()) == (None, None, Update(7))


@pytest.mark.odd_calls
async def test_between_newer_updates_of_all_kinds_a_customer_is_answered(
    invoice_bot: InvoiceBot,
    telegram: SandboxTelegram,
    ada: Person,
    chat: Chat,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await link(ada, chat)
    telegram.state.updates.allow([*KINDS, "thought"])
    monkeypatch.setattr(telegram.state.updates, "allow", lambda kinds: None)  # it sends what nobody asked for
    mixed = [("message", content) for content in messages(telegram)]
    mixed += [(kind, content) for kind, content in KINDS.items() if kind not in {"message", "edited_message"}]
    with structlog.testing.capture_logs() as logged:
        for kind, content in [*mixed, ("thought", {"words": "x"})]:
            telegram.state.updates.add(kind, from_the_future(content))
        await ask(ada, chat, "/help", "/unlink")
        await telegram.wait_until(lambda: not telegram.state.updates.pending or None, timeout=30)
    assert [entry for entry in logged if entry["log_level"] in {"error", "critical"}] == []
    assert invoice_bot.tracker.offset is not None

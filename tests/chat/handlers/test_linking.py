"""/start and /link, as a person meets them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.domain.chats import Place
from bot.errors import PermissionMissing, ProviderDown
from bot.sandbox.telegram import ApiError, Chat, Person, SandboxTelegram
from bot.store.store import Store
from tests.chat.conversation import answers, ask, from_bot, link, said
from tests.chat.fakes import TOKEN, FakeProvider, Time
from tests.chat.samples import NOW, invoice

pytestmark = pytest.mark.usefixtures("invoice_bot")

REFUSED = "The provider does not accept this token."
NOT_DELETED = "I could not delete your message with the token"


async def linked(store: Store, chat: Chat) -> bool:
    return (await store.chat(chat.id)).link is not None


# --- /start ---------------------------------------------------------------------------------------------------------


async def test_start_greets_and_takes_the_next_message_as_the_token(ada: Person, chat: Chat, store: Store) -> None:
    await ask(ada, chat, "/start", "I keep an eye on your hosting invoices", "Send me your API token")
    await ask(ada, chat, TOKEN, "✅ This chat is linked.")
    assert await linked(store, chat)


async def test_start_in_a_linked_chat_says_how_things_stand_and_asks_for_nothing(ada: Person, chat: Chat) -> None:
    await link(ada, chat)
    greeting = await ask(ada, chat, "/start", "Nothing to pay.")
    assert "API token" not in greeting.text
    hint = await ask(ada, chat, "hello", "No invoice matches")
    assert hint.text


async def test_start_in_a_group_never_asks_for_a_token_there(ada: Person, store: Store) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "administrator")
    greeting = await ask(ada, group, "/start", "I keep an eye on your hosting invoices")
    assert "Send me your API token" not in greeting.text
    assert "can send /link here, and then give me the token in private" in greeting.text
    assert (await store.chat(group.id)).awaiting_token_until is None


# --- /link ----------------------------------------------------------------------------------------------------------


async def test_link_with_a_token_links_and_greets_with_what_is_open(
    ada: Person, chat: Chat, store: Store, provider: FakeProvider
) -> None:
    provider.add(invoice())
    greeting = await link(ada, chat)
    assert "1 open invoice, €7.95" in greeting.text
    assert "Next due: invoice 4711" in greeting.text
    stored = (await store.chat(chat.id)).link
    assert stored is not None
    assert (stored.linked_by, stored.linked_at, stored.place) == (ada.id, NOW, Place(chat.id))
    assert stored.token.reveal() == TOKEN


async def test_link_and_then_the_token_does_the_same(ada: Person, chat: Chat, store: Store) -> None:
    await ask(ada, chat, "/link", "Send me your API token within the next 10 minutes")
    await ask(ada, chat, f"  {TOKEN}\n", "✅ This chat is linked.")
    assert await linked(store, chat)


@pytest.mark.parametrize("text", [f"/link {TOKEN}", f"/link <{TOKEN}>"])
async def test_the_message_with_the_token_is_deleted(ada: Person, chat: Chat, text: str) -> None:
    await ask(ada, chat, text, "✅")
    assert all(TOKEN not in message.text for message in chat.messages)
    assert not any(NOT_DELETED in text for text in said(chat))


async def test_the_message_is_deleted_before_the_provider_has_answered(
    ada: Person, chat: Chat, telegram: SandboxTelegram, provider: FakeProvider
) -> None:
    gate = provider.gates["list_invoices"] = asyncio.Event()
    message = ada.send(chat, f"/link {TOKEN}")
    await provider.reached()
    assert message.deleted
    gate.set()
    await chat.wait_for(from_bot("✅"))


async def test_a_wrong_token_is_deleted_as_well_and_the_right_one_can_follow(
    ada: Person, chat: Chat, store: Store
) -> None:
    wrong = ada.send(chat, "/link a-wrong-token-0123456789")
    await chat.wait_for(from_bot(REFUSED))
    assert wrong.deleted
    assert not await linked(store, chat)
    await ask(ada, chat, TOKEN, "✅ This chat is linked.")


async def test_when_the_message_cannot_be_deleted_the_person_is_told(
    ada: Person, chat: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.refuse(ApiError(400, "Bad Request: message can't be deleted"), method="deleteMessage")
    texts = await answers(ada, chat, f"/link {TOKEN}")
    assert [text.splitlines()[0] for text in texts] == [
        "✅ This chat is linked.",
        "⚠️ I could not delete your message with the token. Please delete it yourself.",
    ]


@pytest.mark.parametrize("status", [500, 502])
async def test_an_outage_while_deleting_is_told_too(
    ada: Person, chat: Chat, telegram: SandboxTelegram, status: int
) -> None:
    telegram.faults.server_error(status, method="deleteMessage", times=None)
    texts = await answers(ada, chat, "/link a-wrong-token-0123456789")
    assert REFUSED in texts[0]
    assert NOT_DELETED in texts[1]


@pytest.mark.parametrize("delivered", [True, False])
async def test_a_connection_that_breaks_while_deleting_is_no_reason_to_say_so(
    ada: Person, chat: Chat, telegram: SandboxTelegram, *, delivered: bool
) -> None:
    telegram.faults.cut(delivered=delivered, method="deleteMessage")
    sent = ada.send(chat, f"/link {TOKEN}")
    await chat.wait_for(from_bot("✅ This chat is linked."))
    await ask(ada, chat, "/help", "/unlink")
    assert sent.deleted
    assert not any(NOT_DELETED in text for text in said(chat))


async def test_when_the_message_is_gone_already_nobody_is_told_that_it_could_not_be_deleted(
    ada: Person, chat: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.refuse(ApiError(400, "Bad Request: message to delete not found"), method="deleteMessage")
    assert len(await answers(ada, chat, f"/link {TOKEN}")) == 1


@pytest.mark.parametrize("text", ["short", "two words that are long enough", "tökén-mit-umlaut-0123456789"])
async def test_what_can_be_no_token_never_reaches_the_provider(
    ada: Person, chat: Chat, provider: FakeProvider, text: str
) -> None:
    await ask(ada, chat, f"/link {text}", "does not look like an API token")
    assert provider.languages == []


async def test_a_missing_permission_is_named(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    provider.failures["list_invoices"] = PermissionMissing("access_invoices")
    await ask(ada, chat, f"/link {TOKEN}", "lacks the permission access_invoices.")


async def test_linking_again_replaces_the_link_and_failing_to_keeps_it(
    ada: Person, chat: Chat, store: Store, time: Time
) -> None:
    await link(ada, chat)
    await ask(ada, chat, "/link a-wrong-token-0123456789", REFUSED)
    stored = (await store.chat(chat.id)).link
    assert stored is not None
    assert stored.linked_at == NOW
    time.forward(timedelta(hours=1))
    await link(ada, chat)
    renewed = (await store.chat(chat.id)).link
    assert renewed is not None
    assert renewed.linked_at == NOW + timedelta(hours=1)


async def test_after_ten_minutes_a_message_is_a_message_again(
    ada: Person, chat: Chat, time: Time, store: Store
) -> None:
    await ask(ada, chat, "/link", "Send me your API token within the next 10 minutes")
    time.forward(timedelta(minutes=11))
    await ask(ada, chat, "a_password", "not linked")
    assert not await linked(store, chat)


async def test_another_command_ends_the_wait_for_the_token(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    await ask(ada, chat, "/link", "Send me your API token within the next 10 minutes")
    await ask(ada, chat, "/help", "/unlink")
    await ask(ada, chat, "a_password", "not linked")
    assert provider.languages == []


async def test_a_token_that_nobody_asked_for_is_deleted_and_tried_all_the_same(ada: Person, chat: Chat) -> None:
    await ask(ada, chat, TOKEN, "✅ This chat is linked.")
    assert all(TOKEN not in message.text for message in chat.messages)


@pytest.mark.parametrize("text", ["https://example.org/a-long-address", "Donaudampfschiff", "two long_enough_words"])
async def test_what_can_be_no_token_is_left_where_it_is(ada: Person, chat: Chat, text: str) -> None:
    await ask(ada, chat, text, "not linked")
    assert any(message.text == text for message in chat.messages)


@pytest.mark.parametrize("text", ["hello", "Rechnungsstellungsverfahren", "ada.1815@mail.example.org"])
async def test_in_a_linked_chat_what_is_no_token_is_left_where_it_is(ada: Person, chat: Chat, text: str) -> None:
    await link(ada, chat)
    sent = ada.send(chat, text)
    await chat.wait_for(from_bot("No invoice matches"), after=sent)
    assert not sent.deleted


@pytest.mark.parametrize("caption", [TOKEN, f"/link {TOKEN}", f"/LINK@invoice_bot {TOKEN}", f"Token: „{TOKEN}“"])
async def test_a_token_below_a_file_is_deleted_and_taken(ada: Person, chat: Chat, store: Store, caption: str) -> None:
    sent = ada.send_file(chat, "token.txt", b"x", caption)
    await chat.wait_for(from_bot("✅ This chat is linked."), after=sent)
    assert sent.deleted
    assert await linked(store, chat)


async def test_a_caption_is_deleted_and_tried_while_the_token_is_expected(ada: Person, chat: Chat) -> None:
    await ask(ada, chat, "/link", "Send me your API token")
    for caption in ("a_password", "/link a_password", "/link short-1"):
        sent = ada.send_file(chat, "token.txt", b"x", caption)
        await chat.wait_for(lambda message: message.sender.is_bot, after=sent)
        assert sent.deleted


async def test_where_the_file_cannot_be_deleted_the_person_is_told(
    ada: Person, chat: Chat, telegram: SandboxTelegram
) -> None:
    telegram.faults.refuse(ApiError(400, "Bad Request: message can't be deleted"), method="deleteMessage")
    sent = ada.send_file(chat, "token.txt", b"x", TOKEN)
    await chat.wait_for(from_bot(NOT_DELETED), after=sent)


@pytest.mark.parametrize("caption", ["", "/link", "my invoice of May", "/linked 1"])
async def test_any_other_file_stays(ada: Person, chat: Chat, caption: str) -> None:
    sent = ada.send_file(chat, "invoice.pdf", b"x", caption)
    await chat.wait_for(from_bot("not linked"), after=sent)
    assert not sent.deleted


async def test_a_picture_or_a_file_is_no_token(ada: Person, chat: Chat, store: Store) -> None:
    await ask(ada, chat, "/link", "Send me your API token within the next 10 minutes")
    sent = ada.send_file(chat, "token.txt", TOKEN.encode())
    answer = await chat.wait_for(from_bot("as text"), after=sent)
    assert "not linked" not in answer.text
    await ask(ada, chat, TOKEN, "✅ This chat is linked.")


async def test_an_outage_while_linking_is_told_and_nothing_is_stored(
    ada: Person, chat: Chat, provider: FakeProvider, store: Store
) -> None:
    provider.failures["list_invoices"] = ProviderDown()
    await ask(ada, chat, f"/link {TOKEN}", "The provider can't be reached")
    assert not await linked(store, chat)


async def test_the_greeting_speaks_german_to_who_does(
    telegram: SandboxTelegram, provider: FakeProvider, store: Store
) -> None:
    eva = telegram.add_user("Eva", language_code="de-AT")
    provider.add(invoice())
    greeting = await ask(eva, telegram.private_chat(eva), f"/link {TOKEN}", "✅ Dieser Chat ist verknüpft.")
    assert "Als Nächstes fällig: Rechnung 4711, 7,95" in greeting.text
    assert provider.languages == ["de"]
    assert (await store.chat(eva.id)).reply_language == "de"


async def test_the_language_that_was_chosen_outlives_a_new_link(ada: Person, chat: Chat) -> None:
    await ask(ada, chat, "/language de", "Welche Sprache")
    await ask(ada, chat, f"/link {TOKEN}", "Dieser Chat ist verknüpft.")


async def test_the_wait_for_the_token_is_stored_so_that_it_outlives_a_restart(
    ada: Person, chat: Chat, store: Store
) -> None:
    await ask(ada, chat, "/link", "Send me your API token within the next 10 minutes")
    assert (await store.chat(chat.id)).awaiting_token_until == NOW + timedelta(minutes=10)


# --- In groups ------------------------------------------------------------------------------------------------------


@pytest.fixture
def group(ada: Person) -> Chat:
    group = ada.create_group("Friends", supergroup=True)
    ada.set_bot_status(group, "member")
    return group


async def test_a_token_shown_to_a_group_is_deleted_and_the_danger_explained(
    ada: Person, group: Chat, provider: FakeProvider
) -> None:
    ada.set_bot_status(group, "administrator")
    message = ada.send(group, f"/link {TOKEN}")
    await group.wait_for(from_bot("so I deleted it", "revoke"))
    assert message.deleted
    assert provider.languages == []


async def test_where_it_may_not_delete_in_a_group_it_says_so(ada: Person, group: Chat) -> None:
    message = ada.send(group, f"/link {TOKEN}")
    await group.wait_for(from_bot("I'm not allowed to delete it", "revoke"))
    assert not message.deleted

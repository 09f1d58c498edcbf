"""What looks like a token is deleted wherever it stands, and nothing is done with it that nobody has asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.errors import ProviderDown
from bot.sandbox.telegram import ApiError, Chat, Message, Person, SandboxTelegram
from bot.settings import Settings
from bot.store.store import Store
from tests.chat.conversation import answers, ask, from_bot, link, said
from tests.chat.fakes import TOKEN, FakeProvider, Time
from tests.chat.samples import invoice

pytestmark = pytest.mark.usefixtures("invoice_bot")

OTHER = "another-token-of-ada-0123456789"
WRONG = "a-wrong-token-0123456789"
WAS_IT = "Was this a token?"
REPLACE = "or replace the other one?"
YES, NO = "🔗 Yes, use this token", "No"
YES_REPLACE, KEEP = "🔁 Replace the other one", "Leave it as it is"

SPELLINGS = [
    "/link {}", "/link:{}", "/link={}", "/link@sandbox_invoice_bot {}", "/link@sandbox_invoice_bot:{}", "/link{}",
    "/LINK {}", "/link\n{}", "/link <{}>", "/link Token: {}", "/link-{}", "/link_{}", "/link,{}", "/link|{}",
    "/link\uff1a{}", "/link\N{RIGHTWARDS ARROW}{}", "/link@sandbox_invoice_bot{}",
]  # fmt: skip
UNASKED = [
    "{}", "/start {}", "/token {}", "/help {}", "/frobnicate {}", "Bearer {}", "Token: {}", "Token:{}", "„{}“", "`{}`",
    "\u200b{}\u200b", "```\n{}\n```", "My token is {}.", "Is it\n\n{}\n\nor not?",
    "\N{KEY}{}", "Token\uff1a{}", "Here it is:{}", "https://example.org/?token={}", "{},",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _two_accounts(provider: FakeProvider) -> None:
    provider.tokens.add(OTHER)
    provider.add(invoice())


async def token_of(store: Store, chat: Chat) -> str | None:
    found = (await store.chat(chat.id)).link
    return None if found is None else found.token.reveal()


async def question(person: Person, chat: Chat, text: str, *parts: str) -> Message:
    """Send something and return the question that follows. What was sent must be gone."""
    sent = person.send(chat, text)
    asked = await chat.wait_for(from_bot(*parts), after=sent)
    assert sent.deleted
    return asked


async def gone(chat: Chat, asked: Message, *parts: str) -> None:
    """Wait until the question was replaced by its answer."""
    await chat.wait_for(lambda message: message is asked and all(part in message.text for part in parts))


# --- In a chat without a link ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", [*SPELLINGS, *UNASKED])
async def test_a_token_is_deleted_taken_out_of_its_wrapping_and_used(
    ada: Person, chat: Chat, store: Store, spelling: str
) -> None:
    await question(ada, chat, spelling.format(TOKEN), "✅ This chat is linked.")
    assert await token_of(store, chat) == TOKEN


@pytest.mark.parametrize("caption", [True, False])
async def test_a_token_that_comes_by_an_edit_is_deleted_and_used(
    ada: Person, chat: Chat, store: Store, *, caption: bool
) -> None:
    sent = ada.send_file(chat, "x.txt", b"x", "hello") if caption else ada.send(chat, "hello")
    await chat.wait_for(from_bot("not linked"), after=sent)
    ada.edit(sent, f"Token: {TOKEN}")
    await chat.wait_for(from_bot("✅ This chat is linked."))
    assert sent.deleted
    assert await token_of(store, chat) == TOKEN


async def test_an_edit_without_a_token_is_not_answered(ada: Person, chat: Chat) -> None:
    sent = ada.send(chat, "hello")
    await chat.wait_for(from_bot("not linked"), after=sent)
    for text in ("hello again", "/status", "/link short-1"):
        ada.edit(sent, text)
    await ask(ada, chat, "/help", "/unlink")
    assert not sent.deleted
    assert len(said(chat)) == 2


async def test_two_tokens_are_deleted_and_none_is_sent(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    await question(ada, chat, f"{TOKEN} {OTHER}", "does not look like an API token")
    assert provider.languages == []


async def test_what_has_the_form_of_an_invitation_is_deleted_if_it_is_none_and_never_sent(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    await question(ada, chat, "/start 0123456789abcdef0123456789abcdef", "expired or was already used")
    assert provider.languages == []


async def test_after_a_wrong_token_that_nobody_asked_for_the_next_words_are_left_alone(ada: Person, chat: Chat) -> None:
    await question(ada, chat, WRONG, "does not accept this token")
    sent = ada.send(chat, "Oh, that was the wrong one")
    await chat.wait_for(from_bot("not linked"), after=sent)
    assert not sent.deleted


@pytest.mark.parametrize("text", ["Where do I find the token, please?", "Wo finde ich das denn?"])
async def test_a_question_in_the_tokens_place_stays_and_the_token_is_still_awaited(
    ada: Person, chat: Chat, store: Store, provider: FakeProvider, text: str
) -> None:
    await ask(ada, chat, "/link", "Send me your API token")
    sent = ada.send(chat, text)
    await chat.wait_for(from_bot("does not look like an API token"), after=sent)
    assert not sent.deleted
    assert provider.languages == []
    await question(ada, chat, "t0ken-ab", "does not accept this token")
    await question(ada, chat, TOKEN, "✅ This chat is linked.")


@pytest.mark.parametrize("text", [TOKEN, f"/link {TOKEN}", f"Bearer {TOKEN}"])
async def test_after_a_crash_a_token_that_comes_again_is_not_asked_about(
    ada: Person, chat: Chat, telegram: SandboxTelegram, text: str
) -> None:
    sent = ada.send(chat, text)
    first = await chat.wait_for(from_bot("✅ This chat is linked."), after=sent)
    telegram.state.receive(sent)
    await chat.wait_for(from_bot("✅ This chat is linked."), after=first)
    await ask(ada, chat, "/help", "/unlink")
    assert len(said(chat)) == 3  # and nobody is told that the message could not be deleted
    await question(ada, chat, text if text.startswith("/link") else OTHER, "✅" if text.startswith("/link") else WAS_IT)


# --- In a linked chat: nobody asked ---------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", UNASKED)
async def test_in_a_linked_chat_nothing_is_sent_and_the_bot_asks(
    ada: Person, chat: Chat, store: Store, provider: FakeProvider, spelling: str
) -> None:
    await link(ada, chat)
    calls = len(provider.languages)
    asked = await question(ada, chat, spelling.format(OTHER), WAS_IT)
    assert [button.text for button in asked.buttons] == [YES, NO]
    assert (len(provider.languages), await token_of(store, chat)) == (calls, TOKEN)


@pytest.mark.parametrize(
    "text", ["DE89370400440532013000", "ORDER-2026-000123456789", "shop-2026.my-own-domain.example"]
)
async def test_an_iban_an_order_number_and_a_domain_stay(ada: Person, chat: Chat, store: Store, text: str) -> None:
    await link(ada, chat)
    sent = ada.send(chat, text)
    await chat.wait_for(from_bot("No invoice matches"), after=sent)
    assert not sent.deleted
    assert await token_of(store, chat) == TOKEN


async def test_what_follows_the_question_is_left_alone(ada: Person, chat: Chat, store: Store) -> None:
    await link(ada, chat)
    await question(ada, chat, OTHER, WAS_IT)
    for text in ("No it was my password", "a_password"):
        sent = ada.send(chat, text)
        await chat.wait_for(from_bot("No invoice matches"), after=sent)
        assert not sent.deleted
    assert await token_of(store, chat) == TOKEN


async def test_yes_links_with_it_once(ada: Person, chat: Chat, store: Store) -> None:
    await link(ada, chat)
    asked = await question(ada, chat, OTHER, WAS_IT)
    first, second = ada.press_twice_delivered(asked, YES)
    assert not (await first.answered()).text
    assert "already used" in (await second.answered()).text
    await gone(chat, asked, REPLACE)
    assert await token_of(store, chat) == TOKEN
    ada.press(asked, YES_REPLACE)
    await gone(chat, asked, "✅ This chat is linked.")
    assert await token_of(store, chat) == OTHER


async def test_no_forgets_it(ada: Person, chat: Chat, store: Store, settings: Settings) -> None:
    await link(ada, chat)
    asked = await question(ada, chat, OTHER, WAS_IT)
    data = asked.button(YES).data
    await ada.press(asked, NO).answered()
    await gone(chat, asked, "I have forgotten it")
    assert asked.buttons == []
    assert "already used" in (await ada.forge(asked, str(data)).answered()).text
    assert await token_of(store, chat) == TOKEN
    assert str(data).split(":")[2] not in stored(settings)


def stored(settings: Settings) -> str:
    return "".join(path.read_text() for path in settings.data_dir.rglob("*.json"))


async def test_while_the_question_is_open_the_token_is_on_disk_only_sealed(
    ada: Person, chat: Chat, settings: Settings
) -> None:
    await link(ada, chat)
    await question(ada, chat, OTHER, WAS_IT)
    assert "offeredtoken" in stored(settings)
    assert OTHER not in stored(settings)


async def test_a_wrong_one_is_told_in_place_of_the_question_and_changes_nothing(
    ada: Person, chat: Chat, store: Store
) -> None:
    await link(ada, chat)
    asked = await question(ada, chat, WRONG, WAS_IT)
    ada.press(asked, YES)
    await gone(chat, asked, "does not accept this token")
    assert asked.buttons == []
    assert await token_of(store, chat) == TOKEN


async def test_during_an_outage_the_buttons_stay_and_work_later(
    ada: Person, chat: Chat, store: Store, provider: FakeProvider
) -> None:
    await link(ada, chat)
    asked = await question(ada, chat, OTHER, WAS_IT)
    provider.failures["list_invoices"] = ProviderDown()
    assert "can't be reached" in (await ada.press(asked, YES).answered()).text
    provider.failures.clear()
    ada.press(asked, YES)
    await gone(chat, asked, REPLACE)
    ada.press(asked, YES_REPLACE)
    await gone(chat, asked, "✅ This chat is linked.")
    assert await token_of(store, chat) == OTHER


async def test_after_ten_minutes_the_question_is_over_and_loses_its_buttons(
    ada: Person, chat: Chat, store: Store, time: Time
) -> None:
    await link(ada, chat)
    asked = await question(ada, chat, OTHER, WAS_IT)
    time.forward(timedelta(minutes=10))
    assert "too old" in (await ada.press(asked, YES).answered()).text
    await chat.wait_for(lambda message: message is asked and not message.buttons)
    assert await token_of(store, chat) == TOKEN


async def test_a_yes_for_an_older_link_asks_again(ada: Person, chat: Chat, store: Store, time: Time) -> None:
    await link(ada, chat)
    asked = await question(ada, chat, OTHER, WAS_IT)
    time.forward(timedelta(minutes=1))
    await link(ada, chat)
    ada.press(asked, YES)
    await gone(chat, asked, REPLACE)
    assert await token_of(store, chat) == TOKEN
    ada.press(asked, YES_REPLACE)
    await gone(chat, asked, "✅ This chat is linked.")
    assert await token_of(store, chat) == OTHER


async def test_the_question_outlives_a_restart_and_is_nobody_elses(
    ada: Person, chat: Chat, store: Store, telegram: SandboxTelegram
) -> None:
    await link(ada, chat)
    asked = await question(ada, chat, OTHER, WAS_IT)
    bob = telegram.add_user("Bob", language_code="en")
    private = telegram.private_chat(bob)
    hello = await ask(bob, private, "/help", "/unlink")
    assert "already used" in (await bob.forge(hello, str(asked.button(YES).data)).answered()).text
    assert await token_of(store, private) is None


async def test_where_the_message_can_not_be_deleted_that_is_said_too(
    ada: Person, chat: Chat, telegram: SandboxTelegram
) -> None:
    await link(ada, chat)
    telegram.faults.refuse(ApiError(400, "Bad Request: message can't be deleted"), method="deleteMessage")
    texts = await answers(ada, chat, OTHER)
    assert WAS_IT in texts[0]
    assert "I could not delete your message" in texts[1]


async def test_the_question_speaks_german(telegram: SandboxTelegram) -> None:
    eva = telegram.add_user("Eva", language_code="de")
    chat = telegram.private_chat(eva)
    await ask(eva, chat, f"/link {TOKEN}", "✅ Dieser Chat ist verknüpft.")
    asked = await question(eva, chat, OTHER, "War das ein Token?")
    assert [button.text for button in asked.buttons] == ["🔗 Ja, Token verwenden", "Nein"]


# --- In a linked chat: asked for ------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_another_account_is_linked_only_after_a_question(
    ada: Person, chat: Chat, store: Store, spelling: str
) -> None:
    await link(ada, chat)
    asked = await question(ada, chat, spelling.format(OTHER), REPLACE)
    assert await token_of(store, chat) == TOKEN
    ada.press(asked, YES_REPLACE)
    await gone(chat, asked, "✅ This chat is linked.")
    assert await token_of(store, chat) == OTHER


async def test_so_it_is_with_the_token_as_the_next_message(ada: Person, chat: Chat, store: Store) -> None:
    await link(ada, chat)
    await ask(ada, chat, "/link", "Send me your API token")
    asked = await question(ada, chat, OTHER, REPLACE)
    sent = ada.send(chat, "a_password")
    await chat.wait_for(from_bot("No invoice matches"), after=sent)
    assert not sent.deleted
    await ada.press(asked, KEEP).answered()
    await gone(chat, asked, "nothing has changed")
    assert await token_of(store, chat) == TOKEN


async def test_a_token_of_the_same_account_needs_no_question(ada: Person, chat: Chat) -> None:
    await link(ada, chat)
    await link(ada, chat)


async def test_a_wrong_token_is_refused_without_a_question(ada: Person, chat: Chat, store: Store) -> None:
    await link(ada, chat)
    await question(ada, chat, f"/link {WRONG}", "does not accept this token")
    assert await token_of(store, chat) == TOKEN


# --- Groups ---------------------------------------------------------------------------------------------------------

GO_ON = "🔗 Continue in private"


@pytest.fixture
def group(ada: Person) -> Chat:
    group = ada.create_group("Friends", supergroup=True)
    ada.set_bot_status(group, "administrator")
    return group


@pytest.mark.parametrize(
    "spelling", [*(each for each in SPELLINGS if each != "/LINK {}"), "/start {}", "/token@sandbox_invoice_bot {}"]
)
async def test_a_token_shown_to_a_group_is_deleted_in_any_spelling(
    ada: Person, group: Chat, provider: FakeProvider, spelling: str
) -> None:
    await question(ada, group, spelling.format(TOKEN), "so I deleted it", "revoke")
    assert provider.languages == []


async def test_so_is_a_photo_with_such_a_caption(ada: Person, group: Chat) -> None:
    sent = ada.send_file(group, "x.txt", b"x", f"/link {TOKEN}")
    await group.wait_for(from_bot("so I deleted it"), after=sent)
    assert sent.deleted


@pytest.mark.parametrize(
    "text",
    ["{}", "/deploy {}", "/token@another_bot {}", "/link@sandbox_invoice_bot_2_bot {}", "/linked x", "Our IBAN: {}"],
)
async def test_what_people_of_a_group_say_to_each_other_or_to_other_bots_stays(
    ada: Person, group: Chat, text: str
) -> None:
    sent = ada.send(group, text.format(TOKEN))
    await ask(ada, group, "/help", "/unlink")
    assert not sent.deleted


async def test_a_groups_link_to_another_account_is_replaced_only_after_a_question(
    ada: Person, chat: Chat, group: Chat, store: Store
) -> None:
    started = ada.follow(await ask(ada, group, "/link", "continue in our private chat"), GO_ON)
    await chat.wait_for(from_bot("You are linking the group"), after=started)
    await ask(ada, chat, TOKEN, "is linked")
    for answer, expected in ((KEEP, TOKEN), (YES_REPLACE, OTHER)):
        started = ada.follow(await ask(ada, group, "/link", "continue in our private chat"), GO_ON)
        await chat.wait_for(from_bot("You are linking the group"), after=started)
        asked = await question(ada, chat, f"Bearer {OTHER}", "the group Friends", REPLACE)
        assert await token_of(store, group) == TOKEN
        await ada.press(asked, answer).answered()
        await gone(chat, asked, "nothing has changed" if answer == KEEP else "I've told everyone there")
        assert await token_of(store, group) == expected


async def test_so_it_is_with_the_account_of_the_private_chat(
    ada: Person, chat: Chat, group: Chat, store: Store
) -> None:
    started = ada.follow(await ask(ada, group, "/link", "continue in our private chat"), GO_ON)
    await chat.wait_for(from_bot("You are linking the group"), after=started)
    await ask(ada, chat, TOKEN, "is linked")
    await ask(ada, chat, f"/link {OTHER}", "✅ This chat is linked.")
    started = ada.follow(await ask(ada, group, "/link", "continue in our private chat"), GO_ON)
    prompt = await chat.wait_for(from_bot("You are linking the group"), after=started)
    ada.press(prompt, "🔗 Use the account of this chat")
    await gone(chat, prompt, REPLACE)
    ada.press(prompt, YES_REPLACE)
    await gone(chat, prompt, "I've told everyone there")
    assert await token_of(store, group) == OTHER


# --- Wrong tokens ---------------------------------------------------------------------------------------------------


async def test_who_sends_wrong_tokens_has_to_wait_and_others_have_not(
    ada: Person, chat: Chat, provider: FakeProvider, telegram: SandboxTelegram, time: Time
) -> None:
    for number in range(3):
        await ask(ada, chat, f"{WRONG}{number}", "does not accept this token")
    for number in range(20):
        await question(ada, chat, f"/link {WRONG}{number}", "Please wait 60 seconds")
    assert len(provider.languages) == 3
    bob = telegram.add_user("Bob", language_code="en")
    await link(bob, telegram.private_chat(bob))
    time.forward(timedelta(minutes=1))
    await ask(ada, chat, f"/link {WRONG}", "does not accept this token")
    await question(ada, chat, f"/link {TOKEN}", "Please wait 2 minutes")
    time.forward(timedelta(minutes=2))
    await link(ada, chat)

"""Groups: linked from the private chat, with an owner, payers, and others that may only read."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.domain.chats import Chat as BotChat, Link
from bot.sandbox.telegram import ApiError, Chat, Message, Person, SandboxTelegram
from bot.settings import Settings
from bot.store.store import Store
from tests.chat.conversation import ask, from_bot, link, said
from tests.chat.fakes import TOKEN, FakeProvider, Time
from tests.chat.samples import invoice

pytestmark = pytest.mark.usefixtures("invoice_bot")

GO_ON = "🔗 Continue in private"
OWN = "🔗 Use the account of this chat"
YES = "✅ Pay €7.95"


@pytest.fixture
def bob(telegram: SandboxTelegram) -> Person:
    return telegram.add_user("Bob", last_name="<b>Builder</b>", language_code="en")


@pytest.fixture
def carla(telegram: SandboxTelegram) -> Person:
    return telegram.add_user("Carla", language_code="de")


@pytest.fixture
def group(ada: Person, bob: Person, carla: Person, provider: FakeProvider) -> Chat:
    """Ada's group: Bob is a member, Carla an administrator. Ada's account has one open invoice."""
    provider.add(invoice())
    group = carla.create_group("Fish & <Chips>", members=[ada, bob], supergroup=True)
    carla.set_bot_status(group, "member")
    return group


@pytest.fixture
async def linked(ada: Person, chat: Chat, group: Chat) -> Chat:
    await join(ada, group)
    await send_token(ada, chat, group)
    return group


async def join(person: Person, group: Chat, topic: int | None = None) -> Message:
    """Ask for the link in the group and continue in private."""
    invitation = await ask(person, group, "/link", "continue in our private chat", topic=topic)
    return person.follow(invitation, GO_ON)


async def send_token(person: Person, chat: Chat, group: Chat, token: str = TOKEN) -> Message:
    """Send the token in private and return the greeting in the group."""
    before = group.messages[-1]
    await chat.wait_for(from_bot("You are linking the group"))
    await ask(person, chat, token, "is linked")
    return await group.wait_for(from_bot("This chat is linked"), after=before)


async def link_of(store: Store, group: Chat) -> Link:
    link = (await store.chat(group.id)).link
    assert link is not None
    return link


# --- Linking --------------------------------------------------------------------------------------------------------


async def test_a_group_is_linked_from_the_private_chat_and_never_sees_the_token(
    ada: Person, chat: Chat, group: Chat, store: Store
) -> None:
    started = await join(ada, group)
    assert re.fullmatch(r"/start [\w-]{32}", started.text)
    prompt = await chat.wait_for(from_bot("You are linking the group Fish & <Chips>"), after=started)
    assert prompt.buttons == []
    sent = ada.send(chat, TOKEN)
    await chat.wait_for(from_bot("The group Fish & <Chips> is linked"), after=sent)
    greeting = await group.wait_for(from_bot("This chat is linked", "1 open invoice, €7.95"))
    assert sent.deleted
    assert [TOKEN in text for text in (*said(group), *said(chat))] == [False] * 4
    stored = await link_of(store, group)
    assert (stored.linked_by, stored.owner_name, stored.token.reveal()) == (ada.id, "Ada", TOKEN)
    assert (await store.chat(chat.id)) == BotChat(chat.id)
    assert greeting.chat is group


async def test_a_linked_private_chats_account_can_be_used_without_its_token(
    ada: Person, chat: Chat, group: Chat, store: Store
) -> None:
    await link(ada, chat)
    started = await join(ada, group)
    prompt = await chat.wait_for(from_bot("You are linking"), after=started)
    ada.press(prompt, OWN)
    await group.wait_for(from_bot("This chat is linked"))
    await chat.wait_for(lambda m: m is prompt and "is linked" in m.text)
    assert (await link_of(store, group)).account == (await link_of(store, chat)).account
    assert "expired or was already used" in (await ada.forge(prompt, f"own:{'0' * 16}").answered()).text


async def test_an_expired_invitation_loses_its_button(
    ada: Person, chat: Chat, group: Chat, store: Store, time: Time
) -> None:
    await link(ada, chat)
    prompt = await chat.wait_for(from_bot("You are linking"), after=await join(ada, group))
    time.forward(timedelta(hours=1))
    assert "expired or was already used" in (await ada.press(prompt, OWN).answered()).text
    assert prompt.buttons == []


async def test_a_mistyped_token_can_be_sent_again(ada: Person, chat: Chat, group: Chat) -> None:
    started = await join(ada, group)
    await chat.wait_for(from_bot("You are linking"), after=started)
    await ask(ada, chat, "another-token-0123456789", "does not accept this token")
    await ask(ada, chat, TOKEN, "Fish & <Chips> is linked")


async def test_the_way_is_for_who_asked_only(ada: Person, bob: Person, group: Chat, store: Store) -> None:
    invitation = await ask(ada, group, "/link", "Ada, please continue")
    started = bob.follow(invitation, GO_ON)
    await started.chat.wait_for(from_bot("This button was for somebody else"), after=started)
    await ask(bob, started.chat, TOKEN, "✅")
    assert (await store.chat(group.id)).link is None


async def test_the_way_leads_there_once(ada: Person, chat: Chat, group: Chat, store: Store) -> None:
    invitation = await ask(ada, group, "/link", "continue in our private chat")
    ada.follow(invitation, GO_ON)
    await send_token(ada, chat, group)
    again = ada.follow(invitation, GO_ON)
    await chat.wait_for(from_bot("has expired or was already used"), after=again)
    assert (await store.chat(chat.id)).awaiting_for == ""


async def test_the_way_expires(ada: Person, chat: Chat, group: Chat, time: Time, store: Store) -> None:
    invitation = await ask(ada, group, "/link", "works for 15 minutes")
    started = ada.follow(invitation, GO_ON)
    await chat.wait_for(from_bot("You are linking"), after=started)
    time.forward(timedelta(minutes=15))
    sent = ada.send(chat, TOKEN)
    await chat.wait_for(from_bot("has expired or was already used"), after=sent)
    assert sent.deleted
    again = ada.follow(invitation, GO_ON)
    await chat.wait_for(from_bot("has expired or was already used"), after=again)
    assert (await store.chat(group.id)).link is None


async def test_a_made_up_way_leads_nowhere(ada: Person, chat: Chat, store: Store) -> None:
    await ask(ada, chat, f"/start {'x' * 32}", "has expired or was already used")
    assert await store.chat(chat.id) == BotChat(chat.id)


@pytest.mark.parametrize("payload", ["from-a-catalogue", "x" * 64, "..", f"{'x' * 31}!"])
async def test_who_comes_by_any_other_deep_link_is_greeted_like_everybody(
    ada: Person, chat: Chat, payload: str
) -> None:
    await ask(ada, chat, f"/start {payload}", "I keep an eye on your hosting invoices")


async def test_the_nonce_is_stored_as_a_hash_only(ada: Person, group: Chat, settings: Settings) -> None:
    started = await join(ada, group)
    nonce = started.text.removeprefix("/start ")
    await started.chat.wait_for(from_bot("You are linking"), after=started)
    content = "".join(path.read_text() for path in settings.data_dir.rglob("*.json"))
    assert str(ada.id) in content
    assert nonce not in content


async def test_after_another_command_a_token_is_for_the_private_chat(
    ada: Person, chat: Chat, group: Chat, store: Store
) -> None:
    started = await join(ada, group)
    await chat.wait_for(from_bot("You are linking"), after=started)
    await ask(ada, chat, "/link", "Send me your API token")
    await ask(ada, chat, TOKEN, "This chat is linked")
    assert (await store.chat(group.id)).link is None
    assert (await link_of(store, chat)).linked_by == ada.id


async def test_a_linked_group_only_its_owner_or_an_administrator_links_anew(
    ada: Person, bob: Person, carla: Person, linked: Chat, telegram: SandboxTelegram, store: Store
) -> None:
    await ask(bob, linked, "/link", "Only Ada, who linked this group, or an administrator")
    started = await join_in_german(carla, linked)
    prompt = await started.chat.wait_for(from_bot("Du verknüpfst die Gruppe"), after=started)
    await ask(carla, started.chat, TOKEN, "ist verknüpft")
    assert prompt.buttons == []
    assert (await link_of(store, linked)).linked_by == carla.id


async def join_in_german(person: Person, group: Chat) -> Message:
    invitation = await ask(person, group, "/link", "mach in unserem privaten Chat weiter")
    return person.follow(invitation, "🔗 Privat weitermachen")


async def test_who_is_no_administrator_any_more_can_not_replace_the_link(
    ada: Person, carla: Person, linked: Chat, store: Store
) -> None:
    started = await join_in_german(carla, linked)
    await started.chat.wait_for(from_bot("Du verknüpfst die Gruppe"), after=started)
    linked.set_members([carla.user], "member")
    await ask(carla, started.chat, TOKEN, "Das kann nur, wer diese Gruppe verknüpft hat (Ada)")
    assert (await link_of(store, linked)).linked_by == ada.id


async def test_a_group_that_was_linked_meanwhile_is_not_linked_over(
    ada: Person, bob: Person, chat: Chat, group: Chat, store: Store
) -> None:
    started = await join(bob, group)
    await started.chat.wait_for(from_bot("You are linking"), after=started)
    await join(ada, group)
    await send_token(ada, chat, group)
    await ask(bob, started.chat, TOKEN, "Only Ada, who linked this group")
    assert (await link_of(store, group)).linked_by == ada.id


async def test_the_group_speaks_its_linkers_language_from_then_on(carla: Person, group: Chat, store: Store) -> None:
    started = await join_in_german(carla, group)
    await started.chat.wait_for(from_bot("Du verknüpfst"), after=started)
    await ask(carla, started.chat, TOKEN, "ist verknüpft")
    await group.wait_for(from_bot("Dieser Chat ist verknüpft"))
    assert (await store.chat(group.id)).reply_language == "de"


async def test_a_group_that_can_not_be_greeted_is_linked_all_the_same(
    ada: Person, chat: Chat, carla: Person, group: Chat, store: Store
) -> None:
    started = await join(ada, group)
    await chat.wait_for(from_bot("You are linking"), after=started)
    carla.set_bot_status(group, "left")
    await ask(ada, chat, TOKEN, "is linked")
    assert (await store.chat(chat.id)).resting is None
    assert (await link_of(store, group)).linked_by == ada.id


async def test_a_group_whose_greeting_says_that_it_is_gone_rests(
    ada: Person, chat: Chat, group: Chat, telegram: SandboxTelegram, store: Store
) -> None:
    started = await join(ada, group)
    await chat.wait_for(from_bot("You are linking"), after=started)
    telegram.faults.refuse(ApiError(403, "Forbidden: bot was kicked from the group chat"), method="sendMessage")
    await ask(ada, chat, TOKEN, "is linked")
    stored = await store.chat(group.id)
    assert stored.resting is not None
    assert stored.link is not None


async def test_a_group_that_became_a_supergroup_meanwhile_is_linked_under_its_new_id(
    ada: Person, chat: Chat, store: Store
) -> None:
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    started = await join(ada, group)
    await chat.wait_for(from_bot("You are linking"), after=started)
    supergroup = ada.upgrade(group)
    await ask(ada, chat, TOKEN, "is linked")
    assert (await link_of(store, supergroup)).linked_by == ada.id


async def test_in_a_forum_all_answers_come_to_the_topic(
    ada: Person, chat: Chat, provider: FakeProvider, store: Store
) -> None:
    provider.add(invoice())
    forum = ada.create_group("Club", forum=True)
    ada.set_bot_status(forum, "member")
    topic = forum.add_topic("Bills")
    started = await join(ada, forum, topic=topic)
    await chat.wait_for(from_bot("You are linking"), after=started)
    await ask(ada, chat, TOKEN, "is linked")
    await forum.wait_for(from_bot("This chat is linked"))
    question = await ask(ada, forum, "/pay@sandbox_invoice_bot 4711", "Pay €7.95", topic=topic)
    ada.press(question, YES)
    await forum.wait_for(lambda m: m is question and "is paid" in m.text)
    await ask(ada, forum, "/payers", "Ada linked this group", topic=topic)
    assert {m.topic_id for m in forum.messages if m.sender.is_bot} == {topic}
    assert (await link_of(store, forum)).place.topic_id == topic


# --- Who may pay ----------------------------------------------------------------------------------------------------


async def test_the_owner_pays(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    question = await ask(ada, linked, "/pay 4711", "Pay €7.95")
    ada.press(question, YES)
    await linked.wait_for(lambda m: m is question and "is paid" in m.text)
    assert provider.posts == [("pay", 4711)]


async def test_others_read_and_can_not_pay(bob: Person, linked: Chat, provider: FakeProvider, ada: Person) -> None:
    details = await ask(bob, linked, "/invoice 4711", "Invoice 4711")
    answer = await bob.press(details, "💳 Pay €7.95 with credit").answered()
    assert answer.text == "Only Ada, and those that Ada names with /payers, can pay here."
    for command in ("/pay", "/pay 4711", "/removecredit 4711", "/pay@sandbox_invoice_bot 4711"):
        await ask(bob, linked, command, "Only Ada, and those that Ada names with /payers")
    question = await ask(ada, linked, "/pay 4711", "Pay €7.95")
    assert "Only the person" in (await bob.press(question, YES).answered()).text
    assert provider.posts == []


async def test_reminders_are_changed_by_who_may_pay_and_by_nobody_else(
    ada: Person, bob: Person, linked: Chat, store: Store
) -> None:
    refusal = "Only Ada, and those who may pay here, can change the reminders of this group."
    details = await ask(bob, linked, "/invoice 4711", "Invoice 4711")
    for label in ("🔕 Mute", "💤 Remind me later"):
        assert (await bob.press(details, label).answered()).text == refusal
    settings = await ask(bob, linked, "/settings", "Settings")
    for data in ("set:loud:none", "set:language:de", "set:defaults"):
        assert (await bob.forge(settings, data).answered()).text == refusal
    await ask(bob, linked, "/timezone Lisbon", refusal)
    await ask(bob, linked, "/language de", refusal)
    stored = await store.chat(linked.id)
    assert (stored.preferences, stored.silences, stored.language) == (None, {}, None)
    await ada.press(details, "🔕 Mute").answered()
    await ask(ada, linked, "/timezone Lisbon", "Lisbon")
    stored = await store.chat(linked.id)
    assert stored.silences[4711].muted
    assert stored.preferences is not None


async def test_by_a_reply_the_owner_lets_somebody_pay_and_takes_it_back(
    ada: Person, bob: Person, linked: Chat, provider: FakeProvider, store: Store
) -> None:
    message = bob.send(linked, "hello")
    ada.send(linked, "/payers", reply_to=message)
    await linked.wait_for(from_bot("✅ Bob <b>Builder</b> may pay here from now on."))
    question = await ask(bob, linked, "/pay 4711", "Pay €7.95")
    listed = await ask(ada, linked, "/payers", "💳 Bob <b>Builder</b> may pay.")
    ada.press(listed, "✖️ Remove Bob <b>Builder</b>")
    await linked.wait_for(lambda m: m is listed and "Bob" not in m.text)
    assert (await link_of(store, linked)).payers == ()
    # Roles are checked at the press, not only at the question.
    assert "Only Ada" in (await bob.press(question, YES).answered()).text
    assert provider.posts == []


async def test_who_may_pay_pays(ada: Person, bob: Person, linked: Chat, provider: FakeProvider) -> None:
    refusal = await ask(bob, linked, "/pay 4711", "Only Ada")
    label = "💳 Let Bob <b>Builder</b> pay"
    assert "Only Ada, who linked this group, can" in (await bob.press(refusal, label).answered()).text
    ada.press(refusal, label)
    await linked.wait_for(lambda m: m is refusal and "may pay here from now on" in m.text)
    question = await ask(bob, linked, "/pay 4711", "Pay €7.95")
    assert "Only the person" in (await ada.press(question, YES).answered()).text
    bob.press(question, YES)
    await linked.wait_for(lambda m: m is question and "is paid" in m.text)
    assert provider.posts == [("pay", 4711)]
    await ask(ada, linked, "/payments", "Bob <b>Builder</b> · done")


async def test_only_the_owner_names_payers(bob: Person, carla: Person, linked: Chat, store: Store) -> None:
    message = bob.send(linked, "hello")
    carla.send(linked, "/payers", reply_to=message)
    await linked.wait_for(from_bot("Das kann nur, wer diese Gruppe verknüpft hat: Ada."))
    listed = await ask(bob, linked, "/payers", "Ada linked this group", "Everyone else can see")
    assert listed.buttons == []
    stored = await link_of(store, linked)
    mark = int(stored.linked_at.timestamp())
    forged = await bob.forge(listed, f"payers:add:{bob.id}:{mark}").answered()
    assert "Only Ada" in forged.text
    assert (await link_of(store, linked)).payers == ()


@pytest.mark.parametrize("data", ["payers", "payers:add", "payers:add:x:1", "payers:add:12:1", "payers:eat:12:{mark}"])
async def test_forged_buttons_name_nobody(ada: Person, linked: Chat, store: Store, data: str) -> None:
    listed = await ask(ada, linked, "/payers", "Ada linked")
    mark = int((await link_of(store, linked)).linked_at.timestamp())
    answer = await ada.forge(listed, data.format(mark=mark)).answered()
    assert answer.text
    assert (await link_of(store, linked)).payers == ()


async def test_a_bot_an_anonymous_administrator_or_who_has_left_can_be_no_payer(
    ada: Person, bob: Person, carla: Person, linked: Chat, store: Store
) -> None:
    own = await ask(ada, linked, "/payers", "Ada linked")
    anonymous = carla.send_anonymously(linked, "hello")
    left = bob.send(linked, "good bye")
    linked.set_members([bob.user], "left")
    for message in (own, anonymous, left):
        sent = ada.send(linked, "/payers", reply_to=message)
        await linked.wait_for(from_bot("Only a person who is in this group"), after=sent)
    assert (await link_of(store, linked)).payers == ()


async def test_an_anonymous_administrator_is_told_to_write_in_their_own_name(
    carla: Person, linked: Chat, provider: FakeProvider
) -> None:
    for command in ("/pay 4711", "/link"):
        sent = carla.send_anonymously(linked, command)
        await linked.wait_for(from_bot("I can't see who you are"), after=sent)
    assert provider.posts == []


async def test_payers_need_a_linked_group(ada: Person, chat: Chat, group: Chat) -> None:
    await ask(ada, chat, "/payers", "In our private chat only you can pay")
    await ask(ada, group, "/payers", "This group is not linked to an account yet")


async def test_payers_outlive_a_new_token_of_the_same_owner_and_no_other_owner(
    ada: Person, bob: Person, chat: Chat, linked: Chat, provider: FakeProvider, store: Store, carla: Person
) -> None:
    message = bob.send(linked, "hello")
    ada.send(linked, "/payers", reply_to=message)
    await linked.wait_for(from_bot("may pay here from now on"))
    provider.tokens.add("a-newer-token-0123456789")
    started = await join(ada, linked)
    await chat.wait_for(from_bot("You are linking"), after=started)
    await ask(ada, chat, "a-newer-token-0123456789", "is linked")
    assert [payer.id for payer in (await link_of(store, linked)).payers] == [bob.id]
    started = await join_in_german(carla, linked)
    await started.chat.wait_for(from_bot("Du verknüpfst"), after=started)
    await ask(carla, started.chat, TOKEN, "ist verknüpft")
    assert (await link_of(store, linked)).payers == ()


async def test_while_telegram_does_not_tell_who_is_who_nobody_is_let_in(
    ada: Person, bob: Person, linked: Chat, telegram: SandboxTelegram, store: Store
) -> None:
    telegram.faults.refuse(ApiError(500, "Internal Server Error"), method="getChatMember", times=2)
    await ask(bob, linked, "/unlink", "Telegram doesn't tell me at the moment who is who")
    message = bob.send(linked, "hello")
    ada.send(linked, "/payers", reply_to=message)
    await linked.wait_for(from_bot("Telegram doesn't tell me"), after=message)
    assert (await link_of(store, linked)).payers == ()


async def test_a_token_is_deleted_also_where_telegram_does_not_tell_whether_its_sender_may_link_anew(
    carla: Person, linked: Chat, telegram: SandboxTelegram, store: Store, ada: Person
) -> None:
    started = await join_in_german(carla, linked)
    await started.chat.wait_for(from_bot("Du verknüpfst"), after=started)
    telegram.faults.refuse(ApiError(500, "Internal Server Error"), method="getChatMember")
    sent = carla.send(started.chat, TOKEN)
    await started.chat.wait_for(from_bot("Telegram sagt mir gerade nicht"), after=sent)
    assert sent.deleted
    assert (await link_of(store, linked)).linked_by == ada.id
    await ask(carla, started.chat, TOKEN, "ist verknüpft")  # once it tells


# --- Unlinking ------------------------------------------------------------------------------------------------------


async def test_a_member_can_not_unlink(ada: Person, bob: Person, linked: Chat, store: Store) -> None:
    await ask(bob, linked, "/unlink", "Only Ada, who linked this group, or an administrator")
    question = await ask(ada, linked, "/unlink", "Remove the link?")
    for button in question.buttons:
        assert "Only Ada" in (await bob.press(question, button.text).answered()).text
    assert (await link_of(store, linked)).linked_by == ada.id
    ada.press(question, "🗑 Remove the link")
    await linked.wait_for(lambda m: m is question and "The link is gone" in m.text)
    assert (await store.chat(linked.id)).link is None


async def test_an_administrator_can_unlink(carla: Person, linked: Chat, store: Store) -> None:
    sent = carla.send_anonymously(linked, "/unlink")
    await linked.wait_for(from_bot("Remove the link?"), after=sent)
    question = await ask(carla, linked, "/unlink@sandbox_invoice_bot", "Verknüpfung löschen?")
    carla.press(question, "🗑 Verknüpfung löschen")
    await linked.wait_for(lambda m: m is question and "Die Verknüpfung ist gelöscht" in m.text)
    assert (await store.chat(linked.id)).link is None

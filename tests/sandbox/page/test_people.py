"""The current person, their chats, the commands offered there, and unread messages."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
)

from bot.sandbox.demo_world import DemoWorld
from bot.sandbox.telegram import Chat
from tests.sandbox.page.screen import Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def group(demo: DemoWorld) -> Chat:
    return next(chat for chat in demo.chats if chat.kind == "group")


async def check_menu(screen: Screen, *commands: str) -> None:
    await expect(screen.page.locator(".menu")).to_be_visible()
    await screen.page.locator(".menu").click()
    await expect(screen.page.locator(".commands b")).to_have_text(commands)
    await screen.field.press("Escape")


async def test_everybody_sees_their_own_side_of_the_group(screen: Screen, bot: Bot, group: Chat) -> None:
    await screen.chat("Lighthouse").click()
    await screen.say("Has anybody paid?")
    await bot.send_message(group.id, "I have not")
    await expect(screen.messages.first).to_have_class("message mine first last")
    await screen.be("Jonas")
    await expect(screen.chat("Lighthouse").locator(".badge")).to_have_text("2")
    await screen.chat("Lighthouse").click()
    await expect(screen.messages.first.locator(".name")).to_have_text("Ada")
    await expect(screen.last.locator(".name")).to_have_text("Invoice bot")
    await expect(screen.chat("Lighthouse").locator(".badge")).to_have_count(0)


async def test_messages_for_others_are_counted_at_their_faces(screen: Screen, bot: Bot, demo: DemoWorld) -> None:
    _, jonas, _ = demo.people
    demo.sandbox.telegram.private_chat(jonas)
    await bot.send_message(jonas.id, "For Jonas alone")
    badge = screen.page.locator(".person", has_text="Jonas").locator(".badge")
    await expect(badge).to_have_text("1")
    await expect(screen.notices).to_be_empty()
    await screen.be("Jonas")
    await expect(screen.last).to_contain_text("For Jonas alone")
    await expect(badge).to_have_count(0)


async def test_a_message_in_another_chat_is_announced_with_a_link_to_it(screen: Screen, bot: Bot, group: Chat) -> None:
    await bot.send_message(group.id, "Hello, all")
    await expect(screen.page).to_have_title("(1) Invoice bot · Ada")
    await screen.notices.get_by_role("button").click()
    await expect(screen.last).to_contain_text("Hello, all")
    await expect(screen.page).to_have_title("Lighthouse Studio · Ada")


async def test_the_menu_follows_language_and_scope(screen: Screen, bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("help", "help")])
    await bot.set_my_commands([BotCommand("pay", "pays")], scope=BotCommandScopeAllPrivateChats())
    await bot.set_my_commands([BotCommand("pay", "zahlt")], scope=BotCommandScopeAllPrivateChats(), language_code="de")
    await bot.set_my_commands([BotCommand("status", "status")], scope=BotCommandScopeAllGroupChats())
    await bot.set_my_commands([BotCommand("roles", "roles")], scope=BotCommandScopeAllChatAdministrators())
    await screen.page.reload()  # the page then has all menus
    await screen.page.locator(".instead").click()
    await check_menu(screen, "/pay")
    await screen.chat("Lighthouse").click()
    await check_menu(screen, "/status")
    await screen.be("Mia")
    await screen.chat("Lighthouse").click()
    await check_menu(screen, "/roles")
    await screen.be("Jonas")
    await screen.page.locator(".instead").click()
    await screen.field.fill("/p")
    await expect(screen.page.locator(".commands li")).to_have_text("/payzahlt")


async def test_commands_are_chosen_with_the_arrow_keys(screen: Screen, bot: Bot, demo: DemoWorld) -> None:
    await bot.set_my_commands([BotCommand("pay", "pays"), BotCommand("pdf", "sends"), BotCommand("help", "helps")])
    await screen.page.locator(".instead").click()
    await screen.field.press_sequentially("/p")
    await expect(screen.page.locator(".commands").get_by_role("option")).to_have_count(2)
    await screen.field.press("ArrowDown")
    await expect(screen.field).to_have_attribute("aria-activedescendant", "command-1")
    await screen.field.press("Enter")
    await demo.sandbox.telegram.private_chat(demo.people[0]).wait_for(lambda m: m.text == "/pdf")
    await expect(screen.field).to_have_value("")
    await screen.page.locator(".menu").click()
    await expect(screen.page.locator(".commands").get_by_role("option")).to_have_count(3)
    await screen.field.press("Escape")
    await expect(screen.page.locator(".commands").get_by_role("option")).to_have_count(0)


async def test_an_upgraded_group_keeps_its_messages(screen: Screen, bot: Bot, group: Chat) -> None:
    await bot.send_message(group.id, "Before")
    await screen.chat("Lighthouse").click()
    await screen.page.get_by_role("button", name="Upgrade to a supergroup").click()
    await expect(screen.page.locator(".service")).to_have_text("The group is a supergroup now")
    await expect(screen.messages.first).to_contain_text("Before")
    await expect(screen.chat("Lighthouse")).to_have_count(1)
    await screen.say("After")
    assert group.migrated_to is not None
    assert (await group.migrated_to.wait_for(lambda m: m.text == "After")).sender.first_name == "Ada"


async def test_topics_are_kept_apart(screen: Screen, bot: Bot, group: Chat) -> None:
    await screen.chat("Lighthouse").click()
    button = screen.page.get_by_role("button", name="Open a topic")
    await expect(button).to_be_disabled()
    await screen.page.get_by_role("button", name="Upgrade to a supergroup").click()
    await button.click()
    await screen.page.locator(".topics button").nth(1).click()
    await screen.say("In the topic")
    forum = group.migrated_to
    assert forum is not None
    said = await forum.wait_for(lambda m: m.text == "In the topic")
    assert said.topic_id in forum.topics
    await bot.send_message(forum.id, "Here too", message_thread_id=said.topic_id)
    await expect(screen.last).to_contain_text("Here too")
    await screen.page.locator(".topics button").first.click()
    await expect(screen.page.locator(".log")).not_to_contain_text("Here too")

    topic = screen.page.locator(".topics button").nth(1)
    await bot.send_message(forum.id, "One", message_thread_id=said.topic_id)
    await bot.send_message(forum.id, "Two", message_thread_id=said.topic_id)
    await expect(topic.locator(".badge")).to_have_text("2")
    await screen.page.reload()
    await expect(topic.locator(".badge")).to_have_text("2")
    await bot.send_message(forum.id, "Three", message_thread_id=said.topic_id)
    await screen.notices.get_by_role("button").click()
    await expect(screen.last).to_contain_text("Three")
    await expect(topic.locator(".badge")).to_have_count(0)
    await expect(screen.chat("Lighthouse").locator(".badge")).to_have_count(0)


async def test_the_administrator_changes_the_bots_status(screen: Screen, demo: DemoWorld, group: Chat) -> None:
    bot = demo.sandbox.telegram.bot
    for name, status in (("Remove", "kicked"), ("Add", "member"), ("Make it an administrator", "administrator")):
        await screen.page.locator(".sections").get_by_role("button", name=name).click()
        await expect(screen.page.locator(".sections").get_by_role("button", name=name)).to_be_disabled()
        assert group.status(bot) == status


async def test_the_address_holds_the_person_and_back_goes_back(browser: Browser, address: str, group: Chat) -> None:
    async with Screen.opened(browser, f"{address}/#mia/{group.id}") as screen:
        await expect(screen.page.locator(".person input:checked")).to_have_value("1000003")
        await expect(screen.page.locator(".who h2")).to_have_text("Lighthouse Studio")
        await screen.be("Ada")
        await screen.page.go_back()
        await expect(screen.page.locator(".who h2")).to_have_text("Lighthouse Studio")
        await expect(screen.page.locator(".person input:checked")).to_have_value("1000003")


async def test_a_refused_text_returns_to_its_writers_field(screen: Screen) -> None:
    page = screen.page
    await page.evaluate(
        """() => {
            const refusal = Response.json({ error: "refused" }, { status: 403 });
            window.fetch = () => new Promise((answer) => (window.refuse = () => answer(refusal)));
        }"""
    )
    await screen.chat("Lighthouse").click()
    await screen.say("A word of Ada's")
    await screen.be("Jonas")
    await screen.chat("Lighthouse").click()
    await screen.field.fill("Jonas writes")
    await page.evaluate("refuse()")
    await expect(screen.notices).not_to_be_empty()
    await expect(screen.field).to_have_value("Jonas writes")
    await screen.be("Ada")
    await screen.chat("Lighthouse").click()
    await expect(screen.field).to_have_value("A word of Ada's")


async def test_a_message_that_is_too_long_stays_in_the_field(screen: Screen) -> None:
    await screen.chat("Lighthouse").click()
    await screen.say("x" * 4097)
    await expect(screen.notices).to_contain_text("4097 characters of at most 4096")
    await expect(screen.field).to_have_value("x" * 4097)
    await screen.say("x" * 4096)
    await expect(screen.last).to_contain_text("x" * 4096)

"""/settings and /timezone: one message, edited in place. Every choice is saved and takes effect at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.chats import Loudness, Preferences, QuietHours
from bot.domain.packs.choices import Rhythm
from bot.sandbox.telegram import Chat, Message, Person, SandboxTelegram
from bot.store.store import Store
from tests.chat.conversation import ask, link, said
from tests.chat.fakes import Time

pytestmark = pytest.mark.usefixtures("invoice_bot")

MENU = """⚙️ Settings

🧘 How much I write: everything
⏰ Reminders: 7, 3 and 1 days before and on the day itself
🔴 Overdue: 1, 3 and 7 days after, then weekly
🕘 Time of day: 09:00
🌙 Quiet hours: 22:00–08:00
🌍 Time zone: your provider's (it's 10:30 there)
🗣 Language: English (as in Telegram)
🔔 With a sound: what is due or overdue
🗂 Documents as a ZIP: not by themselves
📬 New, changed and settled invoices: on
🗓 Overview every Monday: off
📄 PDF after a payment: off
📌 Pinned message: off
🙈 Sums and titles hidden when I write on my own: off
🔒 Files can't be forwarded or saved: off"""
DEFAULTS = Preferences()


@pytest.fixture
async def menu(ada: Person, chat: Chat) -> Message:
    return await ask(ada, chat, "/settings", "Settings")


async def press(person: Person, message: Message, *labels: str) -> None:
    for label in labels:
        await person.press(message, label).answered()


async def chosen(store: Store, chat: Chat) -> Preferences | None:
    return (await store.chat(chat.id)).preferences


async def test_the_menu_shows_all_that_is_chosen(chat: Chat, menu: Message) -> None:
    assert menu.text == MENU
    assert [button.text for button in menu.buttons] == [
        "🧘 How much", "⏰ Reminders", "🔴 Overdue", "🕘 Time of day", "🌙 Quiet hours", "🌍 Time zone",
        "🗣 Language", "🔔 Sound", "🗂 Documents as a ZIP", "📬 No news", "🗓 Send the overview", "📄 Send PDFs",
        "📌 Pin a message", "🙈 Hide sums", "🔒 Protect files",
    ]  # fmt: skip


async def test_every_section_opens_in_the_same_message_and_leads_back(ada: Person, chat: Chat, menu: Message) -> None:
    for label in [button.text for button in menu.buttons][:-6]:
        await press(ada, menu, label)
        assert menu.text != MENU
        assert sum("•" in b.text or "☑" in b.text for b in menu.buttons) >= 1
        await press(ada, menu, "« Back to the settings")
        assert menu.text == MENU
    assert len(said(chat)) == 1


async def test_reminder_days_are_switched_on_and_off(ada: Person, chat: Chat, menu: Message, store: Store) -> None:
    await press(ada, menu, "⏰ Reminders", "☐ 14 days before", "☑ 3 days before")
    assert await chosen(store, chat) == replace(DEFAULTS, before=(14, 7, 1, 0))
    await press(ada, menu, "« Back to the settings")
    assert "Reminders: 14, 7 and 1 days before and on the day itself" in menu.text


async def test_a_press_that_is_delivered_twice_switches_once(
    ada: Person, chat: Chat, menu: Message, store: Store
) -> None:
    await press(ada, menu, "⏰ Reminders")
    for delivered in ada.press_twice_delivered(menu, "☑ 7 days before"):
        await delivered.answered()
    assert await chosen(store, chat) == replace(DEFAULTS, before=(3, 1, 0))
    for delivered in ada.press_twice_delivered(await ask(ada, chat, "/settings", "Settings"), "🗓 Send the overview"):
        await delivered.answered()
    assert await chosen(store, chat) == replace(DEFAULTS, before=(3, 1, 0), digest=True)


async def test_no_reminders_at_all_is_allowed_and_said_clearly(
    ada: Person, chat: Chat, menu: Message, store: Store
) -> None:
    await press(ada, menu, "⏰ Reminders")
    for label in ("☑ 7 days before", "☑ 3 days before", "☑ 1 day before", "☑ on the day itself"):
        await press(ada, menu, label)
    assert "⚠️ No reminders before the due date" in menu.text
    await press(ada, menu, "« Back to the settings", "🔴 Overdue", "no reminders")
    assert "⚠️ No reminders at all" in menu.text
    assert await chosen(store, chat) == replace(DEFAULTS, before=(), after=())


@pytest.mark.parametrize(
    ("presses", "changed", "shown"),
    [
        (["🔴 Overdue", "every day for 7 days, then weekly"], {"after": (1, 2, 3, 4, 5, 6, 7)}, "every day for 7 days"),
        (["🔴 Overdue", "7 days after, then weekly"], {"after": (7,)}, "Overdue: 7 days after, then weekly"),
        (["🕘 Time of day", "18:00"], {"hour": 18}, "Time of day: 18:00"),
        (["🌙 Quiet hours", "21:00", "06:00"], {"quiet": QuietHours(21, 6)}, "Quiet hours: 21:00–06:00"),
        (["🌙 Quiet hours", "none"], {"quiet": None}, "Quiet hours: none"),
        (["🔔 Sound", "everything"], {"loudness": Loudness.ALL}, "With a sound: everything"),
        (["🔔 Sound", "nothing"], {"loudness": Loudness.NONE}, "With a sound: nothing"),
        (["🗓 Send the overview"], {"digest": True}, "Overview every Monday: on"),
        (["📬 No news"], {"news": False}, "New, changed and settled invoices: off"),
        (["📄 Send PDFs"], {"pdf_after_payment": True}, "PDF after a payment: on"),
        (["📌 Pin a message"], {"pinned": True}, "Pinned message: on"),
        (["🙈 Hide sums"], {"discreet": True}, "when I write on my own: on"),
        (["🔒 Protect files"], {"protected": True}, "forwarded or saved: on"),
        (["🌍 Time zone", "New York, 04:30"], {"zone": "America/New_York"}, "New York (it's 04:30 there)"),
    ],
)
async def test_a_choice_is_kept_and_shown_and_can_be_taken_back(
    ada: Person, chat: Chat, menu: Message, store: Store, presses: list[str], changed: dict[str, object], shown: str
) -> None:
    await press(ada, menu, *presses)
    assert await chosen(store, chat) == replace(DEFAULTS, **changed)  # type: ignore[arg-type]  # by name
    assert shown in menu.text
    answer = await ada.press(menu, "↩️ Back to the defaults").answered()
    assert answer.text == "All settings are back to their defaults."
    assert await chosen(store, chat) is None
    assert menu.text == MENU


@pytest.mark.parametrize(
    ("label", "shown", "changed"),
    [
        ("calm", "How much I write: calm", {
            "before": (1, 0), "after": (), "digest": True, "news": False, "transfer": False}),
        ("only the last days", "How much I write: only the last days", {
            "before": (1, 0), "after": (), "digest": False, "news": False, "transfer": False,
        }),
    ],
)  # fmt: skip
async def test_one_press_chooses_how_much_comes_and_each_choice_can_be_changed_afterwards(
    ada: Person, chat: Chat, menu: Message, store: Store, label: str, shown: str, changed: dict[str, object]
) -> None:
    await press(ada, menu, "🕘 Time of day", "18:00", "🔔 Sound", "everything", "🧘 How much")
    assert "Only the last days: the day before the due date, and the due date itself." in menu.text
    await press(ada, menu, label)
    kept = replace(DEFAULTS, hour=18, loudness=Loudness.ALL)
    assert await chosen(store, chat) == replace(kept, **changed)  # type: ignore[arg-type]  # by name
    assert shown in menu.text
    await press(ada, menu, "⏰ Reminders", "☐ 7 days before", "« Back to the settings")
    assert "How much I write: your own choice" in menu.text
    await press(ada, menu, "🧘 How much", "everything")
    assert await chosen(store, chat) == kept
    assert "How much I write: everything" in menu.text


async def test_what_is_left_to_hear_without_reminders_and_news_is_said_clearly(ada: Person, menu: Message) -> None:
    await press(ada, menu, "🧘 How much", "calm", "⏰ Reminders")
    for label in ("☑ 1 day before", "☑ on the day itself"):
        await press(ada, menu, label)
    assert "⚠️ No reminders, and no news: you'll only see an invoice in the overview on Monday." in menu.text
    await press(ada, menu, "« Back to the settings", "🗓 No overview")
    assert "you won't hear about an invoice unless you look" in menu.text
    await press(ada, menu, "🔴 Overdue", "7 days after, then weekly")
    assert "you'll only hear about an invoice when it's overdue." in menu.text


async def test_a_morning_hour_in_the_quiet_hours_says_what_that_means(ada: Person, menu: Message) -> None:
    await press(ada, menu, "🕘 Time of day", "07:00")
    assert "🌙 07:00 is in your quiet hours, so reminders come at 08:00." in menu.text
    await press(ada, menu, "🕘 Time of day", "22:00")
    assert "🌙 22:00 is in your quiet hours, so reminders come at 21:00." in menu.text
    await press(ada, menu, "🌙 Quiet hours", "23:00", "06:00")
    assert "is in your quiet hours" not in menu.text


async def test_the_language_is_one_of_the_settings(ada: Person, chat: Chat, menu: Message, store: Store) -> None:
    await press(ada, menu, "🗣 Language", "Deutsch")
    assert menu.text.startswith("⚙️ Einstellungen")
    assert "🗣 Sprache: Deutsch\n" in menu.text
    assert (await store.chat(chat.id)).language == "de"
    await press(ada, menu, "🗣 Sprache", "set:language:auto")
    assert menu.text == MENU


async def test_preferences_outlive_a_new_link_and_hold_before_the_first(
    ada: Person, chat: Chat, menu: Message, store: Store
) -> None:
    await press(ada, menu, "🕘 Time of day", "18:00")
    await link(ada, chat)
    assert await chosen(store, chat) == replace(DEFAULTS, hour=18)


# --- Time zones -----------------------------------------------------------------------------------------------------


async def test_a_time_zone_that_is_named_is_taken_and_all_times_are_in_it(
    ada: Person, chat: Chat, store: Store
) -> None:
    await link(ada, chat)
    answer = await ask(ada, chat, "/timezone Tokyo", "Settings")
    assert "Time zone: Tokyo (it's 18:30 there)" in answer.text
    assert await chosen(store, chat) == replace(DEFAULTS, zone="Asia/Tokyo")
    assert "Linked since 22 Nov 2026, 18:30." in (await ask(ada, chat, "/status", "Linked since")).text


async def test_where_several_fit_they_are_offered(ada: Person, chat: Chat, store: Store) -> None:
    answer = await ask(ada, chat, "/timezone Germany", "Several time zones fit “Germany”.")
    await press(ada, answer, "Busingen, 10:30")
    assert await chosen(store, chat) == replace(DEFAULTS, zone="Europe/Busingen")
    await press(ada, answer, "set:zone", "My provider's")
    assert await chosen(store, chat) == DEFAULTS


@pytest.mark.parametrize("said", ["IST", "Indiana", "Ljublj", "Birmingham", "GMT+15", "UTC+5:30"])
async def test_what_can_mean_another_zone_is_never_saved_unasked(
    ada: Person, chat: Chat, store: Store, said: str
) -> None:
    answer = await ask(ada, chat, f"/timezone {said}", f"“{said}”")
    assert len(answer.buttons) > 1
    assert await chosen(store, chat) is None


@pytest.mark.parametrize(
    ("said", "zone", "shown"),
    [
        ("München", "Europe/Berlin", "Berlin (it's 10:30 there)"),
        ("Mumbai", "Asia/Kolkata", "Kolkata (it's 15:00 there)"),
        ("MEZ", "Europe/Berlin", "Berlin (it's 10:30 there)"),
        ("CAT", "Africa/Maputo", "Maputo (it's 11:30 there)"),
        ("UTC+2", "Etc/GMT-2", "UTC+2 all year, without summer time (it's 11:30 there)"),
        ("GMT+3", "Etc/GMT-3", "UTC+3 all year, without summer time (it's 12:30 there)"),
    ],
)
async def test_large_cities_usual_abbreviations_and_offsets_are_understood(
    ada: Person, chat: Chat, store: Store, said: str, zone: str, shown: str
) -> None:
    assert shown in (await ask(ada, chat, f"/timezone {said}", "Settings")).text
    assert await chosen(store, chat) == replace(DEFAULTS, zone=zone)


async def test_one_that_is_not_known_is_said_with_an_example_and_with_what_is_close(
    ada: Person, chat: Chat, store: Store
) -> None:
    answer = await ask(ada, chat, "/timezone Berln", "I don't know a time zone “Berln”.", "/timezone Vienna")
    assert answer.buttons[0].text == "Berlin, 10:30"
    strange = await ask(ada, chat, f"/timezone <b>{'x' * 500}", "I don't know a time zone “<b>xxx")
    assert "Berlin, 10:30" in [button.text for button in strange.buttons]
    assert await chosen(store, chat) is None


async def test_without_a_name_the_likely_ones_are_offered(telegram: SandboxTelegram) -> None:
    eva = telegram.add_user("Eva", language_code="de")
    chat = telegram.private_chat(eva)
    answer = await ask(eva, chat, "/timezone", "In welcher Zeitzone bist du?")
    assert [button.text for button in answer.buttons][:3] == ["Berlin, 10:30", "Wien, 10:30", "Zürich, 10:30"]


# --- What was never ours --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        "set:days:7", "set:days:x:on", "set:days:400:on", "set:after:x", "set:after:1..3", "set:hour:24", "set:hour:",
        "set:quiet:8-8", "set:quiet:22-24", "set:quiet:99", "set:quiet:x", "set:zone:Mars/Base", "set:zone:../etc",
        "set:loud:very", "set:language:xx", "set:nothing:1", "set:nothing", "set:digest:²",
        "set:preset:none", "set:preset:",
    ],
)  # fmt: skip
async def test_callback_data_that_was_never_ours_changes_nothing(
    ada: Person, chat: Chat, menu: Message, store: Store, data: str
) -> None:
    await ada.forge(menu, data).answered()
    assert await chosen(store, chat) in {None, DEFAULTS}


async def test_packs_by_themselves_are_chosen_on_one_page(
    ada: Person, chat: Chat, menu: Message, store: Store, time: Time
) -> None:
    await press(ada, menu, "🗂 Documents as a ZIP")
    assert "2026-03-01 - 4711 - Web space S - 7.95 EUR.pdf" in menu.text
    for label in ("Monthly", "Day 3", "☑ 2. Number", "☐ Type"):
        await press(ada, menu, label)
    assert "2026-03-01 - Web space S - 7.95 EUR - Hosting.pdf" in menu.text
    chosen = (await store.chat(chat.id)).preferences
    assert chosen is not None
    assert (chosen.packs, chosen.pack_day, chosen.packs_since) == (Rhythm.MONTH, 3, time.now)
    await press(ada, menu, "« Back to the settings")
    assert "Documents as a ZIP: each month, on day 3" in menu.text

"""The greeting after linking, help, status and the choices around them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.chat.screens import TEXT_LIMIT
from bot.chat.texts import Texts, own_name
from bot.chat.views import general
from bot.domain.chats import LANGUAGES, Chat, Silence, Trouble, Watch
from bot.domain.invoices import Listing
from bot.domain.payments import PaymentRules
from bot.ports import Waiting
from tests.chat.samples import DE, EN, NASTY, NOW, PAID_DOMAIN, buttons, invoice, labels, linked_chat, seen

NOTHING_WAITS = Waiting(0, 0)


# --- After linking --------------------------------------------------------------------------------------------------


def greeting(*invoices: object, unreadable: int = 0, t: Texts = EN) -> str:
    listing = Listing(tuple(invoices), unreadable)  # type: ignore[arg-type]
    return seen(general.linked(t, listing, NOW)).replace("\N{NO-BREAK SPACE}", " ")


def test_the_greeting_tells_what_is_open_and_what_is_due_next() -> None:
    later, sooner = invoice(1, due=date(2026, 12, 24)), invoice(2)
    assert greeting(later, PAID_DOMAIN, sooner) == (
        "✅ This chat is linked.\n"
        "2 open invoices, together €15.90\n"
        "Next due: invoice 2, €7.95, on 27 Nov 2026 (in 5 days).\n"
        "\n"
        "From now on I'll tell you about new invoices and remind you before they are due."
    )
    assert "Als Nächstes fällig: Rechnung 2, 7,95 €, am 27.11.2026 (in 5 Tagen)." in greeting(later, sooner, t=DE)


def test_what_is_overdue_is_not_called_due_next() -> None:
    text = greeting(invoice(1, due=date(2026, 11, 20)), invoice(2))
    assert "🔴 Overdue: invoice 1, €7.95. It was due on 20 Nov 2026 (2 days ago)." in text
    assert "Next due: invoice 2, €7.95" in text
    german = greeting(invoice(1, due=date(2026, 11, 20)), t=DE)
    assert "🔴 Überfällig: Rechnung 1, 7,95 €. Sie war am 20.11.2026 fällig (vor 2 Tagen)." in german
    assert "Als Nächstes" not in german


def test_an_invoice_of_which_nothing_is_left_is_not_due_next() -> None:
    covered = invoice(1, credit=Decimal("7.95"), due=date(2026, 11, 23))
    assert "Next due: invoice 2, €7.95" in greeting(covered, invoice(2))
    assert "Next due" not in greeting(covered)


def test_open_invoices_without_a_due_date_have_no_next_one() -> None:
    text = greeting(invoice(due=None))
    assert "1 open invoice, €7.95" in text
    assert "Next due" not in text


def test_with_nothing_open_the_greeting_says_so() -> None:
    assert "Nothing to pay." in greeting(PAID_DOMAIN)
    assert "There are no invoices in your account." in greeting()


def test_while_some_could_not_be_read_it_does_not_say_that_nothing_is_to_be_paid() -> None:
    text = greeting(PAID_DOMAIN, unreadable=1)
    assert "⚠️ 1 invoice could not be read and is missing here." in text
    assert "Nothing to pay" not in text


def test_from_the_greeting_a_button_leads_to_the_list() -> None:
    screen = general.linked(EN, Listing(()), NOW)
    assert [(b.label, b.data) for b in buttons(screen)] == [("🧾 Invoices", "list:all.any.0.0")]


# --- Help -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [EN, DE], ids=["en", "de"])
def test_help_lists_every_command(t: Texts) -> None:
    private, group = (seen(general.help_page(t, Chat(1), private=private)) for private in (True, False))
    for name in general.COMMANDS:
        assert (f"/{name} – " in private) is (name != "payers")
        assert (f"/{name} – " in group) is (name != "cancel")


def test_help_says_whether_the_chat_is_linked() -> None:
    assert "not linked" in seen(general.help_page(EN, Chat(1)))
    assert "This chat is linked" in seen(general.help_page(EN, linked_chat()))


@pytest.mark.parametrize("t", [EN, DE], ids=["en", "de"])
def test_help_in_a_group_says_how_to_link_it(t: Texts) -> None:
    assert seen(general.help_page(t, Chat(-1), private=False)).endswith(t("error.group_not_linked"))


# --- Status ---------------------------------------------------------------------------------------------------------


def status(chat: Chat, waiting: Waiting = NOTHING_WAITS, t: Texts = EN) -> str:
    assert chat.link is not None
    return seen(general.status(t, chat, chat.link, waiting, NOW))


def test_status_tells_the_last_and_the_next_check() -> None:
    assert status(linked_chat()) == (
        "🔗 Linked since 23 Oct 2026, 11:30.\n"
        "Last successful check: 22 Nov 2026, 09:30 (60 minutes ago).\n"
        "Next check: in 15 minutes."
    )
    assert status(linked_chat(), t=DE) == (
        "🔗 Verknüpft seit 23.10.2026, 11:30.\n"
        "Zuletzt erfolgreich geprüft: 22.11.2026, 09:30 (vor 60 Minuten).\n"
        "Nächste Prüfung: in 15 Minuten."
    )


def test_a_check_that_is_due_is_under_way() -> None:
    assert status(linked_chat(next_check_at=NOW)).endswith("Checking right now.")
    assert status(linked_chat(next_check_at=NOW - timedelta(hours=1))).endswith("Checking right now.")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [(Trouble.TOKEN_REFUSED, "no longer accepts your token"), (Trouble.PERMISSION_MISSING, "access_invoices")],
)
def test_trouble_takes_the_place_of_the_next_check(trouble: Trouble, words: str) -> None:
    text = status(linked_chat(watch=Watch(NOW, trouble)))
    assert words in text
    assert "Next check" not in text


def test_status_tells_what_waits_and_what_could_not_be_delivered() -> None:
    text = status(linked_chat(), Waiting(waiting=2, set_aside=1))
    assert text.endswith(
        "2 messages are waiting to be sent.\n⚠️ 1 message could not be delivered. /invoices shows how things stand."
    )


def test_status_says_since_when_the_provider_can_not_be_read_and_offers_to_try_again() -> None:
    away = linked_chat(watch=Watch(NOW - timedelta(hours=1), failing_since=NOW - timedelta(minutes=30)))
    assert "I haven't been able to read your invoices since 22 Nov 2026, 10:00." in status(away)
    assert away.link is not None
    assert [b.data for b in buttons(general.status(EN, away, away.link, NOTHING_WAITS, NOW))] == ["check"]


def test_status_tells_what_is_snoozed_or_muted_until_when_and_leads_there() -> None:
    silences = {
        1: Silence(until=NOW + timedelta(hours=1)),
        2: Silence(until=NOW - timedelta(hours=1)),
        3: Silence(muted=True),
    }
    chat = replace(linked_chat(), silences=silences)
    assert status(chat).splitlines()[3:] == [
        "💤 Invoice 1: no reminders until 22 Nov 2026, 11:30.",
        "🔕 Invoice 3: no reminders.",
    ]
    assert chat.link is not None
    assert [b.data for b in buttons(general.status(DE, chat, chat.link, NOTHING_WAITS, NOW))] == ["show:1", "show:3"]


def test_many_silenced_invoices_still_fit_into_a_message() -> None:
    chat = replace(linked_chat(), silences=dict.fromkeys(range(10**17, 10**17 + 500), Silence(muted=True)))
    assert status(chat).endswith("… and more.")
    assert len(status(chat)) <= TEXT_LIMIT


# --- /check ---------------------------------------------------------------------------------------------------------


def test_a_check_answers_what_is_open() -> None:
    found = general.checked(EN, Listing((invoice(1), invoice(2), PAID_DOMAIN)))
    assert seen(found) == "✅ Checked just now.\n2 open invoices, together €15.90"
    assert seen(general.checked(DE, Listing((PAID_DOMAIN,)))) == "✅ Gerade nachgesehen.\nNichts zu bezahlen."


# --- Choices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, ["English", "Deutsch", "• Same as Telegram •"]),
        ("en", ["• English •", "Deutsch", "Same as Telegram"]),
        ("de", ["English", "• Deutsch •", "Same as Telegram"]),
    ],
)
def test_the_languages_are_named_in_themselves_and_the_chosen_one_is_marked(
    chosen: str | None, expected: list[str]
) -> None:
    screen = general.languages(EN, chosen)
    shown = buttons(screen)
    assert labels(screen)[:2] + labels(screen)[-1:] == expected
    assert [button.data for button in shown] == [f"language:{code}" for code in (*LANGUAGES, "auto")]


@pytest.mark.parametrize("language", ["fr", "pt", "cs", "uk", "ja"])
def test_any_language_names_itself(language: str) -> None:
    name = own_name(language)
    assert name[0] == name[0].upper()
    assert name != language


def test_a_language_that_was_asked_for_in_vain_is_said_back_above_those_that_there_are() -> None:
    screen = general.languages(DE, None, unknown=NASTY)
    assert seen(screen) == f"„{NASTY}“ spreche ich nicht. Wähle eine von diesen Sprachen:"
    assert labels(screen) == labels(general.languages(DE, None))


def test_unlinking_is_asked_for_first_of_one_link_and_no_other() -> None:
    link = linked_chat().link
    assert link is not None
    screen = general.unlink_question(DE, link)
    assert "Token" in seen(screen)
    assert [(b.label, b.data) for b in buttons(screen)] == [
        ("🗑 Verknüpfung löschen", f"unlink:yes:{int((NOW - timedelta(days=30)).timestamp())}"),
        ("Alles so lassen", "unlink:no"),
    ]


def test_the_welcome_says_what_to_send_and_what_becomes_of_it() -> None:
    text = seen(general.welcome(EN, private=True))
    assert "API token within the next 10 minutes" in text
    assert "access_invoices" in text
    assert "delete your message" in text


def test_where_nothing_is_paid_the_welcome_promises_no_payment() -> None:
    for t, word in ((EN, "pay"), (DE, "bezahl")):
        assert word in seen(general.welcome(t, private=True))
        assert word not in seen(general.welcome(replace(t, paying=PaymentRules(on=False)), private=True))


@pytest.mark.parametrize("t", [EN, DE], ids=["en", "de"])
def test_the_welcome_in_a_group_does_not_ask_for_a_token(t: Texts) -> None:
    assert seen(general.welcome(t, private=False)) == f"{t('start.welcome_paying')}\n\n{t('error.group_not_linked')}"


def test_todays_date_is_the_one_in_the_providers_zone() -> None:
    # 22 November 23:30 UTC is the 23rd in Berlin, so an invoice due on the 27th is due in four days.
    screen = general.linked(EN, Listing((invoice(),)), NOW.replace(hour=23))
    assert "(in 4 days)" in seen(screen)

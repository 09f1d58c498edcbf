"""/invoices and /invoice, by words and by buttons, and the answers when the provider fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.invoices import Item
from bot.errors import (
    AnswerNotUnderstood,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    RateLimited,
    Refused,
    TokenRefused,
)
from bot.ports import InvoiceFilter
from bot.sandbox.telegram import Chat, Message, Person
from tests.chat.conversation import answers, ask, from_bot, link, plain, said
from tests.chat.fakes import FakeProvider
from tests.chat.samples import NASTY, PAID_DOMAIN, invoice, paid

pytestmark = pytest.mark.usefixtures("invoice_bot")


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    """Ada's chat, linked to an account with two open invoices, a paid one and the domain of the samples."""
    provider.add(invoice(1), invoice(2), paid(3), PAID_DOMAIN)
    await link(ada, chat)
    return chat


def numbers(listing: Message) -> list[str]:
    """Return the numbers of the invoices that a list has buttons for."""
    return [data.split(":")[1] for button in listing.buttons if (data := button.data or "").startswith("show:")]


async def open_filters(person: Person, chat: Chat) -> Message:
    """Show the list and open its filters."""
    listing = await ask(person, chat, "/invoices", "Your invoices")
    await person.press(listing, "🔍 Filter").answered()
    return listing


# --- /invoices --------------------------------------------------------------------------------------------------------


async def test_the_list_shows_open_ones_first(ada: Person, linked: Chat) -> None:
    listing = await ask(ada, linked, "/invoices", "Your invoices")
    assert "2 open invoices, together €15.90" in listing.text
    assert numbers(listing) == ["1", "2", "3", "212032"]


@pytest.mark.parametrize(
    ("words", "title", "expected"),
    [
        ("open", "Open invoices", ["1", "2"]),
        ("PAID", "Paid invoices", ["3", "212032"]),
        ("all", "Your invoices", ["1", "2", "3", "212032"]),
        ("paid hosting", "Paid invoices · Hosting", ["3"]),
        ("domain paid", "Paid invoices", ["212032"]),
        ("domain", "Your invoices", ["212032"]),
        ("donation", "Your invoices", []),
        ("open transactions", "Open invoices · with transactions", ["1", "2"]),
    ],
)
async def test_words_behind_the_command_filter(
    ada: Person, linked: Chat, words: str, title: str, expected: list[str]
) -> None:
    listing = await ask(ada, linked, f"/invoices {words}", title)
    assert numbers(listing) == expected


@pytest.mark.parametrize(
    ("words", "title", "expected"),
    [
        ("offen", "Offene Rechnungen", ["1", "2"]),
        ("bezahlt", "Bezahlte Rechnungen", ["3", "212032"]),
        ("Alle", "Deine Rechnungen", ["1", "2", "3", "212032"]),
        ("bezahlt hosting", "Bezahlte Rechnungen", ["3"]),
        ("Spende", "Deine Rechnungen", []),
        ("Transaktionen", "Deine Rechnungen · mit Transaktionen", ["1", "2", "3", "212032"]),
        ("transactions", "Deine Rechnungen · mit Transaktionen", ["1", "2", "3", "212032"]),
        ("paid domain", "Bezahlte Rechnungen", ["212032"]),
    ],
)
async def test_a_german_reader_filters_in_german_and_may_use_the_english_words(
    ada: Person, linked: Chat, words: str, title: str, expected: list[str]
) -> None:
    await ask(ada, linked, "/language de", "Welche Sprache")
    listing = await ask(ada, linked, f"/invoices {words}", title)
    assert numbers(listing) == expected


async def test_with_transactions_is_asked_of_the_provider(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    await ask(ada, linked, "/invoices hosting transactions", "Your invoices")
    assert provider.filters[-1] == InvoiceFilter(type="Hosting", with_transactions=True)


async def test_an_unknown_filter_is_answered_with_those_that_there_are(ada: Person, linked: Chat) -> None:
    answer = await ask(ada, linked, "/invoices late", "I don't know the filter “late”.")
    assert answer.text.endswith("You can use: all, open, paid, hosting, domain, donation, transactions.")


async def test_a_german_reader_is_told_the_filters_in_german(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/language de", "Welche Sprache")
    answer = await ask(ada, linked, "/invoices offene", "Den Filter „offene“ kenne ich nicht.")
    assert answer.text.endswith("Es gibt: alle, offen, bezahlt, hosting, domain, spende, transaktionen.")


async def test_a_filter_of_any_length_gets_an_answer(ada: Person, linked: Chat) -> None:
    answer = await ask(ada, linked, "/invoices " + "<&>" * 1300, "I don't know the filter")
    assert len(answer.text) < 300


async def test_unreadable_invoices_are_told_of(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    provider.unreadable = 1
    await ask(ada, linked, "/invoices", "⚠️ 1 invoice could not be read")


async def test_buttons_turn_the_pages_in_place(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    provider.add(*(invoice(number) for number in range(10, 20)))
    listing = await ask(ada, linked, "/invoices", "Your invoices")
    seen = numbers(listing)
    for label in ("1 / 3", "▶", "▶"):
        await ada.press(listing, label).answered()
        seen += [number for number in numbers(listing) if number not in seen]
    assert len(seen) == 14
    assert "3 / 3" in [button.text for button in listing.buttons]
    assert "▶" not in [button.text for button in listing.buttons]
    assert linked.messages[-1] is listing


async def test_buttons_filter_in_place(ada: Person, linked: Chat) -> None:
    listing = await open_filters(ada, linked)
    assert numbers(listing) == []
    await ada.press(listing, "Paid").answered()
    assert (listing.text.splitlines()[0], listing.buttons[-1].text) == ("🧾 Paid invoices", "🧾 Show 2 invoices")
    await ada.press(listing, "Domain").answered()
    await ada.press(listing, "🧾 Show 1 invoice").answered()
    assert (listing.text.splitlines()[0], numbers(listing)) == ("🧾 Paid invoices · Domain", ["212032"])
    assert linked.messages[-1] is listing


async def test_from_the_filters_there_is_a_way_back_to_the_page(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    provider.add(*(invoice(number) for number in range(10, 20)))
    listing = await ask(ada, linked, "/invoices open", "Open invoices")
    await ada.press(listing, "▶").answered()
    before = (listing.text, listing.keyboard)
    await ada.press(listing, "🔍 Filter").answered()
    assert listing.keyboard != before[1]
    await ada.press(listing, "🧾 Show 12 invoices").answered()
    assert (listing.text, listing.keyboard) == before


async def test_the_list_of_a_deleted_message_comes_anew(ada: Person, linked: Chat) -> None:
    listing = await open_filters(ada, linked)
    ada.delete(listing)
    press = ada.press(listing, "Paid")
    await linked.wait_for(from_bot("Paid invoices"))
    await press.answered()


async def test_a_page_that_was_made_up_is_the_first(ada: Person, linked: Chat) -> None:
    listing = await ask(ada, linked, "/invoices paid", "Paid invoices")
    await ada.forge(listing, "list:some.thing.9.9").answered()
    assert listing.text.startswith("🧾 Your invoices")


# --- /invoice ---------------------------------------------------------------------------------------------------------


async def test_one_invoice_in_detail_however_its_number_is_written(ada: Person, linked: Chat) -> None:
    for text in ("/invoice 1", "/invoice #1", "/invoice No. 1", "/invoice 0001"):
        answer = await ask(ada, linked, text, "Invoice 1 · Open")
        assert "Left to pay: €7.95" in answer.text


@pytest.mark.parametrize("command", ["invoice", "pdf", "pay", "removecredit"])
async def test_what_is_no_number_is_answered_with_how_to_write_it(ada: Person, linked: Chat, command: str) -> None:
    for words in (" x", " -1", " 0", " 1.5", " 9999999999999999999", " \N{ARABIC-INDIC DIGIT ONE}"):
        await ask(ada, linked, f"/{command}{words}", "Which invoice?", words.strip(), f"/{command} 4711")


@pytest.mark.parametrize("numbers", ["1 2", "#1, #2", "1,2", "1 and 2", "Nr. 1 und Nr. 2", "1 2 1"])
async def test_of_several_numbers_each_invoice_is_shown_once(ada: Person, linked: Chat, numbers: str) -> None:
    shown = await answers(ada, linked, f"/invoice {numbers}")
    assert [text.splitlines()[0] for text in shown] == ["🧾 Invoice 1 · Open", "🧾 Invoice 2 · Open"]


async def test_what_is_no_number_among_others_is_named_and_the_others_are_shown(ada: Person, linked: Chat) -> None:
    named, *shown = await answers(ada, linked, "/invoice 1O1 2 <b>")
    assert named == "“1O1” and “<b>” are not invoice numbers, so I left them out."
    assert [text.splitlines()[0] for text in shown] == ["🧾 Invoice 2 · Open"]


async def test_of_several_numbers_one_that_fails_is_named_and_holds_up_no_other(ada: Person, linked: Chat) -> None:
    failed, shown = await answers(ada, linked, "/invoice 999 1")
    assert failed == "Invoice 999: Your account has no such invoice. /invoices lists all of them."
    assert shown.startswith("🧾 Invoice 1 · Open")


async def test_a_failure_of_the_provider_ends_the_whole_command(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    provider.failures["invoice"] = ProviderDown()
    assert len(await answers(ada, linked, "/invoice 1 2")) == 1


async def test_more_numbers_than_ten_are_too_many_at_a_time(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    provider.add(*(invoice(number) for number in range(1, 20)))
    named, *shown = await answers(ada, linked, f"/invoice {' '.join(map(str, range(1, 18)))}")
    assert named == "I can take 10 invoices at a time, so I left out “11”, “12”, “13”, “14”, “15” and others."
    assert len(shown) == 10


async def test_a_number_that_the_account_does_not_have(ada: Person, linked: Chat) -> None:
    await ask(ada, linked, "/invoice 999", "Your account has no such invoice")


async def test_details_open_in_place_and_lead_back_to_the_page(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    provider.add(*(invoice(number) for number in range(10, 20)))
    listing = await ask(ada, linked, "/invoices open", "Open invoices")
    await ada.press(listing, "▶").answered()
    before = (listing.text, listing.keyboard)
    await ada.press(listing, next(b.text for b in listing.buttons if (b.data or "").startswith("show:"))).answered()
    assert "Left to pay: €7.95" in listing.text
    await ada.press(listing, "« Back to the list").answered()
    assert (listing.text, listing.keyboard) == before
    assert linked.messages[-1] is listing


async def test_a_button_of_an_invoice_that_is_gone_says_so_and_leaves_the_list(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    listing = await ask(ada, linked, "/invoices", "Your invoices")
    before = listing.text
    del provider.invoices[1]
    answer = await ada.press(listing, "1 · €7.95").answered()
    assert "no such invoice" in answer.text
    assert answer.show_alert
    assert listing.text == before


# --- When the provider says no ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ProviderDown(), "can't be reached at the moment"),
        (RateLimited(30), "too many requests"),
        (TokenRefused(), "does not accept this token"),
        (PermissionMissing("access_invoices"), "access_invoices"),
        (AnswerNotUnderstood("<html>"), "an answer that I don't understand"),
        (Refused(418, "<b>I'm a teapot & more</b>"), "The provider refused: “<b>I'm a teapot & more</b>”"),
        (Refused(418), "refused and gave no reason."),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_the_providers_errors_are_sentences(
    ada: Person, linked: Chat, provider: FakeProvider, error: ProviderError, words: str
) -> None:
    provider.failures = dict.fromkeys(("list_invoices", "invoice", "pdf", "archive"), error)
    for text in ("/invoices", "/invoice 1", "/pdf 1", "/archive hosting"):
        await ask(ada, linked, text, words)


async def test_after_a_press_the_sentence_is_a_pop_up(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    listing = await open_filters(ada, linked)
    provider.failures["list_invoices"] = ProviderDown()
    answer = await ada.press(listing, "Paid").answered()
    assert answer.show_alert
    assert "can't be reached" in answer.text
    assert listing.text.startswith("🧾 Your invoices")


async def test_a_pop_up_shows_the_providers_words_as_they_were_written(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    listing = await open_filters(ada, linked)
    provider.failures["list_invoices"] = Refused(402, NASTY)
    answer = await ada.press(listing, "Paid").answered()
    assert answer.text == f"The provider refused: “{NASTY}”"


async def test_a_sentence_that_is_too_long_for_a_pop_up_is_a_message(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    listing = await open_filters(ada, linked)
    provider.failures["list_invoices"] = Refused(402, "no " * 99)
    press = ada.press(listing, "Paid")
    await linked.wait_for(from_bot("The provider refused"), after=listing)
    assert (await press.answered()).text == ""


async def test_nothing_of_it_works_before_the_chat_is_linked(ada: Person, chat: Chat) -> None:
    for text in ("/invoices", "/invoice 1", "/pdf 1", "/archive", "/pay 1", "/removecredit 1"):
        await ask(ada, chat, text, "not linked to an account", "/link")


async def test_what_the_provider_wrote_reaches_the_person_as_it_was_written(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    item = Item("Hosting", NASTY, NASTY, None)
    provider.add(replace(invoice(5), items=(item,), status_label=NASTY, due=None))
    assert NASTY in plain(await ask(ada, linked, "/invoice 5", "Invoice 5"))
    assert NASTY in plain(await ask(ada, linked, "/invoices", "Your invoices"))
    assert not any("went wrong" in text for text in said(linked))


async def test_one_question_gets_one_answer(ada: Person, linked: Chat) -> None:
    for text in ("/invoices", "/invoice 1", "/invoice", "/invoices nonsense"):
        assert len(await answers(ada, linked, text)) == 1

"""Text that is no command, and /find: what is found, how it was understood, and what its buttons do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.domain.invoices import Invoice, Item
from bot.domain.search.kept import SEARCH_LIFETIME
from bot.sandbox.telegram import Chat, Message, Person
from tests.chat.conversation import answers, ask, from_bot, link, plain
from tests.chat.fakes import TOKEN, FakeProvider, Time
from tests.chat.samples import invoice, paid

pytestmark = pytest.mark.usefixtures("invoice_bot")


def domain(number: int, name: str, issued: date, total: str = "12.00") -> Invoice:
    items = (Item("Domain", f"Domain {name}", f"Domain {name}", Decimal(total)),)
    return replace(paid(number), issued=issued, total=Decimal(total), subtotal=Decimal(total), items=items)


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider) -> Chat:
    """Ada's chat, linked to an account with an open invoice for hosting, and domains of three years."""
    provider.add(invoice(4711))
    for year in (2024, 2025, 2026):
        provider.add(domain(year * 10, "example.org", date(year, 3, 5)))
        provider.add(domain(year * 10 + 1, "müller.de", date(year, 10, 5), "49.90"))
    await link(ada, chat)
    return chat


def numbers(listing: Message) -> list[str]:
    """Return the numbers of the invoices that a list has buttons for."""
    return [data.split(":")[1] for button in listing.buttons if (data := button.data or "").startswith("show:")]


@pytest.mark.parametrize("text", ["4711", "#4711", "Rechnung 4711", "invoice no. 4711", "/find 4711"])
async def test_a_number_opens_that_invoice(ada: Person, linked: Chat, provider: FakeProvider, text: str) -> None:
    calls = len(provider.filters)
    await ask(ada, linked, text, "Invoice 4711")
    assert len(provider.filters) == calls  # the list was not read


@pytest.mark.parametrize(
    ("text", "heading", "expected"),
    [
        ("example.org", "Search: “example.org”", ["20260", "20250", "20240"]),
        ("EXAMPLE", "Search: “EXAMPLE”", ["20260", "20250", "20240"]),
        ("mueller.de", "Search: “mueller.de”", ["20261", "20251", "20241"]),
        ("exmaple.org", "Search: “exmaple.org” → example.org", ["20260", "20250", "20240"]),
        ("49,90", "Search: €49.90", ["20261", "20251", "20241"]),
        (">20", "Search: > €20.00", ["20261", "20251", "20241"]),
        ("10-20", "Search: €10.00 – €20.00", ["20260", "20250", "20240"]),
        ("März", "Search: March", ["20260", "20250", "20240"]),
        ("2025-03", "Search: March 2025", ["20250"]),
        ("Q4 2025", "Search: Q4 2025", ["20251"]),
        ("letztes Jahr", "Search: 2025", ["20251", "20250"]),
        ("2025", "Search: 2025", ["20251", "20250"]),
        ("unbezahlt", "Search: open", ["4711"]),
        ("Hosting", "Search: Hosting", ["4711"]),
        ("domain 2025 bezahlt", "Search: Domain · 2025 · paid", ["20251", "20250"]),
        ("domain 2025 > 20", "Search: Domain · 2025 · > €20.00", ["20251"]),
    ],
)
async def test_what_is_typed_is_found_and_the_heading_says_how_it_was_understood(
    ada: Person, linked: Chat, text: str, heading: str, expected: list[str]
) -> None:
    listing = await ask(ada, linked, text, heading)
    assert plain(listing).splitlines()[0] == f"🔍 {heading}"
    assert numbers(listing) == expected
    assert f"{len(expected)} invoice{'s' if len(expected) != 1 else ''} found" in listing.text


async def test_in_german_it_says_the_same(ada: Person, linked: Chat) -> None:
    await ada.press(await ask(ada, linked, "/language", "Which language"), "Deutsch").answered()
    listing = await ask(ada, linked, "domains march paid", "Suche: Domain · März · bezahlt")
    assert "3 Rechnungen gefunden" in listing.text
    assert [button.text for button in listing.buttons[-6:-1]] == [
        "🔍 Filter", "📄 Alle PDFs (3)", "☑ PDFs auswählen", "✕ Domain", "✕ März"
    ]  # fmt: skip


async def test_one_tap_takes_a_condition_away_until_all_invoices_are_there(ada: Person, linked: Chat) -> None:
    listing = await ask(ada, linked, "domain 2025 > 20", "Domain · 2025")
    await ada.press(listing, "✕ > €20.00").answered()
    assert plain(listing).startswith("🔍 Search: Domain · 2025\n")
    assert numbers(listing) == ["20251", "20250"]
    await ada.press(listing, "✕ Domain").answered()
    assert plain(listing).startswith("🔍 Search: 2025\n")
    await ada.press(listing, "✕ 2025").answered()
    assert listing.text.startswith("🧾 Your invoices")


async def test_pages_details_and_filters_stay_within_the_search(
    ada: Person, linked: Chat, provider: FakeProvider
) -> None:
    for number in range(1, 9):
        provider.add(domain(number, "example.net", date(2023, 1, number)))
    listing = await ask(ada, linked, "example.net", "8 invoices found")
    await ada.press(listing, "▶").answered()
    assert numbers(listing) == ["2", "1"]
    await ada.press(listing, "1 · €12.00").answered()
    assert listing.text.startswith("🧾 Invoice 1 ")
    await ada.press(listing, "« Back to the list").answered()
    assert numbers(listing) == ["2", "1"]
    await ada.press(listing, "🔍 Filter").answered()
    await ada.press(listing, "Open").answered()
    await ada.press(listing, "🧾 Show 0 invoices").answered()
    assert plain(listing).startswith("🔍 Search: “example.net” · Open\nNo invoice matches.")


async def test_nothing_found_offers_what_is_near_and_what_each_condition_costs(ada: Person, linked: Chat) -> None:
    listing = await ask(ada, linked, "49,00 € domain oktober 2025", "No invoice matches")
    assert "This comes closest" in listing.text or "These come closest" in listing.text
    assert numbers(listing)[0] == "20251"
    assert "You can search for a number" in listing.text
    labels = [button.text for button in listing.buttons]
    assert "✕ €49.00 (1)" in labels
    await ada.press(listing, "✕ €49.00 (1)").answered()
    assert numbers(listing) == ["20251"]


async def test_a_word_that_is_nowhere_can_be_taken_away(ada: Person, linked: Chat) -> None:
    listing = await ask(ada, linked, "domain 2025 Nashorn", "No invoice matches")
    await ada.press(listing, "✕ “Nashorn”").answered()
    assert plain(listing).startswith("🔍 Search: Domain · 2025\n")
    assert numbers(listing) == ["20251", "20250"]


async def test_a_number_that_does_not_exist_is_searched_for(ada: Person, linked: Chat) -> None:
    assert numbers(await ask(ada, linked, "12", "12", "3 invoices found")) == ["20260", "20250", "20240"]
    listing = await ask(ada, linked, "4712", "No invoice matches")
    assert numbers(listing)[0] == "4711"


async def test_find_alone_explains_the_search(ada: Person, linked: Chat) -> None:
    for text in ("/find", "…", "?"):
        (answer,) = await answers(ada, linked, text)
        assert "What are you looking for?" in answer


async def test_a_long_text_is_no_search(ada: Person, linked: Chat) -> None:
    for text in (" ".join(f"word{n}" for n in range(11)), "x" * 30 + " " + "y" * 200):
        (answer,) = await answers(ada, linked, text)
        assert "too long for a search" in answer


async def test_an_old_search_says_what_to_do(ada: Person, linked: Chat, time: Time) -> None:
    listing = await ask(ada, linked, "domain 2025", "2 invoices found")
    time.forward(SEARCH_LIFETIME + timedelta(minutes=1))
    answer = await ada.press(listing, "✕ 2025").answered()
    assert answer.text == "I no longer know what this search was. Please type it once more."
    assert answer.show_alert


@pytest.fixture
async def group(ada: Person, linked: Chat, provider: FakeProvider) -> Chat:
    """Ada's group, linked to the same account."""
    group = ada.create_group("Friends")
    ada.set_bot_status(group, "member")
    invitation = await ask(ada, group, "/link", "continue in our private chat")
    started = ada.follow(invitation, "🔗 Continue in private")
    offer = await linked.wait_for(from_bot("You are linking the group"), after=started)
    ada.press(offer, "🔗 Use the account of this chat")
    await group.wait_for(from_bot("This chat is linked"))
    return group


async def test_a_group_searches_with_find_and_its_talk_is_left_alone(ada: Person, group: Chat) -> None:
    listing = await ask(ada, group, "/find domain 2025", "Search: Domain · 2025")
    assert numbers(listing) == ["20251", "20250"]
    await ada.press(listing, "✕ Domain").answered()
    assert plain(listing).startswith("🔍 Search: 2025\n")
    assert await answers(ada, group, "domain 2025") == []


async def test_a_token_behind_find_is_no_search(ada: Person, group: Chat) -> None:
    sent = ada.send(group, f"/find {TOKEN}")
    warned = await group.wait_for(from_bot("token"), after=sent)
    assert "Search" not in warned.text


async def test_a_search_of_another_chat_opens_nothing(ada: Person, linked: Chat, group: Chat) -> None:
    mine = await ask(ada, linked, "domain 2025", "2 invoices found")
    theirs = await ask(ada, group, "/find example.org", "3 invoices found")
    for button in mine.buttons:
        if (button.data or "").startswith(("less:", "filter:")):
            answer = await ada.forge(theirs, button.data or "").answered()
            assert "no longer know" in answer.text
    assert plain(theirs).startswith("🔍 Search: “example.org”")


async def test_a_chat_without_a_link_is_told_how_to_begin(ada: Person, chat: Chat) -> None:
    assert await answers(ada, chat, "domain 2025") == ["This chat is not linked to an account yet. Start with /link."]


async def test_a_new_search_is_a_new_message_and_the_old_one_still_turns(ada: Person, linked: Chat) -> None:
    first = await ask(ada, linked, "example.org", "3 invoices found")
    second = await ask(ada, linked, "müller.de 2025", "1 invoice found")
    assert first.id != second.id
    await ada.press(first, "🔍 Filter").answered()
    await ada.press(first, "Paid").answered()
    await ada.press(first, "🧾 Show 3 invoices").answered()
    assert numbers(first) == ["20260", "20250", "20240"]
    assert from_bot("1 invoice found")(second)

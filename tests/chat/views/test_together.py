"""The list of all accounts together: what it says, and its size, whatever the accounts are called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.chat.screens import DATA_LIMIT, ROOM_ABOVE, TEXT_LIMIT, length
from bot.chat.texts import Texts
from bot.chat.views.accounts import NAME_LENGTH
from bot.chat.views.invoice_list import INVOICES_PER_PAGE
from bot.chat.views.together import AccountFound, together_list
from bot.domain.chat_keys import ACCOUNTS_AT_MOST
from bot.domain.invoices import UNREADABLE_NAMED, Invoice, Item, Listing
from bot.domain.queries import ItemKind, ListPage, Query, StatusFilter
from bot.errors import BotError, ProviderDown
from tests.chat.samples import DE, EN, NOW, buttons, invoice, labels, linked_chat, seen

FIRST = ListPage(Query())


def account(slot: int, listing: Listing | BotError, *, name: str = "", t: Texts = EN) -> AccountFound:
    chat = linked_chat(name=name, among_others=True)
    chat = replace(chat, slot=slot)
    return AccountFound(replace(t, slot=slot), chat, listing)


def largest(number: int) -> Invoice:
    text = "z" * 200
    return invoice(
        number,
        due=None,
        due_unreadable=True,
        status=text,
        status_label=text,
        items=(Item("Hosting", text, text, invoice().total),),
        parts=tuple(range(number, number + 40)),
    )


@pytest.mark.parametrize("t", [EN, DE])
def test_the_largest_accounts_fit_into_a_message_and_each_invoice_of_the_page_is_there(t: Texts) -> None:
    first, name = 10**9, "Ä" * NAME_LENGTH
    unreadable = tuple(range(first, first + UNREADABLE_NAMED))
    found = Listing(tuple(largest(first + n) for n in range(40)), 99, unreadable_ids=unreadable, missing=3)
    accounts = [account(slot, found, name=name, t=t) for slot in range(ACCOUNTS_AT_MOST)]
    widest = Query(StatusFilter.OPEN, ItemKind.DONATION, with_transactions=True)
    screen = together_list(accounts, ListPage(widest, 40), NOW)
    assert length(screen.text) <= TEXT_LIMIT - ROOM_ABOVE
    shown = [label for label in labels(screen) if label.startswith("1000000")]
    assert len(shown) == INVOICES_PER_PAGE
    assert all(f"{label.split()[0]} ·" in seen(screen) for label in shown)
    assert t.plain("together.more") in seen(screen)
    assert all(len(button.data.encode()) <= DATA_LIMIT for button in buttons(screen))


def test_what_fits_is_said_of_every_account() -> None:
    screen = together_list(
        [
            account(0, Listing((invoice(1),)), name="private"),
            account(2, ProviderDown(), name="company"),
            account(5, Listing(()), name="club"),
        ],
        FIRST,
        NOW,
    )
    private, company, club = (seen(screen).index(f"👤 {name}\n") for name in ("private", "company", "club"))
    assert private < seen(screen).index("1 open invoice") < company < seen(screen).index("can't be reached") < club
    assert "together.more" not in seen(screen)
    assert {button.data for button in buttons(screen)} >= {"show@0:1", f"list@2:{FIRST}", f"list@5:{FIRST}"}


def test_of_an_account_that_is_damaged_it_says_so_and_tells_no_sum_of_all() -> None:
    both = [account(slot, Listing((invoice(slot + 1),))) for slot in range(2)]
    assert "2 open invoices, together €15.90" in seen(together_list(both, FIRST, NOW))
    damaged = [replace(one, chat=replace(one.chat, unreadable_beside=1)) for one in both]
    text = seen(together_list(damaged, FIRST, NOW))
    assert "1 other account of this chat can't be read" in text
    assert "2 open invoices, together" not in text

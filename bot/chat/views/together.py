"""The list of all accounts of a chat together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup

from bot.chat.screens import Button, Rows, Screen, cut, fit, in_rows, join, marked, page_of, page_rows
from bot.chat.texts import Texts, account_label
from bot.chat.views.invoice_list import INVOICES_PER_PAGE, list_entry, list_title, summary
from bot.domain.chats import Chat
from bot.domain.invoices import Invoice, Listing, sum_left
from bot.domain.queries import ListPage, Query, StatusFilter
from bot.domain.together import together
from bot.errors import BotError

NAME_ON_BUTTON = 14


@dataclass(frozen=True, slots=True)
class AccountFound:
    """What could be read of an account, or why nothing could; ``t`` has the names of its services."""

    t: Texts
    chat: Chat
    listing: Listing | BotError

    @property
    def name(self) -> str:
        return account_label(self.t, self.chat)

    @property
    def invoices(self) -> Sequence[Invoice]:
        return self.listing.invoices if isinstance(self.listing, Listing) else ()


def together_list(accounts: Sequence[AccountFound], page: ListPage, now: datetime) -> Screen:
    """Return a page of all accounts' invoices in one list. Each says whose it is, and its button opens it there.

    What is said of the accounts themselves gives way to the invoices: each account's own list says it as well.
    """
    t = accounts[0].t
    owned = together([account.invoices for account in accounts])
    shown, number, pages = page_of(owned, page.number, INVOICES_PER_PAGE)
    page = replace(page, number=number)
    text = fit(
        [join([list_title(t, page.query), *_sum(t, accounts)])],
        [_apart(_account(account, page.query)) for account in accounts],
        [_apart(_entry(accounts[place], invoice, now)) for place, invoice in shown],
        _apart(t("together.more")),
    )
    return Screen(text, _rows(t, accounts, [(accounts[place], i) for place, i in shown], page, pages), of_chat=True)


def _apart(part: Markup) -> Markup:
    """Return a part of the text with an empty line above it."""
    return join([Markup(""), part])


def _sum(t: Texts, accounts: Sequence[AccountFound]) -> list[Markup]:
    """Return what is open in all accounts. Of those that can't be read nobody knows, so then no sum is said."""
    if unreadable := accounts[0].chat.unreadable_beside:
        return [t.count("accounts.unreadable", unreadable)]
    if any(isinstance(account.listing, BotError) for account in accounts):
        return []
    still_open = [invoice for account in accounts for invoice in account.invoices if invoice.counts]
    return [t.count("list.open_sum", len(still_open), sum=t.money(sum_left(still_open)))] if still_open else []


def _account(account: AccountFound, query: Query) -> Markup:
    above = account.t("account.above", name=account.name)
    if isinstance(account.listing, BotError):
        return join([above, account.t.error(account.listing)])
    return join([above, *summary(account.t, account.listing, query)])


def _entry(account: AccountFound, invoice: Invoice, now: datetime) -> Markup:
    return join([list_entry(account.t, invoice, now), account.t("account.above", name=account.name)])


def _rows(
    t: Texts,
    accounts: Sequence[AccountFound],
    shown: Sequence[tuple[AccountFound, Invoice]],
    page: ListPage,
    pages: int,
) -> Rows:
    opened = [
        Button(f"{invoice.id} · {cut(account.name, NAME_ON_BUTTON)}", f"show:{invoice.id}").of_account(
            account.chat.slot
        )
        for account, invoice in shown
    ]
    statuses = [
        Button(
            marked(t.plain(f"filter.{status}"), chosen=status is page.query.status),
            f"together:{ListPage(replace(page.query, status=status))}",
        )
        for status in StatusFilter
    ]
    one = [
        Button(t.plain("button.only_account", name=cut(account.name, NAME_ON_BUTTON)), f"list:{ListPage(page.query)}")
        for account in accounts
    ]
    named = [button.of_account(account.chat.slot) for button, account in zip(one, accounts, strict=True)]
    turned = page_rows(page.number, pages, lambda at: f"together:{replace(page, number=at)}")
    return [*in_rows(opened), *turned, statuses, *in_rows(named)]

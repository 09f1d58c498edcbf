"""The calendar over real HTTP: the file in the chat, and the address that a program has subscribed to."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import vobject

from bot import logs
from bot.application import InvoiceBot, running
from bot.chat.handlers.due_calendar import FEED_RATE
from bot.errors import StoreAway
from bot.sandbox.provider.faults import Call, Fault
from bot.sandbox.provider.invoices import SandboxInvoice
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from bot.settings import Address
from tests.sandbox_bot import TICK, TOKEN, ask, checked, says

COMPANY_TOKEN = "sandbox-token-of-adas-company-42"
NEW, END, SUMS = "🔗 Subscribe", "End the subscription", "💶 Show sums"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def invoice(sandbox: Sandbox, account: Account) -> SandboxInvoice:
    return sandbox.provider.create_invoice(account, Decimal("12.34"), due_in_days=10)


@pytest.fixture
async def bot(
    sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, chat: Chat, tmp_path: Path
) -> AsyncIterator[InvoiceBot]:
    address = Address("127.0.0.1", free_port())
    public = f"http://127.0.0.1:{address.port}/bot"
    rules = {"suspend_after": 0, "delete_after": 6, "transfer_days": 2}
    settings = sandbox.settings(tmp_path, web_listen=address, public_url=public, **rules)
    async with running(settings, clock=sandbox.clock, tick=TICK) as bot:
        await ask(chat, ada, f"/link {TOKEN}", "linked")
        yield bot


@pytest.fixture
async def http(bot: InvoiceBot) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def file(chat: Chat, ada: Person) -> Message:
    sent = ada.send(chat, "/calendar")
    return await chat.wait_for(lambda m: m.document is not None, after=sent)


async def subscribe(chat: Chat, ada: Person, label: str = NEW) -> str:
    """Press the button for an address, and return it."""
    message = await file(chat, ada)
    ada.press(message, label)
    answer = await chat.wait_for(says("The address of your calendar"), after=message)
    (copied,) = [button.copied for button in answer.buttons if button.copied]
    assert copied in answer.text
    return str(copied)


def has_file_of(account: str) -> Callable[[Message], bool]:
    return lambda message: message.document is not None and account in message.text


def entries(content: bytes) -> dict[str, Any]:
    calendar = vobject.readOne(content.decode())
    return {event.uid.value: event for event in calendar.contents.get("vevent", [])}


def kinds(content: bytes) -> dict[str, str]:
    return {uid.split("-")[1]: event.status.value for uid, event in entries(content).items()}


async def test_the_file_holds_the_days_of_open_invoices_and_no_sums_unless_wanted(
    bot: InvoiceBot, sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, chat: Chat
) -> None:
    message = await file(chat, ada)
    assert message.document is not None
    assert message.document.name == "invoices.ics"
    assert message.text.startswith("📅 The dates of 1 open invoice")
    found = entries(message.document.content)
    assert {event.dtstart.value for uid, event in found.items() if "-due-" in uid} == {invoice.due}
    assert {event.dtstart.value for uid, event in found.items() if "-deleted-" in uid} == {invoice.due + timedelta(6)}
    assert kinds(message.document.content) == dict.fromkeys(["transfer", "due", "suspended", "deleted"], "CONFIRMED")
    assert b"12.34" not in message.document.content
    ada.press(message, SUMS)
    await chat.wait_for(says("shows sums from now on"), after=message)
    again = await file(chat, ada)
    assert again.document is not None
    with_sums = entries(again.document.content)
    assert {*with_sums} == {*found}
    assert all("12.34" in event.description.value for event in with_sums.values())
    assert all(int(event.sequence.value) > int(found[uid].sequence.value) for uid, event in with_sums.items())


async def test_a_paid_invoice_is_cancelled_in_the_next_file_and_gone_from_the_subscription(
    bot: InvoiceBot,
    sandbox: Sandbox,
    invoice: SandboxInvoice,
    ada: Person,
    chat: Chat,
    http: httpx.AsyncClient,
) -> None:
    url = await subscribe(chat, ada)
    assert {*kinds((await http.get(url)).content)} == {"transfer", "due", "suspended", "deleted"}
    sandbox.provider.settle(invoice)
    sandbox.clock.put_forward(timedelta(minutes=1))
    await checked(chat, lambda: ada.send(chat, "/check"), "Checked")
    assert kinds((await http.get(url)).content) == {}
    message = await file(chat, ada)
    assert message.document is not None
    assert {*kinds(message.document.content).values()} == {"CANCELLED"}


async def test_it_is_served_with_a_tag_and_without_the_provider(
    bot: InvoiceBot, sandbox: Sandbox, account: Account, ada: Person, chat: Chat, http: httpx.AsyncClient
) -> None:
    url = await subscribe(chat, ada)
    sandbox.provider.faults.switch_on(Fault.HTML_INSTEAD, Call.LIST)
    first = await http.get(url)
    assert (first.status_code, first.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    for known in (first.headers["etag"], f'"other", W/{first.headers["etag"]}'):
        again = await http.get(url, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert (await http.get(url, headers={"if-none-match": '"other"'})).status_code == 200
    assert (await http.head(url)).headers["etag"] == first.headers["etag"]
    sandbox.provider.faults.switch_off()
    sandbox.provider.create_invoice(account, Decimal("5.00"), due_in_days=12)
    await chat.wait_for(says("New invoice", "5.00"))
    changed = await http.get(url, headers={"if-none-match": first.headers["etag"]})
    assert (changed.status_code, len(entries(changed.content))) == (200, 8)


async def test_a_new_address_ends_the_old_one_and_the_button_and_unlink_end_it(
    bot: InvoiceBot, ada: Person, chat: Chat, http: httpx.AsyncClient
) -> None:
    async def works(url: str) -> bool:
        return (await http.get(url)).status_code == 200

    old = await subscribe(chat, ada)
    new = await subscribe(chat, ada, "🔗 New address")
    assert [await works(url) for url in (old, new)] == [False, True]
    message = await file(chat, ada)
    ada.press(message, END)
    await chat.wait_for(says("no longer works"), after=message)
    assert not await works(new)
    third = await subscribe(chat, ada)
    assert await works(third)
    question = await ask(chat, ada, "/unlink", "forget")
    ada.press(question, "🗑 Remove the link")
    await chat.wait_for(says("The link is gone"))
    assert not await works(third)


async def test_who_guesses_gets_nothing_and_asks_the_store_nothing(
    bot: InvoiceBot, ada: Person, chat: Chat, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await subscribe(chat, ada)

    async def away(*_: object, **__: object) -> None:
        raise StoreAway

    monkeypatch.setattr(type(bot._store), "chat", away)
    wrong = [url[:-5] + ("0" if url[-5] != "0" else "1") + ".ics", url.replace("calendar/", "calendar/9"), f"{url}x"]
    for each in wrong:
        assert (await http.get(each)).status_code == 404
    assert (await http.get(url)).status_code == 503


async def test_an_address_that_is_read_too_often_waits(
    bot: InvoiceBot, sandbox: Sandbox, ada: Person, chat: Chat, http: httpx.AsyncClient
) -> None:
    url = await subscribe(chat, ada)
    answers = [await http.get(url) for _ in range(FEED_RATE.burst + 1)]
    assert [a.status_code for a in answers] == [200] * FEED_RATE.burst + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 61
    sandbox.clock.put_forward(timedelta(minutes=2))
    assert (await http.get(url)).status_code == 200


async def test_the_address_is_stored_as_a_hash_only_and_in_no_log(
    bot: InvoiceBot,
    ada: Person,
    chat: Chat,
    http: httpx.AsyncClient,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("DEBUG", "json")
    url = await subscribe(chat, ada)
    secret = url.rpartition("/")[2].removesuffix(".ics")
    await http.get(url)
    logging.getLogger("uvicorn.error").error("request failed: GET %s", url)
    error = capsys.readouterr().err
    assert "request failed" in error
    assert secret.rpartition("-")[2] not in error
    stored = [path.read_bytes() for path in (tmp_path).rglob("*") if path.is_file()]
    assert not any(part.encode() in content for content in stored for part in secret.split("-")[-2:])


async def test_the_calendar_speaks_german(bot: InvoiceBot, invoice: SandboxInvoice, ada: Person, chat: Chat) -> None:
    await ask(chat, ada, "/language de", "Sprache")
    message = await file(chat, ada)
    assert message.document is not None
    assert message.document.name == "rechnungen.ics"
    assert f"🧾 Rechnung {invoice.id} ist fällig" in {
        e.summary.value for e in entries(message.document.content).values()
    }


async def test_each_account_has_an_address_of_its_own_which_ends_with_it(
    bot: InvoiceBot, sandbox: Sandbox, invoice: SandboxInvoice, ada: Person, chat: Chat, http: httpx.AsyncClient
) -> None:
    company = sandbox.provider.add_account(COMPANY_TOKEN)
    other = sandbox.provider.create_invoice(company, Decimal("7.00"), due_in_days=9)
    question = await ask(chat, ada, f"/link {COMPANY_TOKEN}", "Add this account, or")
    ada.press(question, "👥 Add it as another account")
    await chat.wait_for(lambda m: m.id == question.id and "This chat is linked" in m.text)
    last = chat.messages[-1]
    ada.send(chat, "/calendar")
    urls = []
    for name in ("👤 Account 1", "👤 Account 2"):
        message = await chat.wait_for(has_file_of(name), after=last)
        ada.press(message, NEW)
        answer = await chat.wait_for(says(name, "The address of your calendar"), after=message)
        urls += [str(button.copied) for button in answer.buttons if button.copied]
    for url, own in zip(urls, (invoice, other), strict=True):
        found = entries((await http.get(url)).content)
        assert {uid.split("-")[0] for uid in found} == {str(own.id)}
    page = await ask(chat, ada, "/accounts", "Account 1", "Account 2")
    ada.press(page, "🗑 Remove Account 2")
    sure = await chat.wait_for(lambda m: m.id == page.id and "Remove Account 2?" in m.text)
    ada.press(sure, "🗑 Remove Account 2")
    await chat.wait_for(lambda m: m.id == page.id and "Remove Account 2?" not in m.text)
    assert [(await http.get(url)).status_code for url in urls] == [200, 404]

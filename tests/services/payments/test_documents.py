"""What follows once credit has moved: a PDF for chats that want it, and a check that updates earlier alerts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from bot.domain.chats import Place
from bot.domain.payments import Action, Outcome
from bot.errors import ProviderDown, SendRefused
from tests.fakes import invoice
from tests.services.world import BOB, CREDITED, DUE, MINUTE, World


async def test_a_chat_that_wants_the_pdf_gets_it_after_the_payment(paying: World) -> None:
    await paying.prefer(pdf_after_payment=True)
    await paying.press((await paying.ask()).id)
    assert paying.endings() == [Outcome.DONE]
    assert paying.messenger.documents == [(Place(1), "invoice-7.pdf")]
    await paying.reconcile_for(5 * MINUTE)
    assert len(paying.messenger.documents) == 1


async def test_others_get_none(paying: World) -> None:
    await paying.press((await paying.ask()).id)
    assert paying.messenger.documents == []


async def test_there_is_no_pdf_if_nothing_was_paid_or_credit_was_taken_back(paying: World) -> None:
    await paying.prefer(pdf_after_payment=True)
    paying.account.put(CREDITED)
    await paying.press((await paying.ask(action=Action.REMOVE_CREDIT)).id)
    paying.account.balance = Decimal(1)
    await paying.press((await paying.ask()).id)
    assert paying.endings() == [Outcome.DONE, Outcome.PARTLY]
    assert paying.messenger.documents == []


async def test_each_paid_invoice_of_several_has_its_pdf(paying: World) -> None:
    await paying.prefer(pdf_after_payment=True)
    paying.account.put(invoice(8, DUE), invoice(9, DUE))
    paying.provider.errors["pay", 9] = ProviderDown()
    await paying.press((await paying.ask_several(7, 8, 9))[0].id)
    assert paying.messenger.documents == []
    await paying.reconcile_for(11 * MINUTE)
    assert [name for _, name in paying.messenger.documents] == ["invoice-7.pdf", "invoice-8.pdf"]


async def test_a_pdf_that_cannot_be_read_or_sent_changes_nothing(paying: World) -> None:
    await paying.prefer(pdf_after_payment=True)
    paying.provider.errors["pdf"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    del paying.provider.errors["pdf"]
    paying.account.put(invoice(8, DUE))
    question = await paying.ask(8)
    paying.messenger.troubles[1].extend([None, None, SendRefused("Bad Request")])
    await paying.press(question.id)
    assert paying.endings() == [Outcome.DONE, Outcome.DONE]
    assert paying.messenger.documents == []
    assert await paying.store.unsettled_payments() == []


async def test_all_chats_of_the_account_are_checked_at_once_when_credit_has_moved(paying: World) -> None:
    await paying.link(chat_id=2, user=BOB)
    await paying.check()
    due = {chat_id: (await paying.linked(chat_id)).next_check_at for chat_id in (1, 2)}
    assert min(due.values()) > paying.clock.now + MINUTE
    await paying.press((await paying.ask()).id)
    assert {(await paying.linked(chat_id)).next_check_at for chat_id in (1, 2)} == {paying.clock.now}


async def test_a_payment_that_moved_nothing_hastens_no_check(paying: World) -> None:
    before = (await paying.linked()).next_check_at
    question = await paying.ask()
    paying.account.put(replace(paying.account.invoices[7], total=Decimal(11), subtotal=Decimal(11)))
    await paying.press(question.id)
    assert paying.endings() == [Outcome.CHANGED]
    assert (await paying.linked()).next_check_at == before

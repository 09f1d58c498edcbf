"""Every kind of alert as a person sees it: the real bot in the sandbox, whose clock is put forward."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.application import running
from bot.sandbox.provider.faults import Fault
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import MORNING, Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from tests.sandbox_bot import TICK, TOKEN, ask, checked, says

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def greeting(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> AsyncIterator[Message]:
    """The running bot in a chat that was just linked, at ten in the morning."""
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        yield await ask(chat, ada, f"/link {TOKEN}", "linked")


def struck(message: Message) -> bool:
    return any(entity.type == "strikethrough" for entity in message.entities)


def local(sandbox: Sandbox, instant: datetime) -> datetime:
    return instant.astimezone(sandbox.provider.zone)


async def test_new_changed_due_overdue_and_paid_elsewhere(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=9)
    about = f"{invoice.id}"
    new = await chat.wait_for(says("🧾 New invoice", about), after=greeting)
    assert new.silent

    invoice.net += 2
    changed = await chat.wait_for(says("has changed", about), after=new)
    assert "Now €9.95 instead of €7.95." in changed.text

    sandbox.clock.put_forward(2 * DAY)
    due = await chat.wait_for(says(f"Invoice {about} is due in 7 days"), after=changed)
    assert not due.silent

    sandbox.clock.put_forward(8 * DAY)
    overdue = await chat.wait_for(says(f"Invoice {about} is overdue", "due yesterday"), after=due)
    assert not overdue.silent

    words = overdue.text
    account.credit = Decimal(100)
    sandbox.provider.pay(account, invoice)
    paid = await chat.wait_for(says(f"Invoice {about} is paid"), after=overdue)
    assert paid.silent
    assert paid.reply_to is overdue
    assert struck(overdue)
    assert overdue.text.endswith("✅ Paid")
    assert overdue.text.startswith(words)
    assert overdue.buttons == []


async def test_a_new_invoice_that_is_paid_on_creation_comes_silently(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message
) -> None:
    sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=0, paid=True)
    new = await chat.wait_for(says("New invoice", "already paid"), after=greeting)
    assert new.silent


async def test_one_message_for_several_of_which_two_are_settled_elsewhere(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    # The provider is away while they come into being, so that one check finds all three.
    sandbox.provider.faults.switch_on(Fault.DOWN)
    first, second, third = (sandbox.provider.create_invoice(account, Decimal(n), due_in_days=20) for n in (1, 2, 3))
    sandbox.provider.faults.switch_off()
    several = await chat.wait_for(says("3 updates on your invoices"), after=greeting)
    assert "3 open invoices, together €6.00" in several.text
    assert [button.data for button in several.buttons][-1] == "snooze:all"

    sandbox.provider.pay(account, first)
    sandbox.provider.cancel(third.id)
    await chat.wait_for(lambda m: m.id == several.id and "✅ Paid" in m.text and "⚪️ Cancelled" in m.text)
    await chat.wait_for(says(f"Invoice {third.id} was cancelled"), after=several)
    assert [button.data for button in several.buttons if button.data] == [
        f"show:{second.id}", f"pdf:{second.id}", f"pay:{second.id}", f"snooze:{second.id}", f"mute:{second.id}",
    ]  # fmt: skip


async def test_nothing_comes_in_quiet_hours_and_all_of_it_when_they_end(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    sandbox.clock.put_forward((23 - MORNING) * HOUR)
    night = await ask(chat, ada, "/status", "Linked since")
    for amount in (1, 2):
        sandbox.provider.create_invoice(account, Decimal(amount), due_in_days=20)
    seen = await checked(chat, lambda: ada.send(chat, "/check"), "2 open invoices, together €3.00")
    waiting = await ask(chat, ada, "/status", "2 messages are waiting to be sent.")
    assert not [m for m in chat.messages if "New invoice" in m.text]
    sandbox.clock.put_forward(10 * HOUR)
    await chat.wait_for(says("2 updates on your invoices", "New invoice"), after=waiting)
    told = [m for m in chat.messages if "New invoice" in m.text and m.id > night.id]
    assert seen.id < told[0].id
    assert all(8 <= local(sandbox, m.date).hour < 22 for m in told)


async def test_a_snooze_of_three_hours_ends_with_a_reminder_and_a_muted_invoice_keeps_silent(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=5)
    new = await chat.wait_for(says("New invoice", str(invoice.id)), after=greeting)
    await ada.press(new, "💤 Remind me later").answered()
    await ada.press(new, "In 3 hours").answered()
    sandbox.clock.put_forward(3 * HOUR)
    asked = await chat.wait_for(says("You asked me to remind you", str(invoice.id)), after=new)
    assert not asked.silent

    await ada.press(asked, "🔕 Mute").answered()
    sandbox.clock.put_forward(8 * DAY)
    status = await ask(chat, ada, "/status", f"🔕 Invoice {invoice.id}: no reminders.")
    await checked(chat, lambda: ada.send(chat, "/check"), "1 open invoice, €7.95")
    assert not [m for m in chat.messages if "due" in m.text and asked.id < m.id < status.id]


async def test_what_is_due_today_is_said_at_eight_after_an_outage_and_not_again_at_nine(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        linked = await ask(chat, ada, f"/link {TOKEN}", "linked")
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=2)
        await chat.wait_for(says("New invoice", str(invoice.id)), after=linked)
    sandbox.clock.put_forward(2 * DAY - (MORNING - 8) * HOUR)
    async with running(sandbox.settings(tmp_path), clock=sandbox.clock, tick=TICK):
        due = await chat.wait_for(says(f"Invoice {invoice.id} is due today"), after=linked)
        sandbox.clock.put_forward(HOUR + timedelta(minutes=5))
        await checked(chat, lambda: ada.send(chat, "/check"), "1 open invoice")
        sandbox.clock.put_forward(DAY)
        overdue = await chat.wait_for(says(f"Invoice {invoice.id} is overdue"), after=due)
    assert [m for m in chat.messages if "is due today" in m.text and due.id < m.id < overdue.id] == []


async def test_a_suspension_and_a_deletion_are_announced_audibly_although_reminders_are_off(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    settings = sandbox.settings(tmp_path, reminder_days=(), overdue_days=(), suspend_after=0, delete_after=6)
    async with running(settings, clock=sandbox.clock, tick=TICK):
        linked = await ask(chat, ada, f"/link {TOKEN}", "linked")
        invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=1)
        new = await chat.wait_for(says("New invoice", "will be suspended on the evening of"), after=linked)
        sandbox.clock.put_forward(DAY)
        morning = await chat.wait_for(says(f"Invoice {invoice.id}", "will be suspended tonight"), after=new)
        sandbox.clock.put_forward(8 * HOUR)
        evening = await chat.wait_for(says(f"Invoice {invoice.id}", "will be suspended tonight"), after=morning)
        pressed = await ada.press(evening, "🔕 Mute").answered()
        assert "I won't warn you before this: suspension on" in pressed.text
        assert pressed.show_alert
        await ada.press(evening, "⏰ Remind me as usual").answered()
        sandbox.clock.put_forward(4 * DAY + 16 * HOUR)
        chance = await chat.wait_for(says("probably been suspended", "Last chance: today."), after=evening)
        sandbox.clock.put_forward(DAY)
        last = await chat.wait_for(says("This may be the last hour to pay."), after=chance)
        assert not any(message.silent for message in (morning, evening, chance, last))


@pytest.mark.parametrize("fault", [Fault.TOKEN_REVOKED, Fault.PERMISSION_MISSING])
async def test_a_single_refusal_alarms_nobody_and_alerts_go_on(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message, fault: Fault
) -> None:
    sandbox.provider.faults.switch_on(fault, times=1)
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    await chat.wait_for(says("New invoice", str(invoice.id)), after=greeting)
    await ask(chat, ada, "/status", "Next check")
    assert not [m for m in chat.messages if "token" in m.text and m.id > greeting.id]


async def test_a_command_that_works_ends_a_refusal_at_once(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    sandbox.provider.faults.switch_on(Fault.TOKEN_REVOKED)
    refused = await chat.wait_for(says("no longer accepts your token"), after=greeting)
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    sandbox.provider.faults.switch_off()
    seen = await ask(chat, ada, f"/invoice {invoice.id}", f"Invoice {invoice.id}")
    await chat.wait_for(says("New invoice", str(invoice.id)), after=refused)
    status = await ask(chat, ada, "/status", "Linked since")
    assert status.id > seen.id
    assert "no longer accepts" not in status.text


async def test_a_token_that_is_accepted_again_is_found_out_by_itself_and_told(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message
) -> None:
    sandbox.provider.faults.switch_on(Fault.TOKEN_REVOKED)
    refused = await chat.wait_for(says("no longer accepts your token"), after=greeting)
    sandbox.provider.faults.switch_off()
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    sandbox.clock.put_forward(DAY)
    await chat.wait_for(says("accepts your token again", f"New invoice {invoice.id}"), after=refused)


async def test_a_refused_token_rings_and_each_reminder_after_it_says_why_and_what_to_do(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=1)
    new = await chat.wait_for(says("New invoice", str(invoice.id)), after=greeting)
    sandbox.provider.faults.switch_on(Fault.TOKEN_REVOKED)
    refused = await chat.wait_for(says("no longer accepts your token"), after=new)
    assert not refused.silent
    last = refused
    for words in ("is due today", "is overdue"):
        sandbox.clock.put_forward(DAY)
        last = await chat.wait_for(says(f"Invoice {invoice.id} {words}", "no longer accepts your token"), after=last)
        assert "send it with /link" in last.text
        assert "🔁 Try again" in [button.text for button in last.buttons]


async def test_a_refused_token_is_said_once_with_what_to_do_and_somebody_can_try_again(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    sandbox.provider.faults.switch_on(Fault.TOKEN_REVOKED)
    refused = await chat.wait_for(says("no longer accepts your token", "/link"), after=greeting)
    sandbox.clock.put_forward(DAY)
    await ask(chat, ada, "/status", "no longer accepts your token")
    tried = await checked(chat, lambda: ada.press(refused, "🔁 Try again"), "does not accept this token")
    assert len([m for m in chat.messages if m.text == refused.text]) == 1
    sandbox.provider.faults.switch_off()
    await checked(chat, lambda: ada.press(refused, "🔁 Try again"), "Checked just now")
    new = sandbox.provider.create_invoice(account, Decimal("1.00"), due_in_days=20)
    await chat.wait_for(says("New invoice", str(new.id)), after=tried)


async def test_an_account_that_seems_empty_for_a_while_is_back_without_a_word(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    told = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    new = await chat.wait_for(says("New invoice", str(told.id)), after=greeting)
    sandbox.provider.faults.switch_on(Fault.NO_INVOICES)
    await checked(chat, lambda: ada.send(chat, "/check"), "Checked just now")
    sandbox.clock.put_forward(5 * MINUTE)
    await checked(chat, lambda: ada.send(chat, "/check"), "Checked just now")
    sandbox.provider.faults.switch_off()
    await checked(chat, lambda: ada.send(chat, "/check"), "1 open invoice, €7.95")
    later = sandbox.provider.create_invoice(account, Decimal("1.00"), due_in_days=20)
    await chat.wait_for(says("New invoice", str(later.id)), after=new)
    assert not [m for m in chat.messages if m.id > new.id and str(told.id) in m.text]
    assert not struck(new)


async def test_an_invoice_that_is_gone_is_said_to_be_and_open_again_once_it_is_back(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=20)
    new = await chat.wait_for(says("New invoice", str(invoice.id)), after=greeting)
    del account.invoices[invoice.id]
    await checked(chat, lambda: ada.send(chat, "/check"), "Checked just now")
    sandbox.clock.put_forward(10 * MINUTE)
    gone = await chat.wait_for(says(f"no longer has invoice {invoice.id}"), after=new)
    account.invoices[invoice.id] = invoice
    back = await chat.wait_for(says(f"Invoice {invoice.id} is open again", "€7.95"), after=gone)
    assert len([m for m in chat.messages if "New invoice" in m.text]) == 1
    account.credit = Decimal(100)
    sandbox.provider.pay(account, invoice)
    await chat.wait_for(says(f"Invoice {invoice.id} is paid"), after=back)
    assert "is open again" in back.text
    assert struck(back)


async def test_a_missing_permission_is_said_once(sandbox: Sandbox, chat: Chat, greeting: Message) -> None:
    sandbox.provider.faults.switch_on(Fault.PERMISSION_MISSING)
    said = await chat.wait_for(says("lacks the permission access_invoices", "/link"), after=greeting)
    assert [button.data for button in said.buttons] == ["check"]


async def test_reminders_go_on_in_an_outage_which_is_told_after_a_day_and_when_it_is_over(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message
) -> None:
    invoice = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=4)
    new = await chat.wait_for(says("New invoice"), after=greeting)
    sandbox.provider.faults.switch_on(Fault.DOWN)
    sandbox.clock.put_forward(DAY)
    reminder = await chat.wait_for(says(f"Invoice {invoice.id} is due in 3 days", "As of "), after=new)
    assert "I haven't been able to read your invoices since then" in reminder.text
    sandbox.clock.put_forward(DAY)
    outage = await chat.wait_for(
        says("I haven't been able to read your invoices since", "I'll keep trying"), after=reminder
    )
    sandbox.provider.faults.switch_off()
    await chat.wait_for(says("I've been able to read your invoices again"), after=outage)


async def test_the_weeks_digest_comes_on_monday_to_who_wants_it(
    sandbox: Sandbox, account: Account, ada: Person, chat: Chat, greeting: Message
) -> None:
    only = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=60)
    new = await chat.wait_for(says("New invoice"), after=greeting)
    menu = await ask(chat, ada, "/settings", "Settings")
    await ada.press(menu, "🗓 Send the overview").answered()
    await checked(chat, lambda: ada.send(chat, "/check"), "Checked just now")
    days = 7 - local(sandbox, sandbox.clock()).weekday()
    sandbox.clock.put_forward(days * DAY)
    digest = await chat.wait_for(says("Your week", "1 open invoice: €7.95"), after=new)
    assert digest.silent
    ways = [f"{word}:{only.id}" for word in ("show", "pdf", "pay", "snooze", "mute")]
    assert [button.data for button in digest.buttons] == [*ways, "list:all.any.0.0"]


async def test_the_next_invoice_for_a_service_says_by_how_much_it_is_dearer_and_that_another_is_cheaper(
    sandbox: Sandbox, account: Account, chat: Chat, greeting: Message
) -> None:
    first = sandbox.provider.create_invoice(account, Decimal("7.95"), due_in_days=14)
    new = await chat.wait_for(says("New invoice", f"{first.id}"), after=greeting)
    assert "last time" not in new.text

    sandbox.clock.put_forward(30 * DAY)
    second = sandbox.provider.bill_again(account, first, Decimal("9.95"))
    dearer = await chat.wait_for(says("New invoice", f"{second.id}"), after=new)
    assert "€2.00 more than last time (€7.95 on " in dearer.text

    sandbox.clock.put_forward(30 * DAY)
    third = sandbox.provider.bill_again(account, second, Decimal("8.95"))
    cheaper = await chat.wait_for(says("New invoice", f"{third.id}"), after=dearer)
    assert "Cheaper than last time" in cheaper.text

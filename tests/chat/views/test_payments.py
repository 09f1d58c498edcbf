"""A payment in every state and with every outcome, and the same for taking credit back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from bot.chat.screens import DATA_LIMIT, TEXT_LIMIT, Screen, length
from bot.chat.texts import Texts
from bot.chat.views.payment_questions import question
from bot.chat.views.payments import progress
from bot.domain.credit import Credit
from bot.domain.invoices import Item
from bot.domain.payments import Action, Found, Outcome, PaymentRules, State
from bot.domain.topping_up import Payee, TopUpWays
from bot.errors import BotError, DocumentTooLarge, ProviderError
from bot.sandbox.telegram.html import parse_html
from tests.chat.samples import DE, EN, NASTY, NOW, buttons, invoice, labels, payment, seen

PAY, BACK = Action.PAY, Action.REMOVE_CREDIT
NEXT = EN.plain("pay.refused.next")


def provider_errors(base: type[ProviderError] = ProviderError) -> Iterator[type[ProviderError]]:
    """Yield all types of errors that a call about one invoice can raise."""
    for kind in base.__subclasses__():
        if kind is not DocumentTooLarge:
            yield kind
            yield from provider_errors(kind)


def told(outcome: Outcome, action: Action = PAY, t: Texts = EN, **others: object) -> str:
    shown = progress(t, [payment(action, state=State.ENDED, outcome=outcome, **others)])
    return seen(shown).replace("\N{NO-BREAK SPACE}", " ")


# --- The question ---------------------------------------------------------------------------------------------------


def test_the_question_names_invoice_amount_and_date() -> None:
    screen = question(EN, [(payment(), invoice())], NOW)
    assert seen(screen) == (
        "💳 Pay €7.95 for invoice 4711 with your credit?\n"
        "Server 4711\n"
        "Due: 27 Nov 2026 (in 5 days)\n"
        "Please confirm within 10 minutes."
    )
    assert [(b.label, b.data) for b in buttons(screen)] == [
        ("✅ Pay €7.95", "yes:AAAABBBBCCCCDDDD"),
        ("✖️ Cancel", "no:AAAABBBBCCCCDDDD"),
    ]


def test_the_question_in_german() -> None:
    screen = question(DE, [(payment(), invoice())], NOW)
    assert seen(screen).replace("\N{NO-BREAK SPACE}", " ") == (
        "💳 7,95 € für Rechnung 4711 mit deinem Guthaben bezahlen?\n"
        "Server 4711\n"
        "Fällig: 27.11.2026 (in 5 Tagen)\n"
        "Bitte innerhalb von 10 Minuten bestätigen."
    )
    assert labels(screen) == ["✅ 7,95\N{NO-BREAK SPACE}€ bezahlen", "✖️ Abbrechen"]


def test_credit_that_is_already_applied_is_named() -> None:
    asked = payment(amount=Decimal("6.95"), credit=Decimal("1.00"))
    text = seen(question(EN, [(asked, invoice(credit=Decimal("1.00")))], NOW))
    assert "Pay €6.95" in text
    assert "Credit already applied: €1.00" in text


def test_taking_credit_back_asks_for_that_amount() -> None:
    screen = question(EN, [(payment(BACK), invoice(credit=Decimal("1.00")))], NOW)
    assert seen(screen).startswith("↩️ Take back €1.00 of credit from invoice 4711?\n")
    assert "already applied" not in seen(screen)
    assert labels(screen) == ["✅ Take back €1.00", "✖️ Cancel"]


def test_a_question_about_an_invoice_without_title_and_date_is_short() -> None:
    text = seen(question(EN, [(payment(due=None), invoice(items=(), due=None))], NOW))
    assert text == "💳 Pay €7.95 for invoice 4711 with your credit?\nPlease confirm within 10 minutes."


def test_a_title_is_shown_as_it_was_written() -> None:
    asked = question(EN, [(payment(), invoice(items=(Item("Hosting", NASTY, NASTY, None),)))], NOW)
    assert f"\n{NASTY}\n" in seen(asked)


def test_the_buttons_of_the_longest_number_fit() -> None:
    long = replace(payment(), invoice_id=10**18 - 1, id="x" * 16)
    for screen in (question(EN, [(long, invoice(10**18 - 1))], NOW), progress(EN, [long])):
        assert all(len(button.data.encode()) <= DATA_LIMIT for button in buttons(screen))


# --- Under way ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "state", "words"),
    [
        (PAY, State.CONFIRMED, "⏳ Paying €7.95 for invoice 4711 …"),
        (PAY, State.SENT, "I have asked the provider to pay €7.95 for invoice 4711, and have no confirmation yet."),
        (BACK, State.CONFIRMED, "⏳ Taking €1.00 back from invoice 4711 …"),
        (BACK, State.SENT, "I have asked the provider to take €1.00 back from invoice 4711"),
    ],
)
def test_under_way_there_is_nothing_to_press(action: Action, state: State, words: str) -> None:
    screen = progress(EN, [payment(action, state=state)])
    assert words in seen(screen)
    assert buttons(screen) == []


# --- Ended ----------------------------------------------------------------------------------------------------------

PDF, DETAILS, AGAIN, AGAIN_BACK = "pdf:4711", "show:4711", "pay:4711", "removecredit:4711"


@pytest.mark.parametrize(
    ("outcome", "words", "data"),
    [
        (Outcome.DONE, "✅ Invoice 4711 is paid: €7.95, 22 Nov 2026, 10:30.", [PDF, DETAILS]),
        (Outcome.PARTLY, "🟡 Your credit covered only part of invoice 4711.", [DETAILS]),
        (Outcome.REFUSED, "❌ Invoice 4711 was not paid.", [AGAIN, DETAILS]),
        (Outcome.NOT_SENT, "❌ Invoice 4711 was not paid. Nothing was done.", [AGAIN, DETAILS]),
        (Outcome.CHANGED, "ℹ️ Invoice 4711 has changed since it was shown to you", [AGAIN, DETAILS]),
        (Outcome.UNCLEAR, "⚠️ I could not find out whether €7.95 was paid for invoice 4711.", [DETAILS]),
        (Outcome.EXPIRED, "⌛ The question whether to pay invoice 4711 has expired. Nothing", [AGAIN, DETAILS]),
        (Outcome.CANCELLED, "Cancelled. Invoice 4711 was not paid.", [DETAILS]),
    ],
)
def test_how_a_payment_ended_and_what_can_be_done_next(outcome: Outcome, words: str, data: list[str]) -> None:
    screen = progress(EN, [payment(state=State.ENDED, outcome=outcome)])
    assert words in seen(screen)
    assert [button.data for button in buttons(screen)] == data


@pytest.mark.parametrize(
    ("outcome", "words", "data"),
    [
        (Outcome.DONE, "✅ €1.00 taken back from invoice 4711, 22 Nov 2026, 10:30.", [DETAILS]),
        (Outcome.PARTLY, "🟡 Only part of the credit was taken back from invoice 4711.", [DETAILS]),
        (Outcome.REFUSED, "❌ No credit was taken back from invoice 4711.", [AGAIN_BACK, DETAILS]),
        (Outcome.NOT_SENT, "❌ No credit was taken back from invoice 4711. Nothing", [AGAIN_BACK, DETAILS]),
        (Outcome.CHANGED, "ℹ️ Invoice 4711 has changed since it was shown to you", [AGAIN_BACK, DETAILS]),
        (Outcome.UNCLEAR, "⚠️ I could not find out whether €1.00 was taken back from invoice 4711.", [DETAILS]),
        (Outcome.EXPIRED, "⌛ The question whether to take credit back from invoice 4711", [AGAIN_BACK, DETAILS]),
        (Outcome.CANCELLED, "Cancelled. The credit stays on invoice 4711.", [DETAILS]),
    ],
)
def test_how_taking_credit_back_ended(outcome: Outcome, words: str, data: list[str]) -> None:
    screen = progress(EN, [payment(BACK, state=State.ENDED, outcome=outcome)])
    assert words in seen(screen)
    assert [button.data for button in buttons(screen)] == data


def test_the_outcomes_in_german() -> None:
    assert told(Outcome.DONE, t=DE) == "✅ Rechnung 4711 ist bezahlt: 7,95 €, 22.11.2026, 10:30."
    assert "nicht herausfinden" in told(Outcome.UNCLEAR, t=DE)
    assert told(Outcome.DONE, BACK, DE) == "✅ 1,00 € von Rechnung 4711 zurückgenommen, 22.11.2026, 10:30."


def test_a_part_payment_tells_what_is_left() -> None:
    assert "4711.\nLeft to pay: €2.95\n" in told(Outcome.PARTLY, left=Decimal("2.95"))
    assert "Left to pay" not in told(Outcome.PARTLY)


def test_what_is_left_is_not_told_if_it_would_mislead() -> None:
    assert "Left to pay" not in told(Outcome.DONE, left=Decimal(0))
    assert "Left to pay" not in told(Outcome.CHANGED, left=Decimal(0))
    assert "Left to pay" not in told(Outcome.CHANGED, BACK, left=Decimal("9.00"))


def test_what_has_changed_is_shown_and_can_be_paid_as_it_is_now() -> None:
    found = Found(is_open=True, is_paid=False, status="Unpaid", credit=Decimal("2.00"), due=None)
    changed = payment(state=State.ENDED, outcome=Outcome.CHANGED, left=Decimal("9.00"), found=found)
    assert seen(progress(EN, [changed])).endswith(
        "so I have not paid it.\nLeft to pay now: €9.00\nCredit on it now: €2.00\nIt has no due date now."
    )
    assert [button.label for button in buttons(progress(EN, [changed]))] == ["💳 Pay €9.00 with credit", "🔎 Details"]
    settled = replace(changed, left=Decimal(0))
    assert [button.data for button in buttons(progress(EN, [settled]))] == [DETAILS]
    limited = replace(EN, paying=PaymentRules(limit=Decimal("8.99")))
    assert [button.data for button in buttons(progress(limited, [changed]))] == [DETAILS]


def test_what_is_above_the_operators_limit_by_now_is_not_offered_again() -> None:
    refused = payment(state=State.ENDED, outcome=Outcome.REFUSED)
    limited = replace(EN, paying=PaymentRules(limit=Decimal("7.94")))
    assert [button.data for button in buttons(progress(limited, [refused]))] == [DETAILS]


def batch(*steps: State | Outcome) -> Screen:
    """Return the message about several payments in these states, or with these ends."""
    asked = [payment(id=f"p{number}", batch="b") for number in range(len(steps))]
    return progress(
        EN,
        [
            replace(one, state=State.ENDED, outcome=step) if isinstance(step, Outcome) else replace(one, state=step)
            for one, step in zip(asked, steps, strict=True)
        ],
    )


def test_a_batch_that_waits_for_one_unknown_end_does_not_say_that_it_goes_on() -> None:
    assert seen(batch(Outcome.DONE, State.SENT, Outcome.NOT_SENT)).startswith("⏳ Not confirmed yet. I keep checking")
    assert seen(batch(Outcome.DONE, State.CONFIRMED, State.QUEUED)).startswith("⏳ Paying")


def test_a_question_in_doubt_says_so_alone_and_among_others() -> None:
    asked = payment(doubtful=True)
    words = "It isn't known yet whether an earlier payment for it went through."
    assert words in seen(question(EN, [(asked, invoice())], NOW))
    assert words in seen(question(EN, [(asked, invoice()), (asked, invoice())], NOW))
    assert words not in seen(question(EN, [(payment(), invoice())], NOW))


def test_choosing_again_is_not_offered_if_an_end_is_unclear() -> None:
    assert "several" in [button.data for button in buttons(batch(Outcome.PARTLY, Outcome.NOT_SENT))]
    assert "several" not in [button.data for button in buttons(batch(Outcome.UNCLEAR, Outcome.NOT_SENT))]


# --- Where credit was missing ---------------------------------------------------------------------------------------

TOPPING_UP = replace(EN, top_up=TopUpWays("https://provider.example/topup", Payee("DE89370400440532013000", "Ex GmbH")))


def ended(*ends: tuple[int, Outcome], credit: str, left: Decimal | None = None) -> Screen:
    """Return the message about payments of these invoices, with credit of so much before."""
    batched = "b" if len(ends) > 1 else ""
    payments = [
        payment(id=f"p{number}", batch=batched, invoice_id=number, state=State.ENDED, outcome=outcome, left=left)
        for number, outcome in ends
    ]
    return progress(TOPPING_UP, payments, Credit(Decimal(credit)))


def test_refusals_for_lack_of_credit_say_what_is_missing_and_lead_to_topping_up() -> None:
    one = ended((1, Outcome.REFUSED), credit="5.02")
    assert "Credit €5.02. €2.93 short." in seen(one)
    assert [button.data for button in buttons(one)][-3:] == ["", "topup:1", "credit:1"]
    several = ended((1, Outcome.REFUSED), (2, Outcome.REFUSED), (3, Outcome.NOT_SENT), credit="5.02")
    assert "Credit €5.02. €10.88 short." in seen(several)
    assert buttons(several)[-1].data == "topup:all"


def test_credit_from_before_a_payment_is_not_shown_after_it() -> None:
    partly = ended((1, Outcome.PARTLY), credit="5.02", left=Decimal("2.93"))
    assert "Credit €" not in seen(partly)
    assert [button.data for button in buttons(partly)][-2:] == ["topup:1", "credit:1"]
    mixed = ended((1, Outcome.DONE), (2, Outcome.REFUSED), credit="8.00")
    assert "Credit €" not in seen(mixed)
    assert [button.data for button in buttons(mixed)][-2:] == ["topup:2", "credit:2"]


def test_a_refusal_for_another_reason_leads_nowhere_else() -> None:
    assert not any("topup" in button.data for button in buttons(ended((1, Outcome.REFUSED), credit="7.95")))


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Found(is_open=False, is_paid=True, status="Paid", credit=Decimal(0), due=None), "It has already been paid."),
        (Found(is_open=False, is_paid=False, status="Cancelled", credit=Decimal(0), due=None), "now: Cancelled"),
    ],
)
def test_an_invoice_that_is_closed_by_now_is_shown_as_such_with_nothing_to_ask_anew(
    action: Action, found: Found, words: str
) -> None:
    closed = payment(action, state=State.ENDED, outcome=Outcome.CHANGED, left=Decimal(0), found=found)
    assert seen(progress(EN, [closed])).endswith(words)
    assert [button.data for button in buttons(progress(EN, [closed]))] == [DETAILS]
    among_others = replace(closed, batch="b")
    assert words in seen(progress(EN, [among_others, replace(among_others, id="b", outcome=Outcome.NOT_SENT)]))


def test_a_refusal_is_told_in_the_providers_words() -> None:
    text = told(Outcome.REFUSED, error="error.refused", reason=NASTY)
    assert text == f"❌ Invoice 4711 was not paid.\nThe provider refused: “{NASTY}”\n{NEXT}"


@pytest.mark.parametrize("t", [EN, DE], ids=["en", "de"])
def test_what_did_not_go_through_says_what_to_do_next(t: Texts) -> None:
    refused, partly = t.plain("pay.refused.next"), t.plain("pay.partly.next")
    assert told(Outcome.REFUSED, t=t, error="error.refused_without_reason").endswith(refused)
    assert told(Outcome.PARTLY, t=t).endswith(partly)
    for outcome, error in ((Outcome.REFUSED, "error.token_refused"), (Outcome.DONE, ""), (Outcome.UNCLEAR, "")):
        text = told(outcome, t=t, error=error)
        assert refused not in text
        assert partly not in text
    assert refused not in told(Outcome.REFUSED, BACK, t=t, error="error.refused")
    if t is EN:
        assert seen(batch(Outcome.DONE, Outcome.PARTLY)).endswith(partly)
        assert partly not in seen(batch(Outcome.PARTLY, State.SENT))


KEPT = sorted(
    {kind.key for kind in provider_errors()} | {"error.refused", "error.refused_without_reason", BotError.key}
)


@pytest.mark.parametrize("t", [EN, DE], ids=["en", "de"])
@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.NOT_SENT, Outcome.UNCLEAR])
@pytest.mark.parametrize("key", KEPT)
def test_an_error_is_told_below_the_end_in_its_own_sentence(key: str, outcome: Outcome, t: Texts) -> None:
    text = told(outcome, t=t, error=key, reason="No.")
    assert text.startswith(f"{told(outcome, t=t)}\n{parse_html(t.failure(key, 'No.')).text}")
    assert "No." in text


@pytest.mark.parametrize("key", KEPT)
def test_without_the_provider_s_words_its_own_sentence_is_all(key: str) -> None:
    text = told(Outcome.REFUSED, error=key).removesuffix(f"\n{NEXT}")
    assert text == f"{told(Outcome.REFUSED)}\n{parse_html(EN(key, reason='')).text}"


def test_an_error_that_did_no_harm_is_not_told() -> None:
    for outcome in (Outcome.DONE, Outcome.PARTLY):
        assert told(outcome, error="error.refused", reason="No.") == told(outcome)


def test_a_reason_of_any_length_is_told_on_one_line() -> None:
    text = told(Outcome.REFUSED, error="error.refused", reason="no\n" * 3000)
    assert len(text.splitlines()) == 3
    assert length(text) < TEXT_LIMIT


@pytest.mark.parametrize(("action", "outcome", "t"), list(product(Action, Outcome, [EN, DE])))
def test_every_end_names_its_invoice_in_every_language(action: Action, outcome: Outcome, t: Texts) -> None:
    assert "4711" in told(outcome, action, t)

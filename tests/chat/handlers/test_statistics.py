"""/stats: a picture with its figures in words, and an estimate of what is to come."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.chat.handlers import statistics
from bot.domain.invoices import Invoice, Item
from bot.domain.service_periods import Period
from bot.files.drawing import Drawing
from bot.sandbox.telegram import ApiError, Chat, Message, Person, SandboxTelegram
from tests.chat.conversation import ask, link
from tests.chat.fakes import FakeProvider, Time
from tests.chat.samples import invoice

pytestmark = pytest.mark.usefixtures("invoice_bot")


def bill(number: int, start: date, kind: str = "Hosting", net: str = "10.00", **others: Any) -> Invoice:
    """A paid invoice for a month, with 19 % tax."""
    period = Period(start, start.replace(day=27)).following  # as long as a month, from the 28th
    text = f"KVM ({period.start:%d.%m.%Y} - {period.end:%d.%m.%Y})"
    amount = Decimal(net)
    tax = amount * Decimal("0.19")
    figures = {"subtotal": amount, "tax": tax, "tax_rate": Decimal(19), "total": amount + tax, "credit": Decimal(0)}
    paid = {"is_open": False, "status": "Paid", "paid_at": datetime(start.year, start.month, 5, 12, tzinfo=UTC)}
    return invoice(number, **{"items": (Item(kind, text, text, amount, 7),), **figures, **paid, **others})


@pytest.fixture
async def linked(ada: Person, chat: Chat, provider: FakeProvider, time: Time) -> Chat:
    year = time().year
    provider.add(
        bill(1, date(year - 1, 1, 5), net="8.00"),
        bill(2, date(year, 1, 5)),
        bill(3, date(year, 1, 5), kind="Domain", net="5.00"),
        bill(4, date(year, 1, 5), kind="Donation", net="3.00"),
        bill(5, date(year, 1, 5), credit=Decimal(1), total=Decimal(99)),
        bill(6, date(year, 1, 5), status="Unpaid", is_open=True, due=time().date(), kind="Domain", net="100.00"),
    )
    await link(ada, chat)
    return chat


async def answer(ada: Person, chat: Chat, wanted: str = "📊") -> Message:
    return await ask(ada, chat, "/stats", wanted)


async def test_the_picture_comes_with_its_figures_in_words(ada: Person, linked: Chat, time: Time) -> None:
    message = await answer(ada, linked)
    year = time().year
    assert message.photo
    assert message.document is not None
    assert message.document.content.startswith(b"\x89PNG")
    for line in (
        f"{year} so far: €17.85 (€15.00 net)",
        f"{year - 1} up to the same day: €9.52. The whole year: €9.52 (€8.00 net)",
        f"Donations, not included: €3.57 in {year}, €0.00 the year before",
        "Next 30 days: €119.00 (€100.00 net) · open €119.00 · renewals €0.00",
        "⚠️ 1 paid invoice is left out",
        f"January: €17.85 ({year - 1}: €9.52): Hosting €11.90, Domains €5.95",
    ):
        assert line in message.text
    assert any(entity.type == "expandable_blockquote" for entity in message.entities)


@pytest.mark.parametrize("fails", ["drawing", "sending"])
async def test_without_a_picture_the_words_come_by_themselves(
    ada: Person, linked: Chat, telegram: SandboxTelegram, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    async def none(*_: object) -> None:
        return None

    if fails == "drawing":
        monkeypatch.setattr(Drawing, "_run", none)
    else:
        telegram.faults.refuse(ApiError(400, "Bad Request: CHAT_SEND_PHOTOS_FORBIDDEN"), method="sendPhoto", times=None)
    message = await answer(ada, linked)
    assert not message.photo
    assert "so far: €17.85" in message.text


async def test_who_has_paid_nothing_gets_no_empty_picture(ada: Person, chat: Chat) -> None:
    await link(ada, chat)
    message = await answer(ada, chat)
    assert not message.photo
    assert "Next 90 days: €0.00" in message.text


async def test_words_that_are_too_many_for_a_caption_come_below_the_picture(
    ada: Person, linked: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "CAPTION_LIMIT", 200)
    message = await answer(ada, linked, "so far")
    before = linked.messages[linked.messages.index(message) - 1]
    assert before.photo
    assert not message.photo


async def test_it_reads_the_list_once(ada: Person, linked: Chat, provider: FakeProvider) -> None:
    calls = len(provider.filters)
    await answer(ada, linked)
    assert len(provider.filters) == calls + 1

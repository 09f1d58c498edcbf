"""Several documents at once: the question, the progress, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.chat.screens import Button, Screen, join
from bot.chat.texts import Texts
from bot.chat.views.invoice_words import gaps
from bot.chat.views.selecting import all_button, offer_rows, rows_of_none
from bot.domain.document_batches import MAX_AT_ONCE, DocumentBatch
from bot.domain.invoices import Listing
from bot.domain.selections import Selection
from bot.errors import BotError, MessengerError


def question(t: Texts, batch: DocumentBatch, listing: Listing) -> Screen:
    """Return the question whether to send so many."""
    count = len(batch.numbers)
    send = Button(t.plain_count("button.send_pdfs", count), f"send:{batch.id}")
    text = join([t.count("documents.ask", count), *gaps(t, listing)])
    return Screen(text, [[send], [_cancel(t, batch)]])


def ticks(t: Texts, selected: Selection, now: datetime) -> Screen:
    """Return what can be ticked to get its PDF, and what sends that."""
    lines = [t("documents.tick")]
    if selected.more:
        lines.append(t.count("documents.tick_more", selected.more))
    if not selected.chosen:
        below = rows_of_none(t, f"drop:{selected.id}", all_button(t, selected))
    else:
        send = Button(t.plain_count("button.send_pdfs", len(selected.chosen)), f"ticked:{selected.id}")
        below = [[send], [*all_button(t, selected), Button(t.plain("button.cancel"), f"drop:{selected.id}")]]
    return Screen(join(lines), [*offer_rows(t, selected, now), *below])


def none_sent(t: Texts) -> Screen:
    """Say that nothing was sent after all."""
    return Screen(t("documents.none_sent"))


def too_many(t: Texts, count: int) -> Screen:
    """Say that these are too many at once, and what to do instead."""
    return Screen(t("documents.too_many", n=count, max=MAX_AT_ONCE))


def progress(t: Texts, batch: DocumentBatch) -> Screen:
    """Return how far it came. The one that comes next counts."""
    at = len(batch.numbers) - len(batch.left) + 1
    return Screen(t("documents.progress", at=at, n=len(batch.numbers)), [[_cancel(t, batch)]])


def stopping(t: Texts, batch: DocumentBatch) -> Screen:
    """Return what stands in the place of the progress, or of the question, once somebody has cancelled it."""
    begun = batch.message_id is not None
    return Screen(t("documents.stopping")) if begun else none_sent(t)


def paused(t: Texts, batch: DocumentBatch) -> Screen:
    """Return how far it came when the bot was stopped, with a button that goes on."""
    go_on = Button(t.plain("button.continue"), f"send:{batch.id}")
    return Screen(t("documents.paused", came=len(batch.came), n=len(batch.numbers)), [[go_on]])


def came(t: Texts, batch: DocumentBatch) -> Screen:
    """Return what becomes of the progress at the end."""
    return Screen(t("documents.came", came=len(batch.came), n=len(batch.numbers)))


def ended(
    t: Texts, batch: DocumentBatch, *, stopped: bool, why: BotError | None, again: DocumentBatch | None
) -> Screen:
    """Return what came and what did not, by number, with a button that asks for the latter."""
    if again is None:
        return Screen(t.count("documents.done", len(batch.numbers)))
    facts = {"came": len(batch.came), "n": len(batch.numbers)}
    lines = [t("documents.stopped" if stopped else "documents.part", **facts)]
    if why is not None and not isinstance(why, MessengerError):
        lines.append(t.error(why))
    if batch.missing:
        lines.append(t("documents.missing", ids=_named(t, batch.missing)))
    if batch.unsure:
        lines.append(t("documents.unsure", ids=_named(t, batch.unsure)))
    button = Button(t.plain_count("button.send_missing", len(again.numbers)), f"send:{again.id}")
    return Screen(join(lines), [[button]])


def _named(t: Texts, numbers: Sequence[int]) -> str:
    return t.listing([str(number) for number in numbers])


def _cancel(t: Texts, batch: DocumentBatch) -> Button:
    return Button(t.plain("button.cancel"), f"stop:{batch.id}")

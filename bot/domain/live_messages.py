"""Messages that show invoices with buttons, and are drawn anew once the invoices stand otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.domain.invoices import Invoice, Listing, open_first
from bot.domain.queries import ListPage, Query, read_page

LIVE_MESSAGES_KEPT = 20
"""How many of a chat's messages are drawn anew: the newest ones."""

SHOW, LIST, FILTER, JUMP, CHOOSE, ASK = "show", "list", "filter", "jump", "choose", "ask"


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """A message that shows invoices.

    ``shows`` says which, mostly as a button asks for them: the details of one (``show:4711``, and behind it perhaps the
    page that it leads back to), a page of the list (``list:all.any.0.0``), its filters (``filter:all.any.0.0``) or its
    months (``jump:2026:all.any.0.0``; year 0 stands for the years), or those to choose from for a command
    (``choose:pay``, from the second page on ``choose:pay:1``), or the question whether to pay one (``ask:4711``), which
    gives way to its details. ``state`` is a mark of how they stood when it was drawn.
    """

    message_id: int
    topic_id: int | None
    shows: str
    state: str

    @property
    def kind(self) -> str:
        return self.shows.partition(":")[0]

    @property
    def subject(self) -> str:
        """What stands behind the kind: the invoice's number, the page, the year, or the command."""
        return self.shows.split(":")[1]

    @property
    def page(self) -> ListPage | None:
        """The page that is shown, or that the details lead back to."""
        return read_page(self.shows.split(":")[-1])

    @property
    def number(self) -> int:
        """The page of those to choose from."""
        _, _, number = self.shows.partition(f"{self.subject}:")
        return int(number) if number.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Board:
    """The pinned message that says how things stand. ``state`` is a mark of what it says.

    ``is_pinned`` is False where the bot had no right to pin it, and None before that was tried. It stays True if
    somebody unpins it: then it is not pinned again.
    """

    message_id: int
    topic_id: int | None
    state: str
    is_pinned: bool | None = None


def shown_now(message: LiveMessage, listing: Listing, found: Sequence[Invoice]) -> Listing | None:
    """Return the invoices that a message shows, as they stand now. None: this reading does not tell.

    ``found`` are the invoices of the ``listing`` and those that were read singly.
    """
    if message.kind in {SHOW, ASK}:
        invoices = tuple(invoice for invoice in found if str(invoice.id) == message.subject)
        return Listing(invoices) if invoices else None
    query = Query() if message.page is None else message.page.query
    if message.page is not None and message.page.search:
        return None
    if query.with_transactions or listing.resumed or not listing.is_read_to_end:
        return None
    fitting = tuple(open_first(i for i in listing.invoices if query.fits(i)))
    return replace(listing, invoices=fitting, hides_unclear=listing.has_unclear)


def state_of(invoices: Iterable[Invoice]) -> str:
    """Return a mark that differs once one of these invoices stands otherwise."""
    facts = [(i.id, i.status, i.is_open, i.left_to_pay, i.full_total, i.credit, i.due, *i.parts) for i in invoices]
    return hashlib.blake2s(repr(facts).encode(), digest_size=8).hexdigest()


def outdated(
    messages: Sequence[LiveMessage], listing: Listing, found: Sequence[Invoice]
) -> list[tuple[LiveMessage, LiveMessage, Listing]]:
    """Return the messages whose invoices stand otherwise, each with what it becomes, and with its invoices."""
    changed = []
    for message in messages:
        shown = shown_now(message, listing, found)
        if shown is not None and (state := state_of(shown.invoices)) != message.state:
            changed.append((message, replace(message, state=state), shown))
    return changed


def with_message(
    messages: Sequence[LiveMessage], old: LiveMessage | None, new: LiveMessage | None
) -> tuple[LiveMessage, ...] | None:
    """Put ``new`` in the place of ``old``. None as old adds a message, None as new removes one.

    A message that is there under the same id goes. Return None if ``old`` has changed meanwhile.
    """
    if old is not None and old not in messages:
        return None
    gone = {each.message_id for each in (old, new) if each is not None}
    kept = [each for each in messages if each.message_id not in gone]
    return tuple([*kept, *([new] if new is not None else [])][-LIVE_MESSAGES_KEPT:])

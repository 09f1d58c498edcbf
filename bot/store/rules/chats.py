"""What becomes of a chat's record when something happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bot.domain import account_watch, knowledge
from bot.domain.alerts import EDITS, AlertKind, AlertState, KnownInvoice, is_obsolete, is_still_needed
from bot.domain.answers import Awaited
from bot.domain.chats import Link, Member, Preferences, Silence
from bot.domain.credit import CLOSELY, CreditWatch, CreditWish
from bot.domain.documents import SentDocument, with_document
from bot.domain.due_calendar import DueCalendar
from bot.domain.live_messages import LiveMessage, with_message
from bot.domain.service_names import Service, renamed
from bot.domain.waits import is_ahead, may_be_right
from bot.ports import Checked, Overview, StoreCounts, Waiting
from bot.store.rules import packs as pack_rules
from bot.store.rules.alerts import add_alerts, opened, untold, without_changes
from bot.store.rules.records import AWAITED, CHAT_FACTS, NOT_CHOSEN, PASSING, ChatRecord, ChatRow, PaymentRow, seal_link

CHECK_FIRST = timedelta(seconds=30)
"""When a chat is back, its alerts wait for its check, so that they say what that has found. They wait no longer."""


def relinked(record: ChatRecord, link: Link, sealed_token: str, known: Mapping[int, KnownInvoice]) -> ChatRecord:
    """Link the chat anew. What is stored of the chat itself outlives an older link, except what is ``PASSING``.

    What is known of an account stays known if a new list of it lacks that, unless something of it was still to be told:
    the next check asks for each. What the bot and the person said of an invoice stays where the new link has the same
    invoice: most often it is the same customer with a new token. Then the reference of transfers, the names of services
    and the packs under way stay, too: they may have waited for the token. The payers stay if the owner does, and with
    the same invoices so does the calendar.
    """
    if record.link is not None and record.link.linked_by == link.linked_by:
        link = replace(link, payers=record.link.payers)
    old = record.known
    if record.link is not None and record.link.account == link.account:
        link = replace(link, name=record.link.name, packs=record.link.packs)
        untold_of = {row.alert.invoice_id for row in record.alerts}
        known = {**knowledge.left_out({n: k for n, k in old.items() if n not in untold_of}, link.linked_at), **known}
    same = {n for n, k in known.items() if n in old and (k.title, k.due) == (old[n].title, old[n].due)}
    if record.link is not None and same:
        kept = {name: getattr(record.link, name) for name in ("reference", "names", "name")}
        link = replace(link, **kept, packs=pack_rules.at_once(record.link.packs))
        if record.link.linked_by == link.linked_by:
            link = replace(link, calendar=record.link.calendar)
    sent = [message.resolving({s.invoice_id for s in message.shown} - same) for message in record.sent]
    facts = {name: getattr(record.chat, name) for name in CHAT_FACTS if name not in PASSING}
    return ChatRecord(
        id=record.id,
        chat=ChatRow(**facts, moved_from=record.chat.moved_from),
        link=seal_link(link, sealed_token),
        known=dict(known),
        silences={number: silence for number, silence in record.silences.items() if number in same},
        sent=tuple(message for message in sent if not message.is_over),
    )


def beside(record: ChatRecord, others: Iterable[ChatRecord]) -> ChatRecord:
    """Return a record that gets an account, with what was chosen for the chat where it holds other accounts already.

    An owner's payers can pay with all of the owner's accounts in the chat.
    """
    first = next((other for other in others if other.id != record.id), None)
    if first is None or record.link is not None:
        return record
    chosen = {name: getattr(first.chat, name) for name in CHAT_FACTS if name not in PASSING | {"board"}}
    return replace(record, chat=replace(record.chat, **chosen))


def payers_beside(owner_id: int, others: Iterable[ChatRecord]) -> tuple[Member, ...]:
    """Return who can pay with this owner's accounts in a chat."""
    links = [other.link for other in others if other.link is not None and other.link.linked_by == owner_id]
    return links[0].payers if links else ()


def without_account(record: ChatRecord) -> ChatRecord:
    """Forget the account, and keep what was chosen for the chat."""
    chosen = {name: getattr(record.chat, name) for name in CHAT_FACTS if name not in PASSING | {"board"}}
    return ChatRecord(record.id, ChatRow(**chosen, moved_from=record.chat.moved_from))


def with_account_name(record: ChatRecord, account: str, name: str) -> ChatRecord | None:
    """Take what the person calls the account. None: the link is another by now."""
    if record.link is None or record.link.account != account:
        return None
    return replace(record, link=replace(record.link, name=name), chat=_without_awaited(record.chat))


def awaiting_token(record: ChatRecord, until: datetime | None, invitation: str) -> ChatRecord:
    """Wait for a token until then, and for nothing else. None: wait for no answer at all."""
    chat = replace(record.chat, awaiting_token_until=until, awaiting_for=invitation)
    return replace(record, chat=_without_awaited(chat))


def awaiting(record: ChatRecord, account: str, awaited: Awaited) -> ChatRecord | None:
    """Wait for this answer, and for nothing else. None: the link is another by now."""
    if record.link is None or record.link.account != account:
        return None
    record = awaiting_token(record, None, "")
    return replace(record, chat=replace(record.chat, awaited=awaited))


def with_reference(record: ChatRecord, account: str, reference: str) -> ChatRecord | None:
    """Take the reference of transfers. None: the link is another by now."""
    if record.link is None or record.link.account != account:
        return None
    return replace(record, link=replace(record.link, reference=reference), chat=_without_awaited(record.chat))


def with_name(record: ChatRecord, account: str, service: Service, name: str) -> ChatRecord | None:
    """Take what a service is called; nothing, if the name is empty. None: the link is another by now."""
    if record.link is None or record.link.account != account:
        return None
    link = replace(record.link, names=renamed(record.link.names, service, name))
    return replace(record, link=link, chat=_without_awaited(record.chat))


def with_calendar(
    record: ChatRecord, account: str, old: DueCalendar | None, new: DueCalendar | None
) -> ChatRecord | None:
    """Put a calendar in the place of another. None: the link, or its calendar, is another by now."""
    if record.link is None or record.link.account != account or record.link.calendar != old:
        return None
    return replace(record, link=replace(record.link, calendar=new))


def _without_awaited(chat: ChatRow) -> ChatRow:
    return replace(chat, **{name: NOT_CHOSEN[name] for name in AWAITED})


def preferring(record: ChatRecord, preferences: Preferences | None, now: datetime) -> ChatRecord | None:
    """Set preferences, with the next check due ``now``. None: they are set already."""
    if preferences == record.chat.preferences:
        return None
    chat = replace(record.chat, preferences=preferences, quiet_until=None)
    return hastened(replace(record, chat=chat), now)


def silenced(
    record: ChatRecord, account: str, silences: Mapping[int, Silence | None], now: datetime
) -> ChatRecord | None:
    """Put reminders of invoices off, or (None) let them come again. None: the link is another by now.

    A change that waits to be told would be dropped. It goes, and is found again once a snooze has ended.
    """
    link = record.link
    if link is None or link.account != account:
        return None
    record = without_changes(record, {n for n, silence in silences.items() if silence and not silence.muted})
    new = {number: replace(silence, set_at=now) for number, silence in silences.items() if silence}
    after = {**record.silences, **new}
    after = {number: silence for number, silence in after.items() if silences.get(number, silence)}
    ends = [silence.until if silence else now for silence in silences.values()]
    look = min((end for end in ends if end is not None), default=link.next_check_at)
    return hastened(replace(record, silences=after), now, look)


def with_credit(record: ChatRecord, account: str, credit: CreditWatch) -> ChatRecord | None:
    """Take what was read of the account's credit. None: the link is another by now."""
    if record.link is None or record.link.account != account:
        return None
    return replace(record, link=replace(record.link, credit=credit))


def wishing_for_credit(record: ChatRecord, account: str, invoice_id: int, now: datetime) -> ChatRecord | None:
    """Take a wish to hear when the credit suffices for an invoice. None: the link is another by now."""
    link = record.link
    if link is None or link.account != account:
        return None
    others = (wish for wish in link.credit_wishes if wish.invoice_id != invoice_id)
    wishes = (*others, CreditWish(invoice_id, now))
    return hastened(replace(record, link=replace(link, credit_wishes=wishes)), now, now + CLOSELY)


def with_live_message(record: ChatRecord, old: LiveMessage | None, new: LiveMessage | None) -> ChatRecord | None:
    """Put a live message in the place of another. None: there is nothing to change."""
    live = with_message(record.chat.live, old, new) if record.link is not None else None
    return None if live is None else replace(record, chat=replace(record.chat, live=live))


def keeping_document(record: ChatRecord, account: str, document: SentDocument) -> ChatRecord | None:
    """Remember how a PDF can be sent again. None: the link is another by now."""
    if record.link is None or record.link.account != account:
        return None
    documents = with_document(record.chat.documents, document)
    return replace(record, chat=replace(record.chat, documents=documents))


def woken(record: ChatRecord, now: datetime) -> ChatRecord | None:
    """End the chat's rest, with its check due ``now``. End the wait before a closed chat. None: there was neither."""
    if record.chat.resting is None:
        return None if record.chat.closure is None else opened(record)
    link = record.link and replace(record.link, next_check_at=now, next_check_set_at=now)
    record = opened(replace(record, link=link))
    chat = record.chat
    if chat.message_wait.is_over(now):
        chat = replace(chat, alerts_at=None, quiet_until=None)
    chat = replace(chat, resting=None, check_first_until=now + CHECK_FIRST, alerts_set_at=now)
    return replace(record, chat=chat)


def keeps_its_link(new: ChatRecord, old: ChatRecord) -> bool:
    """Return whether the link that a chat got under its new id stays, and the one under its old id ends.

    Only if the owner has made it. Anybody else has linked a chat that looked unlinked, and must not take it over.
    """
    return new.link is not None and (old.link is None or old.link.linked_by == new.link.linked_by)


def merged(old: ChatRecord, new: ChatRecord, sealed_token: str) -> ChatRecord:
    """Return a chat's record under its new id. ``sealed_token`` is its link's, sealed for that id.

    A chat that is stored there already keeps what it has of its own, except somebody else's link. The link moves with
    all that hangs on it. Whether the chat takes messages there is not known yet.
    """
    old = opened(old)
    own: dict[str, Any] = {name: getattr(new.chat, name) or getattr(old.chat, name) for name in _MOVING}
    new = replace(new, chat=replace(new.chat, **own, moved_to=None, moved_from=old.id))
    return new if keeps_its_link(new, old) else _with_link_of(old, new, sealed_token)


def moved_away(old: ChatRecord, new_id: int) -> ChatRecord:
    """Return what stays under a chat's old id: where it is now. Buttons of older messages still name the old id."""
    return ChatRecord(old.id, ChatRow(moved_to=new_id))


def counts_of(records: Iterable[ChatRecord]) -> StoreCounts:
    """Count what these chats hold."""
    linked = [record for record in records if record.link is not None]
    return StoreCounts(
        chats=len(linked),
        resting=sum(record.chat.resting is not None for record in linked),
        set_aside=sum(record.dead_letters for record in linked),
    )


def overview_of(record: ChatRecord, problem: str | None = None) -> Overview:
    """Return a chat in one line, without its token. ``problem`` is why it, or its token, can't be read."""
    link = record.link
    return Overview(
        chat_id=record.chat_id,
        account=link.account if link else None,
        resting=record.chat.resting or ("not served" if link and link.watch.dismissed else None),
        trouble=link.watch.trouble if link else None,
        checked_at=link.watch.checked_at if link else None,
        next_check_at=link.next_check_at if link else None,
        waiting=len(record.alerts) - record.dead_letters,
        set_aside=record.dead_letters,
        problem=problem,
    )


def waiting_in(record: ChatRecord) -> Waiting:
    """Count the alerts that wait, and the dead letters. Edits are none: they tell nothing."""
    told = [row.alert.state is AlertState.DEAD_LETTER for row in record.alerts if row.alert.kind not in EDITS]
    return Waiting(waiting=len(told) - sum(told), set_aside=sum(told))


def everything_in(records: Sequence[ChatRecord], payments: Iterable[PaymentRow]) -> Mapping[str, Any]:
    """Return all that is stored of a chat, in JSON's types, without its tokens. Payments: those asked there.

    The first account's content stands at the top, and that of others under ``further_accounts``.
    """
    content, *further = [_content_of(record) for record in records]
    more = {"further_accounts": further} if further else {}
    return content | more | {"payments": msgspec.to_builtins([row.payment for row in payments])}


def _content_of(record: ChatRecord) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(record, str_keys=True) | {"id": record.chat_id}
    if content["link"]:
        del content["link"]["sealed_token"]
    return content


def hastened(record: ChatRecord, now: datetime, at: datetime | None = None) -> ChatRecord:
    """Let the check be due ``at`` some time, or ``now``, or sooner if it was. A void wait stays void."""
    link = record.link
    if link is None:
        return record
    set_at = link.next_check_set_at if is_ahead(link.check_wait.set_at, now) else now
    return due_at(record, min(at or now, link.next_check_at), set_at)


def moved_money(record: ChatRecord, now: datetime) -> ChatRecord:
    """Let the check be due ``now``. What was known of the credit is no longer so."""
    link = record.link and replace(record.link, credit=record.link.credit.outdated())
    return hastened(replace(record, link=link), now)


def trusted(record: ChatRecord, now: datetime) -> ChatRecord | None:
    """End a refusal of the link's token, with the check due ``now``. None: there was no refusal."""
    link = record.link
    if link is None or not link.watch.is_refused:
        return None
    return hastened(replace(record, link=replace(link, watch=account_watch.trusted(link.watch))), now)


def due_at(record: ChatRecord, at: datetime, set_at: datetime | None = None) -> ChatRecord:
    """Let the next check be due then."""
    return replace(record, link=record.link and replace(record.link, next_check_at=at, next_check_set_at=set_at))


def after_check(record: ChatRecord, checked: Checked, set_at: datetime | None) -> ChatRecord:
    """Take what a check found, as :meth:`bot.ports.CheckStore.finish_check` says. It was claimed at ``set_at``."""
    link = record.link and replace(
        record.link,
        watch=checked.watch,
        next_check_at=checked.next_check_at,
        next_check_set_at=set_at or record.link.next_check_set_at,
        credit=checked.credit or record.link.credit,
        credit_wishes=tuple(w for w in record.link.credit_wishes if w.invoice_id not in checked.ended_wishes),
        packs=(*record.link.packs, *checked.packs),
    )
    rows = add_alerts(record.alerts, checked.alerts)
    alerts = tuple(row for row in rows if not is_obsolete(row.alert, checked.known, checked.watch))
    alerted = {row.alert.invoice_id for row in alerts}
    silences = {
        number: silence
        for number, silence in record.silences.items()
        if is_still_needed(silence, checked.known.get(number), alerted=number in alerted)
    }
    settled = any(alert.kind is AlertKind.SETTLED for alert in checked.alerts)
    quiet_until = None if settled else record.chat.quiet_until  # edits ring nowhere, so they don't wait
    chat = record.chat
    if (chat.quiet_until, chat.check_first_until) != (quiet_until, None):
        chat = replace(chat, quiet_until=quiet_until, check_first_until=None)
    left = {row.alert.id for row in alerts}
    known = untold(checked.known, (row for row in record.alerts if row.alert.id not in left))
    if known is checked.known and not checked.known_is_new:
        known = record.known  # nobody else changes it under a check's claim
    return replace(record, chat=chat, link=link, known=known, alerts=alerts, silences=silences)


def without_future(record: ChatRecord, now: datetime | None) -> ChatRecord:
    """Take back what a clock has set that was ahead: snoozes go.

    Messages that it has dated are dated anew: they must not pass for reminders once that time has come.
    """
    if record.link is None or now is None or not may_be_right(now):
        return record
    silences = {n: silence for n, silence in record.silences.items() if not silence.is_void(now)}
    before = now - timedelta(days=1)
    sent = tuple(replace(m, sent_at=before) if is_ahead(m.sent_at, now) else m for m in record.sent)
    same = len(silences) == len(record.silences) and sent == record.sent
    return record if same else replace(record, silences=silences, sent=sent)


_MOVING = [each.name for each in fields(ChatRow) if each.name not in PASSING | {"board", "moved_to", "moved_from"}]


def _with_link_of(old: ChatRecord, new: ChatRecord, sealed_token: str) -> ChatRecord:
    if old.link is None:
        return new
    there = new.chat_id
    link = replace(old.link, place=old.link.place.in_chat(there), sealed_token=sealed_token)
    alerts = tuple(replace(row, alert=replace(row.alert, place=row.alert.place.in_chat(there))) for row in old.alerts)
    sent = tuple(message.moved_to(there) for message in old.sent)
    return replace(new, link=link, known=old.known, alerts=alerts, silences=old.silences, sent=sent)

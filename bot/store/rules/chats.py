"""What becomes of a chat's record when something happens. Every store goes by these rules; no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bot.domain.alerts import Alert, AlertKind, AlertState, KnownInvoice, Standing
from bot.domain.chats import Link, Member, Place, Silence, Silences
from bot.domain.invitations import Invitation
from bot.domain.preferences import Preferences
from bot.ports import Checked, Waiting
from bot.store.rules.records import ChatRecord, ChatRow, PaymentRow, add_alerts, link_row
from bot.store.vault import Vault

CHECK_FIRST = timedelta(seconds=30)
"""How long the alerts of a chat that is back wait, so that they say what its check has found."""


def relinked(record: ChatRecord, link: Link, known: Mapping[int, KnownInvoice], vault: Vault) -> ChatRecord:
    """Languages and preferences outlive an older link.

    So does what was said of invoices, by the bot and by the person, where the new link has the same ones: most often
    it is the same customer with a new token. Who may pay stays with the owner.
    """
    if record.link is not None and record.link.linked_by == link.linked_by:
        link = replace(link, payers=record.link.payers)
    row, same = record.chat, {number for number, k in known.items() if _is_same(k, record.known.get(number))}
    sent = [message.resolving({s.invoice_id for s in message.shown} - same) for message in record.sent]
    return ChatRecord(
        id=record.id,
        chat=ChatRow(language=row.language, telegram_language=row.telegram_language, preferences=row.preferences),
        link=link_row(link, vault.seal_token(record.id, link.token)),
        known=dict(known),
        silences={number: silence for number, silence in record.silences.items() if number in same},
        sent=tuple(message for message in sent if not message.is_over),
    )


def can_be_accepted(record: ChatRecord, invitation: Invitation | None) -> bool:
    """Whether the group's link is still the one that an invitation, where it was not used up meanwhile, replaces."""
    return invitation is not None and invitation.replaces == (record.link.linked_at if record.link else None)


def _is_same(new: KnownInvoice, old: KnownInvoice | None) -> bool:
    """Whether an invoice of another link, with the same number, is the same one."""
    return old is not None and (new.title, new.due) == (old.title, old.due)


def preferring(record: ChatRecord, preferences: Preferences | None, now: datetime) -> ChatRecord:
    """With other preferences, and the next check due ``now``; the same record where they are the ones it has."""
    if preferences == record.chat.preferences:
        return record
    chat = replace(record.chat, preferences=preferences, quiet_until=None)
    return _looked_at(replace(record, chat=chat), now)


def silenced(
    record: ChatRecord, account: str, silences: Mapping[int, Silence | None], now: datetime
) -> ChatRecord | None:
    """With reminders put off, or (None) let come again; None where the link is another by now."""
    if record.link is None or record.link.account != account:
        return None
    after = {**record.silences, **{number: silence for number, silence in silences.items() if silence}}
    after = {number: silence for number, silence in after.items() if silences.get(number, silence)}
    ends = [silence.until if silence else now for silence in silences.values()]
    look = min((end for end in ends if end is not None), default=record.link.next_check_at)
    return _looked_at(replace(record, silences=after), look)


def with_payer(record: ChatRecord, payer: Member) -> ChatRecord:
    """With somebody who may pay; a newer name replaces the older."""
    return _with_payers(record, lambda payers: [*_without(payers, payer.id), payer])


def without_payer(record: ChatRecord, user_id: int) -> ChatRecord:
    """Without this person among those who may pay."""
    return _with_payers(record, lambda payers: _without(payers, user_id))


def woken(record: ChatRecord, now: datetime) -> ChatRecord | None:
    """No longer resting, its check due ``now``; None where it was not resting."""
    if record.chat.resting is None:
        return None
    link = record.link and replace(record.link, next_check_at=now)
    alerts_at = max(now + CHECK_FIRST, record.chat.alerts_at or now)
    return replace(record, chat=replace(record.chat, resting=None, alerts_at=alerts_at), link=link)


def merged(old: ChatRecord, new: ChatRecord | None, new_id: int, vault: Vault) -> ChatRecord:
    """A chat's record under its new id.

    Of a chat that stands there already, what it has of its own stays; the link goes with what hangs on it.
    """
    if new is None:
        return _moved_link(old, ChatRecord(new_id, old.chat), vault)
    row = replace(
        new.chat,
        language=new.chat.language or old.chat.language,
        telegram_language=new.chat.telegram_language or old.chat.telegram_language,
        alerts_at=new.chat.alerts_at or old.chat.alerts_at,
        quiet_until=new.chat.quiet_until or old.chat.quiet_until,
        preferences=new.chat.preferences or old.chat.preferences,
    )
    new = replace(new, chat=row)
    return new if new.link else _moved_link(old, new, vault)


def waiting_in(record: ChatRecord) -> Waiting:
    """How many of the alerts wait, and how many were set aside."""
    states = [row.alert.state for row in record.alerts]
    aside = states.count(AlertState.DEAD_LETTER)
    return Waiting(waiting=len(states) - aside, set_aside=aside)


def everything_in(record: ChatRecord, payments: Iterable[PaymentRow]) -> Mapping[str, Any]:
    """What is stored of a chat, in JSON's types, without its token. Of the payments those that were asked there."""
    content: dict[str, Any] = msgspec.to_builtins(record, str_keys=True)
    if content["link"]:
        del content["link"]["sealed_token"]
    mine = [row.payment for row in payments if row.payment.place.chat_id == record.id]
    return content | {"payments": msgspec.to_builtins(mine)}


def hastened(record: ChatRecord, now: datetime) -> ChatRecord:
    """With its check due ``now``, if it isn't already."""
    if record.link is None:
        return record
    return due_at(record, min(now, record.link.next_check_at))


def due_at(record: ChatRecord, at: datetime) -> ChatRecord:
    """With its next check due then."""
    return replace(record, link=record.link and replace(record.link, next_check_at=at))


def after_check(record: ChatRecord, checked: Checked) -> ChatRecord:
    """With what a check found, as :meth:`bot.ports.CheckStore.finish_check` says."""
    link = record.link and replace(record.link, watch=checked.watch, next_check_at=checked.next_check_at)
    rows = add_alerts(record.alerts, checked.alerts)
    alerts = tuple(row for row in rows if not _settled(row.alert, checked))
    silences = _still_needed(record.silences, checked, {row.alert.invoice_id for row in alerts})
    settled = any(alert.kind is AlertKind.SETTLED for alert in checked.alerts)
    chat = replace(record.chat, quiet_until=None) if settled else record.chat  # edits ring nowhere, so they don't wait
    return replace(record, chat=chat, link=link, known=dict(checked.known), alerts=alerts, silences=silences)


def moved(place: Place, chat_id: int) -> Place:
    """The same topic in a chat's new id."""
    return replace(place, chat_id=chat_id)


def _looked_at(record: ChatRecord, at: datetime) -> ChatRecord:
    return record if record.link is None else due_at(record, min(record.link.next_check_at, at))


def _with_payers(record: ChatRecord, change: Callable[[tuple[Member, ...]], Iterable[Member]]) -> ChatRecord:
    return replace(record, link=record.link and replace(record.link, payers=tuple(change(record.link.payers))))


def _without(payers: Iterable[Member], user_id: int) -> list[Member]:
    return [payer for payer in payers if payer.id != user_id]


def _moved_link(old: ChatRecord, new: ChatRecord, vault: Vault) -> ChatRecord:
    if old.link is None:
        return new
    token = vault.open_token(old.id, old.link.sealed_token)
    link = replace(old.link, place=moved(old.link.place, new.id), sealed_token=vault.seal_token(new.id, token))
    alerts = tuple(replace(row, alert=replace(row.alert, place=moved(row.alert.place, new.id))) for row in old.alerts)
    sent = tuple(message.moved_to(new.id) for message in old.sent)
    return replace(new, link=link, known=old.known, alerts=alerts, silences=old.silences, sent=sent)


def _settled(alert: Alert, checked: Checked) -> bool:
    """Whether an alert that was set aside speaks of what is over by now, so that nobody needs to see it any more."""
    if alert.state is not AlertState.DEAD_LETTER:
        return False
    if alert.invoice_id is None:
        return checked.watch.trouble is None and not checked.watch.outage_told
    known = checked.known.get(alert.invoice_id)
    return known is None or not known.is_open


def _still_needed(silences: Silences, checked: Checked, alerted: Collection[int | None]) -> Silences:
    """Without those that have ended with a reminder, and those of closed invoices once no alert of them waits."""

    def needed(number: int, silence: Silence) -> bool:
        known = checked.known.get(number)
        if known is None or not known.is_open:
            # One that is gone may come back.
            return number in alerted or (silence.muted and known is not None and known.standing is Standing.GONE)
        return silence.muted or silence.until != known.woken

    return {number: silence for number, silence in silences.items() if needed(number, silence)}

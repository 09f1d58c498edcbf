"""Alerts as they are sent: one or several in a message, and a message once its invoices are settled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import Button, Rows, Screen, fit, formatted_at_most, join, one_line
from bot.chat.texts import Private, Texts
from bot.chat.views.alert_buttons import invoice_rows
from bot.chat.views.alert_credit import credit_of_alert, top_up_rows_of_alert
from bot.chat.views.consequences import consequences
from bot.chat.views.invoice_words import STATUS_LENGTH, UNDATED_NAMED, named
from bot.chat.views.prices import price_lines
from bot.domain.alerts import (
    NEWS_KINDS,
    TROUBLE_KINDS,
    Alert,
    AlertKind,
    KnownInvoice,
    SentMessage,
    Shown,
    as_shown,
    undated,
)
from bot.domain.chats import Watch
from bot.domain.deliveries import last_shown, said_before
from bot.domain.invoices import sums_differ
from bot.domain.queries import ListPage
from bot.domain.standings import Standing
from bot.ports import Delivery

FRESH_FOR = timedelta(hours=3)
"""Older knowledge is sent with its age, even if it was good when the alert was found."""

INVOICES_IN_DIGEST = 12
ALERT_TITLE_LENGTH = 100
BRIEF_ALERT_TITLE_LENGTH = 50
REMINDER_KEYS = frozenset({"alert.due", "alert.overdue"})


def alerts(t: Texts, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> Screen:
    """Return the message that tells these alerts as things stand at ``now``.

    It says so if it may come a second time, or if its knowledge is old.
    """
    brief = len(alerts) > 1
    shown = [as_shown(k, a.kind) for a in alerts if (k := delivery.known_of(a)) and k.is_open]
    lines = _lines(delivery, alerts)
    blocks = [_block(t, delivery, alert, now, brief=brief) for alert in alerts]
    has_digest = any(alert.kind is AlertKind.DIGEST for alert in alerts)
    told = _all_owed(delivery) if has_digest else shown
    notes = [*credit_of_alert(t, delivery, told, now), *_notes(t, delivery, alerts, now)]
    rows = invoice_rows(t, lines, delivery.chat.silences, now, told=shown) if lines else []
    rows += top_up_rows_of_alert(t, delivery, told, now) + _account_rows(t, delivery, alerts, now)
    if not brief:
        return Screen(formatted_at_most(join([*blocks, *notes])), rows)
    total = [t.count("alert.total_here", len(shown), sum=_sum_of(t, shown))] if shown[1:] and not has_digest else []
    head = [t.count("alert.several", len(alerts)), Markup("")]
    return Screen(formatted_at_most(fit(head, _apart(blocks), [*total, *notes], t("alert.more"))), rows)


def words_of(t: Texts, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> dict[int, str]:
    """Return what the message of these alerts says of each invoice, so that it can be struck through later."""
    brief = len(alerts) > 1
    return {a.invoice_id: str(_block(t, delivery, a, now, brief=brief)) for a in alerts if a.invoice_id is not None}


def struck_through(t: Texts, message: SentMessage, delivery: Delivery) -> Screen:
    """Return an earlier message with settled invoices struck through, and a line for what a newer message tells.

    The rest stays as it was, with its buttons.
    """
    return _drawn_anew(t, message, delivery, {})


def reminded_silently(
    t: Texts, message: SentMessage, delivery: Delivery, alerts: Sequence[Alert], now: datetime
) -> Screen:
    """Return an earlier message with a line for each of these reminders: the credit suffices."""
    known = [k for alert in alerts if (k := delivery.known_of(alert))]
    lines = {k.id: t("alert.covered", day=t.due_day(k.due, now)) for k in known if k.due is not None}
    return _drawn_anew(t, message, delivery, lines)


def _drawn_anew(t: Texts, message: SentMessage, delivery: Delivery, lines: Mapping[int, Markup]) -> Screen:
    earlier = [m for m in delivery.sent if m.sent_at < message.sent_at]
    blocks, still_open = [], []
    for shown in message.shown:
        known = delivery.known.get(shown.invoice_id)
        before = last_shown(earlier, shown.invoice_id)
        words = _words(t, shown, message.sent_at, before, brief=len(message.shown) > 1)
        if shown.folded:
            blocks.append(t("alert.folded", id=shown.invoice_id))
        elif shown.kind is AlertKind.SETTLED:
            blocks.append(words)
        elif known is not None and known.is_open and not shown.resolved:
            line = lines.get(shown.invoice_id)
            blocks.append(words if line is None else join([words, line]))
            still_open.append(shown)
        else:
            blocks.append(join([*_struck(t, words), *_ended_lines(t, known)]))
    rows = invoice_rows(t, still_open, delivery.chat.silences, message.sent_at) if still_open else []
    return Screen(formatted_at_most(fit([], _apart(blocks)[:-1], [], t("alert.more"))), rows)


def _lines(delivery: Delivery, alerts: Sequence[Alert]) -> list[Shown]:
    """Return the invoices that a message has lines about, in their order, each once. What is gone can't be shown."""
    lines: dict[int, Shown] = {}
    for alert in alerts:
        known = delivery.known_of(alert)
        if alert.kind is AlertKind.DIGEST:
            lines |= {s.invoice_id: s for s in _all_owed(delivery)[:INVOICES_IN_DIGEST] if s.invoice_id not in lines}
        elif known is not None and known.standing is not Standing.GONE and known.id not in lines:
            lines[known.id] = as_shown(known, alert.kind)
    return list(lines.values())


def _account_rows(t: Texts, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> Rows:
    """Return the buttons that are about the account."""
    kinds = {alert.kind for alert in alerts}
    rows: Rows = []
    is_blind = _old_since(delivery, alerts, now) is not None and _why_blind(delivery, alerts) is not None
    if kinds & TROUBLE_KINDS or is_blind:
        rows.append([Button(t.plain("button.check"), "check")])
    if kinds & {AlertKind.DIGEST, AlertKind.UNREADABLE}:
        rows.append([Button(t.plain("button.invoices"), f"list:{ListPage()}")])
    return rows


# --- What a message says ---


def _block(t: Texts, delivery: Delivery, alert: Alert, now: datetime, *, brief: bool) -> Markup:
    """Return the text of one alert. ``brief``: it is one of several in a message."""
    known = delivery.known_of(alert)
    if known is None:
        return _of_account(t, delivery, alert, now)
    if not known.is_open:
        is_credit_note = known.standing is Standing.CREDIT_NOTE
        amount = -known.full_total if is_credit_note else known.full_total
        key = _end_key(alert, known, delivery)
        lines = [t(key, id=known.id, amount=t.money(amount)), *_title_lines(t, known, brief=brief)]
        if known.paid_at is not None:
            lines.append(t("details.paid", date=t.day(t.date_of(known.paid_at))))
        return join([*lines, *_status_lines(t, known), *price_lines(t, alert, known)])
    before = said_before(alert, known, delivery)
    asked = alert.kind is AlertKind.DUE and alert.threshold is None
    text = _open_invoice(t, as_shown(known, alert.kind), now, before=before, asked=asked, brief=brief)
    lines = [text, *_status_lines(t, known), *([t("due_unreadable")] if known.due_unreadable else [])]
    return join([*lines, *price_lines(t, alert, known)])


def _end_key(alert: Alert, known: KnownInvoice, delivery: Delivery) -> str:
    """Return the key of how an invoice has ended. Who paid it is said only where its own figures show it."""
    by_provider = known.paid_with_credit and known.id not in delivery.paid_by_bot
    if alert.kind is not AlertKind.SETTLED:
        return "alert.new_paid_with_credit" if by_provider else "alert.new_paid"
    return "alert.settled_with_credit" if by_provider else f"alert.settled.{known.standing}"


def _of_account(t: Texts, delivery: Delivery, alert: Alert, now: datetime) -> Markup:
    if alert.kind is AlertKind.DIGEST:
        return _digest(t, delivery, now)
    if alert.kind is AlertKind.UNREADABLE:
        return _unreadable(t, delivery)
    if alert.kind is AlertKind.NOT_SERVED:
        return t("alert.not_served" if delivery.chat.id > 0 else "alert.owner_not_served")
    watch = delivery.chat.link.watch if delivery.chat.link else Watch(alert.created_at)
    if alert.kind is AlertKind.OUTAGE and watch.whole_at is not None:
        return join([t("alert.partial", moment=t.moment(watch.whole_at)), *provider_says(t, watch)])
    text = t(f"alert.{alert.kind}", moment=t.moment(watch.checked_at))
    return join([text, *provider_says(t, watch)]) if alert.kind in TROUBLE_KINDS | {AlertKind.OUTAGE} else text


def provider_says(t: Texts, watch: Watch) -> list[Markup]:
    """Return the provider's own words, if it refused with any, and the account can't be read since."""
    return [t("error.reason", reason=watch.said)] if watch.said else []


def _unreadable(t: Texts, delivery: Delivery) -> Markup:
    """Return how many invoices can't be read at all, and which have a due date that can't be read."""
    link = delivery.chat.link
    ids = [str(number) for number in undated(delivery.known.values())]
    hidden = (link.watch.unreadable_told if link else 1) - len(ids)
    broken = link.watch.unreadable_ids if link else ()
    lines = [named(t, t.count("alert.unreadable", hidden), broken, hidden)] if hidden > 0 or not ids else []
    if ids:
        lines.append(t.count("alert.undated", len(ids), ids=t.listing(ids[:UNDATED_NAMED])))
    return join(lines)


def _digest(t: Texts, delivery: Delivery, now: datetime) -> Markup:
    """Return what is open, the soonest due first."""
    still_open = _all_owed(delivery)
    lines = [t("alert.digest"), t.count("alert.total", len(still_open), sum=_sum_of(t, still_open))]
    for s in still_open[:INVOICES_IN_DIGEST]:
        when = t("list.due", date=t.day(s.due), day=t.due_day(s.due, now)) if s.due else t(_no_due(delivery, s))
        sign = "🔴" if s.due and t.is_over(s.due, now) else "🟡"
        lines.append(t("list.line", icon=sign, id=s.invoice_id, amount=t.money(s.display_amount), when=when))
        lines += consequences(t, s.due, s.types, now)
    return join([*lines, t("alert.more")] if len(still_open) > INVOICES_IN_DIGEST else lines)


def _all_owed(delivery: Delivery) -> list[Shown]:
    """Return all that is to be paid, the soonest due first."""
    owed = [as_shown(k, AlertKind.DIGEST) for k in delivery.known.values() if k.may_be_owed]
    return sorted(owed, key=lambda s: (s.due or date.max, s.invoice_id))


def _no_due(delivery: Delivery, shown: Shown) -> str:
    known = delivery.known[shown.invoice_id]
    return "list.due_unreadable" if known.due_unreadable else "alert.no_due"


def _open_invoice(
    t: Texts, shown: Shown, now: datetime, *, before: Shown | None = None, asked: bool = False, brief: bool = False
) -> Markup:
    """Return what to tell of an open invoice: that it is new, changed, due or overdue.

    ``before`` is what the last message showed of it. ``asked``: a snooze has ended, and this is its reminder.
    """
    changes = _changes(t, shown, before, now) if shown.kind is AlertKind.CHANGED and before is not None else []
    changed = shown.kind is AlertKind.CHANGED and (before is None or bool(changes))
    key = "alert.changed" if changed else _headline_key(t, shown, now, asked=asked)
    lines = [_headline(t, key, shown, now), *_title_lines(t, shown, brief=brief), *changes]
    says_when = before is not None and bool(changes) and before.due != shown.due
    if shown.due is not None and not says_when:
        facts = {"date": t.day(shown.due), "day": t.due_day(shown.due, now)}
        lines.append(t("details.due" if key in REMINDER_KEYS else "details.due_in", **facts))
    if shown.left is None and not brief:
        lines.append(t("details.left_unclear"))
    if shown.left != 0:
        lines += consequences(t, shown.due, shown.types, now)
    return join(lines)


def _words(t: Texts, shown: Shown, sent_at: datetime, before: Shown | None, *, brief: bool) -> Markup:
    """Return what a message said of an invoice. An older version has not kept the words: say it once more."""
    if shown.words:
        return Markup(shown.words)  # noqa: S704  # they are our own
    return _open_invoice(t, shown, sent_at, before=before, brief=brief)


def _struck(t: Texts, words: Markup) -> list[Markup]:
    """Return what a message said of an invoice, struck through."""
    return [t("alert.struck", text=Markup(line)) for line in words.splitlines() if line]  # noqa: S704  # our own


def _ended_lines(t: Texts, known: KnownInvoice | None) -> list[Markup]:
    """Return how an invoice has ended. One that is open again has not: newer messages speak of it."""
    if known is None:
        return [t("alert.ended.closed")]
    return [] if known.is_open else [t(f"alert.ended.{known.standing}"), *_status_lines(t, known)]


def _title_lines(t: Texts, shown: Shown | KnownInvoice, *, brief: bool) -> list[Markup]:
    """Return what the invoice is for, if it says so."""
    text = one_line(t.titled(shown.title, shown.service), BRIEF_ALERT_TITLE_LENGTH if brief else ALERT_TITLE_LENGTH)
    return [t("alert.title", title=Private(text))] if text else []


def _status_lines(t: Texts, known: KnownInvoice) -> list[Markup]:
    """Return the provider's word for how the invoice stands, where nothing else says that."""
    word = one_line(known.status_label, STATUS_LENGTH)
    return [t("status.label", status=word)] if word and known.standing is not Standing.GONE else []


def _headline_key(t: Texts, shown: Shown, now: datetime, *, asked: bool) -> str:
    """Return the key of the first line. A reminder says how things stand when it is sent."""
    if shown.kind in {*NEWS_KINDS, AlertKind.CREDIT_THERE}:
        return f"alert.{shown.kind}"
    if shown.due is not None and t.is_over(shown.due, now):
        return "alert.overdue"
    return "alert.asked" if asked or shown.due is None else "alert.due"


def _headline(t: Texts, key: str, shown: Shown, now: datetime) -> Markup:
    day = t.due_day(shown.due, now) if shown.due is not None else ""
    return t(key, id=shown.invoice_id, amount=t.money(shown.display_amount), day=day)


def _changes(t: Texts, shown: Shown, before: Shown, now: datetime) -> list[Markup]:
    """Return what differs from the last message."""
    lines = []
    if sums_differ(before.gross, shown.gross):
        was, is_now = before.display_amount, shown.display_amount
        if was == is_now and before.gross is not None and shown.gross is not None:  # credit has changed by as much
            was, is_now = before.gross, shown.gross
        lines.append(t("alert.other_sum", before=t.money(was), amount=t.money(is_now)))
    if shown.due is not None and shown.due != before.due:
        facts = {"date": t.day(shown.due), "day": t.due_day(shown.due, now)}
        key = "alert.first_due" if before.due is None else "alert.other_due"
        lines.append(t(key, **facts, before=t.day(before.due) if before.due else ""))
    return lines


def _sum_of(t: Texts, shown: Collection[Shown]) -> str:
    return t.money(sum((s.display_amount for s in shown), start=Decimal(0)))


def _notes(t: Texts, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> list[Markup]:
    """Return what to know of the message itself: how old its knowledge is and why, and that it may come again."""
    lines = []
    if (read_at := _old_since(delivery, alerts, now)) is not None:
        lines.append(t("alert.as_of", moment=t.moment(read_at)))
        if why := _why_blind(delivery, alerts):
            lines.append(t(f"alert.blind.{why}"))
    if delivery.again:
        lines.append(t("alert.again"))
    return lines


def _old_since(delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> datetime | None:
    """Return when the open invoices of these alerts were last read, if that is worth saying."""
    of_open = [a for a in alerts if a.kind is AlertKind.DIGEST or ((k := delivery.known_of(a)) and k.is_open)]
    if delivery.chat.link is None or not of_open:
        return None
    known = [k for a in of_open if (k := delivery.known_of(a))]
    unread = [k.unread_since for k in known if k.unread_since is not None]
    read_at = min([delivery.chat.link.watch.checked_at, *unread])
    is_old = now - read_at > FRESH_FOR or any(read_at < alert.created_at for alert in of_open)
    return read_at if is_old else None


def _why_blind(delivery: Delivery, alerts: Sequence[Alert]) -> str | None:
    """Return why the account can't be read. None: one of these alerts says so itself, or there is nothing to say."""
    link = delivery.chat.link
    if link is None or any(alert.kind in TROUBLE_KINDS | {AlertKind.OUTAGE} for alert in alerts):
        return None
    if link.watch.trouble is not None:
        return link.watch.trouble.value
    return "outage" if link.watch.failing_since or link.watch.whole_at else None


def _apart(blocks: Sequence[Markup]) -> list[Markup]:
    """Return the blocks with an empty line below each."""
    return [line for block in blocks for line in (block, Markup(""))]

"""Alerts, as they are sent: one or several in a message, and a message once its invoices are settled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from markupsafe import Markup

from bot.chat.screens import Button, Screen, fit, join
from bot.chat.texts import Texts
from bot.chat.views.alert_lines import new_and_paid, news, settled, struck
from bot.chat.views.snoozing import ALL, Rows, common_silence, silence_rows
from bot.domain.alerts import Alert, AlertKind, KnownInvoice, SentMessage, Shown, Standing, show
from bot.domain.chats import NO_SILENCE, Silences
from bot.domain.deliveries import TROUBLE_KINDS, last_shown, said_before
from bot.domain.queries import ListPage, Query
from bot.ports import Delivery

FRESH_FOR = timedelta(hours=3)
"""How old knowledge may be without a word, where it was good when the alert was found."""

INVOICES_IN_DIGEST = 12
"""How many invoices a digest names."""


def alerts(t: Texts, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> Screen:
    """What these alerts have to tell as things stand at ``now``.

    Where it may come a second time, or from old knowledge, it says so.
    """
    brief = len(alerts) > 1
    shown = [show(k, a.kind) for a in alerts if (k := _known(delivery, a)) is not None and k.is_open]
    blocks = [_block(t, delivery, alert, now, brief=brief) for alert in alerts]
    notes = _notes(t, delivery, alerts, now)
    rows = _invoice_rows(t, shown, delivery.chat.silences, now) + _other_rows(t, delivery, alerts)
    if not brief:
        return Screen(join([*blocks, *notes]), rows)
    has_digest = any(alert.kind is AlertKind.DIGEST for alert in alerts)
    total = [t.count("alert.total_here", len(shown), sum=_sum_of(t, shown))] if shown[1:] and not has_digest else []
    head = [t.count("alert.several", len(alerts)), Markup("")]
    return Screen(fit(head, _apart(blocks), [*total, *notes], t("alert.more")), rows)


def overtaken(t: Texts, message: SentMessage, delivery: Delivery) -> Screen:
    """An earlier message, with what is settled by now struck through; the rest stays as it was, with its buttons."""
    earlier = [m for m in delivery.sent if m.sent_at < message.sent_at]
    blocks, still_open = [], []
    for shown in message.shown:
        known = delivery.known.get(shown.invoice_id)
        if known is not None and known.is_open and not shown.resolved:
            before = last_shown(earlier, shown.invoice_id)
            blocks.append(news(t, shown, message.sent_at, before=before, brief=len(message.shown) > 1))
            still_open.append(shown)
        else:
            standing = Standing.CLOSED if known is None or known.is_open else known.standing
            blocks.append(struck(t, shown, message.sent_at, standing))
    rows = _invoice_rows(t, still_open, delivery.chat.silences, message.sent_at)
    return Screen(fit([], _apart(blocks)[:-1], [], t("alert.more")), rows)


def _known(delivery: Delivery, alert: Alert) -> KnownInvoice | None:
    return None if alert.invoice_id is None else delivery.known.get(alert.invoice_id)


def _block(t: Texts, delivery: Delivery, alert: Alert, now: datetime, *, brief: bool) -> Markup:
    known = _known(delivery, alert)
    if known is None:
        return _of_account(t, delivery, alert, now)
    if alert.kind is AlertKind.SETTLED:
        return settled(t, known, brief=brief)
    if not known.is_open:
        return new_and_paid(t, known, brief=brief)
    before = said_before(alert, known, delivery)
    asked = alert.kind is AlertKind.DUE and alert.threshold is None
    return news(t, show(known, alert.kind), now, before=before, asked=asked, brief=brief)


def _of_account(t: Texts, delivery: Delivery, alert: Alert, now: datetime) -> Markup:
    if alert.kind is AlertKind.DIGEST:
        return _digest(t, delivery, now)
    link = delivery.chat.link
    if alert.kind is AlertKind.UNREADABLE:
        return t.count("alert.unreadable", link.watch.unreadable_told if link else 1)
    return t(f"alert.{alert.kind}", moment=t.moment(link.watch.checked_at if link else alert.created_at))


def _digest(t: Texts, delivery: Delivery, now: datetime) -> Markup:
    """What is open, the soonest due first."""
    still_open = [show(k, AlertKind.DIGEST) for k in delivery.known.values() if k.is_open and k.left != 0]
    still_open.sort(key=lambda s: (s.due or date.max, s.invoice_id))
    lines = [t("alert.digest"), t.count("alert.total", len(still_open), sum=_sum_of(t, still_open))]
    for s in still_open[:INVOICES_IN_DIGEST]:
        when = t("list.due", date=t.day(s.due), day=t.due_day(s.due, now)) if s.due else t("alert.no_due")
        sign = "🔴" if s.due and t.is_over(s.due, now) else "🟡"
        lines.append(t("list.line", icon=sign, id=s.invoice_id, amount=t.money(s.display_amount), when=when))
    return join([*lines, t("alert.more")] if len(still_open) > INVOICES_IN_DIGEST else lines)


def _sum_of(t: Texts, shown: Collection[Shown]) -> str:
    return t.money(sum((s.display_amount for s in shown), start=Decimal(0)))


def _notes(t: Texts, delivery: Delivery, alerts: Sequence[Alert], now: datetime) -> list[Markup]:
    """What to know of the message itself: how old its knowledge is, and that it may come a second time."""
    lines = []
    of_open = [a for a in alerts if a.kind is AlertKind.DIGEST or ((k := _known(delivery, a)) and k.is_open)]
    if delivery.chat.link is not None and of_open:
        known = [k for a in of_open if (k := _known(delivery, a))]
        unread = [k.unread_since for k in known if k.unread_since is not None]
        checked_at = min([delivery.chat.link.watch.checked_at, *unread])
        if now - checked_at > FRESH_FOR or any(checked_at < alert.created_at for alert in of_open):
            lines.append(t("alert.as_of", moment=t.moment(checked_at)))
    if delivery.again:
        lines.append(t("alert.again"))
    return lines


def _apart(blocks: Sequence[Markup]) -> list[Markup]:
    """The blocks with an empty line below each."""
    return [line for block in blocks for line in (block, Markup(""))]


def _invoice_rows(t: Texts, shown: Sequence[Shown], silences: Silences, now: datetime) -> Rows:
    """The buttons for the open invoices of a message: all that can be done with a single one, or a way to each."""
    if len(shown) == 1:
        return _rows_of_one(t, shown[0], silences, now)
    labels = [Button(f"{s.invoice_id} · {t.money(s.display_amount)}", f"show:{s.invoice_id}") for s in shown]
    rows = [labels[at : at + 2] for at in range(0, len(labels), 2)]
    common = common_silence(silences, [s.invoice_id for s in shown], now)
    return rows + silence_rows(t, ALL, common, now) if rows else []


def _rows_of_one(t: Texts, shown: Shown, silences: Silences, now: datetime) -> Rows:
    number = shown.invoice_id
    rows = [_look(t, number)]
    if shown.left and t.payments:
        rows.append([Button(t.plain("button.pay", amount=t.money(shown.left)), f"pay:{number}")])
    if shown.left != 0:
        rows += silence_rows(t, str(number), silences.get(number, NO_SILENCE), now)
    return rows


def _other_rows(t: Texts, delivery: Delivery, alerts: Sequence[Alert]) -> Rows:
    """The buttons for an invoice that is settled, if that is told alone, and for the account."""
    kinds = {alert.kind for alert in alerts}
    known = _known(delivery, alerts[0])
    rows: Rows = []
    if len(alerts) == 1 and known is not None and not known.is_open and known.standing is not Standing.GONE:
        rows.append(_look(t, known.id))
    if kinds & TROUBLE_KINDS:
        rows.append([Button(t.plain("button.check"), "check")])
    if kinds & {AlertKind.DIGEST, AlertKind.UNREADABLE}:
        rows.append([Button(t.plain("button.invoices"), f"list:{ListPage(Query())}")])
    return rows


def _look(t: Texts, number: int) -> list[Button]:
    return [Button(t.plain("button.details"), f"show:{number}"), Button(t.plain("button.pdf"), f"pdf:{number}")]

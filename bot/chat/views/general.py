"""Greetings, help, the account's state, and the choices around them."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from bot.chat.screens import Button, Screen, join
from bot.chat.texts import Texts
from bot.chat.views.invoices import Page, amount, summary
from bot.domain.chats import LANGUAGES, Chat, Link
from bot.domain.invoices import Listing, open_first
from bot.ports import Waiting
from bot.services.browsing import Query

COMMANDS = (
    "invoices", "invoice", "pdf", "pay", "removecredit", "archive", "status", "link", "unlink", "language", "help",
)  # fmt: skip
"""The command menu, in its order; what each does is the text ``command.NAME``."""


def welcome(t: Texts, *, private: bool) -> Screen:
    """What the bot is for, and how to begin: in a group, never with a token sent there."""
    return Screen(join([t("start.welcome"), Markup(""), t("link.how" if private else "error.group_chat")]))


def help_page(t: Texts, chat: Chat) -> Screen:
    """All commands with a line each."""
    lines = [t("help.line", command=name, text=t.plain(f"command.{name}")) for name in COMMANDS]
    foot = t("help.linked") if chat.link else t("help.not_linked")
    return Screen(join([t("help.title"), Markup(""), *lines, Markup(""), foot]))


def linked(t: Texts, listing: Listing, now: datetime) -> Screen:
    """The greeting of a chat that was just linked: what is open, what is overdue, and what is due next."""
    lines = [t("link.done"), *summary(t, listing, Query())]
    today = now.astimezone(t.zone).date()
    dated = [(i.due, i) for i in open_first(listing.invoices) if i.is_open and i.due and i.left_to_pay != 0]
    overdue, ahead = [d for d in dated if d[0] < today], [d for d in dated if d[0] >= today]
    for key, found in (("link.overdue", overdue), ("link.next_due", ahead)):
        for due, first in found[:1]:
            facts = {"id": first.id, "amount": t.money(amount(first)), "date": t.day(due)}
            lines.append(t(key, **facts, day=t.day_from(due, today)))
    lines += [Markup(""), t("link.from_now_on")]
    return Screen(join(lines), [[Button(t.plain("button.invoices"), f"list:{Page(Query())}")]])


def status(t: Texts, link: Link, waiting: Waiting, now: datetime) -> Screen:
    """Since when the chat is linked, when it was and will be checked, and what waits."""
    lines = [
        t("status.linked", moment=t.moment(link.linked_at)),
        t("status.checked", moment=t.moment(link.checked_at), ago=t.ago(now - link.checked_at)),
    ]
    if link.trouble is not None:
        lines.append(t(f"alert.{link.trouble}"))
    elif link.next_check_at > now:
        lines.append(t("status.next", when=t.ago(now - link.next_check_at)))
    else:
        lines.append(t("status.now"))
    if waiting.waiting:
        lines.append(t.count("status.waiting", waiting.waiting))
    if waiting.set_aside:
        lines.append(t.count("status.set_aside", waiting.set_aside))
    return Screen(join(lines))


def languages(t: Texts, chosen: str | None) -> Screen:
    """The languages to choose from; each is named in itself."""
    names = {"en": "English", "de": "Deutsch"}
    rows = [[Button(_marked(names[code], chosen=chosen == code), f"language:{code}")] for code in LANGUAGES]
    rows.append([Button(_marked(t.plain("language.auto"), chosen=chosen is None), "language:auto")])
    return Screen(t("language.ask"), rows)


def unlink_question(t: Texts) -> Screen:
    """Whether to forget everything, really."""
    yes = Button(t.plain("button.unlink"), "unlink:yes")
    return Screen(t("unlink.ask"), [[yes], [Button(t.plain("button.keep"), "unlink:no")]])


def _marked(label: str, *, chosen: bool) -> str:
    return f"• {label} •" if chosen else label

"""Greetings, help, the account's status, and the choices around them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from bot.chat.screens import DESTROYS, Button, Screen, fit, join, marked
from bot.chat.texts import Texts, own_name
from bot.chat.views.alerts import provider_says
from bot.chat.views.credit import credit_lines, shortfall_rows
from bot.chat.views.invoice_list import summary
from bot.domain.chats import LANGUAGES, TOKEN_WAIT, Chat, Link, Silence
from bot.domain.credit import Credit, Debt
from bot.domain.invoices import Listing, open_first
from bot.domain.queries import ListPage, Query
from bot.domain.token_offers import OfferedToken
from bot.domain.topping_up import TopUpSubject
from bot.ports import Waiting

COMMANDS = (
    "invoices", "find", "invoice", "pdf", "pay", "removecredit", "payments", "archive", "stats", "calendar", "check",
    "status", "settings", "timezone", "language", "link", "accounts", "unlink", "name", "payers", "export", "cancel",
    "help",
)  # fmt: skip
"""All commands of the menus, in their order. The text ``command.NAME`` says what each does."""

IN_GROUPS_ONLY = frozenset({"payers"})
IN_PRIVATE_ONLY = frozenset({"cancel"})
"""Nothing waits for an answer in a group: most of what is said there is not for the bot."""

FOR_MEMBERS = frozenset(
    {
        "invoices",
        "find",
        "invoice",
        "pdf",
        "pay",
        "payments",
        "archive",
        "calendar",
        "check",
        "status",
        "payers",
        "link",
        "help",
    }
)
"""What anybody in a group may ask for. Who may not pay can have it allowed: a button asks the owner."""

PAYING = frozenset({"pay", "removecredit"})
"""Left out if the operator has switched payments off."""

REFERENCE = "reference"
"""Offered, too, if the operator has said whom a bank transfer goes to."""

UNREADABLE = "unreadable"
"""In the place of the link's mark, where nothing is known of the link."""

SILENCED_WITH_BUTTON = 8
"""How many silenced invoices have a button in /status."""


def offered(t: Texts, *, private: bool, for_all: bool = False) -> list[str]:
    """Return the commands that can be used in a chat: in a group, by those who run it, or only what is ``for_all``."""
    names = [name for name in COMMANDS if t.payments or name not in PAYING]
    if t.top_up.payee is not None:
        names.insert(names.index("language"), REFERENCE)
    elsewhere = IN_GROUPS_ONLY if private else IN_PRIVATE_ONLY
    return [name for name in names if name not in elsewhere and (name in FOR_MEMBERS or not for_all)]


def welcome(t: Texts, *, private: bool) -> Screen:
    """Return what the bot is for, and how to begin. In a group, ask nobody to send a token."""
    what = t("start.welcome_paying" if t.payments else "start.welcome")
    return Screen(join([what, Markup(""), how_to_link(t) if private else t("error.group_not_linked")]))


def description(t: Texts) -> str:
    """Return what an empty chat shows: what the bot does, and how to begin. Telegram takes 512 characters."""
    pays = [t.plain("about.pay")] if t.payments else []
    return "\n".join(
        [t.plain("about.what"), "", t.plain("about.remind"), t.plain("about.pdf"), *pays, "", t.plain("about.begin")]
    )


def short_description(t: Texts) -> str:
    """Return what the bot's profile shows, and who forwards it. Telegram takes 120 characters."""
    return t.plain("about.short")


def how_to_link(t: Texts) -> Markup:
    """Return what to send to link a chat, and what happens to it."""
    return t("link.how", span=t.span(TOKEN_WAIT))


def help_page(t: Texts, chat: Chat, *, private: bool = True) -> Screen:
    """Return all commands with a line each, and whether the chat is linked."""
    names = offered(t, private=private)
    lines = [t.plain("help.line", command=name, text=t.plain(f"command.{name}")) for name in names]
    foot = t("help.linked") if chat.link else t("help.not_linked" if private else "error.group_not_linked")
    search = [t("help.search"), Markup("")] if chat.link and private else []
    return Screen(join([t("help.title"), Markup(""), *lines, Markup(""), *search, foot]), of_chat=True)


def linked(t: Texts, listing: Listing, now: datetime) -> Screen:
    """Greet a chat that was just linked: what is open, what is overdue, and what is due next."""
    lines = [t("link.done"), *summary(t, listing, Query())]
    dated = [(i.due, i) for i in open_first(listing.invoices) if i.due and i.may_be_owed]
    overdue, ahead = [d for d in dated if t.is_over(d[0], now)], [d for d in dated if not t.is_over(d[0], now)]
    for key, found in (("link.overdue", overdue), ("link.next_due", ahead)):
        for due, first in found[:1]:
            facts = {"id": first.id, "amount": t.money(first.display_amount), "date": t.day(due)}
            lines.append(t(key, **facts, day=t.due_day(due, now)))
    lines += [Markup(""), t("link.from_now_on")]
    return Screen(join(lines), [[Button(t.plain("button.invoices"), f"list:{ListPage()}")]])


def status(
    t: Texts,
    chat: Chat,
    link: Link,
    waiting: Waiting,
    now: datetime,
    credit: Credit | None = None,
    debts: Sequence[Debt] = (),
) -> Screen:
    """Return since when the chat is linked, when it was and will be checked, what waits, and what is silenced.

    ``debts`` are what is known to be open.
    """
    watch = link.watch
    lines = [
        t("status.linked", moment=t.moment(link.linked_at)),
        t("status.checked", moment=t.moment(watch.checked_at), ago=t.ago(now - watch.checked_at)),
    ]
    if watch.trouble is not None:
        lines.append(t(f"alert.{watch.trouble}"))
    elif link.check_wait.is_over(now):
        lines.append(t("status.now"))
    else:
        lines.append(t("status.next", when=t.ago(now - link.next_check_at)))
    if watch.failing_since is not None:
        lines.append(t("status.failing", moment=t.moment(watch.failing_since)))
    elif watch.whole_at is not None:
        lines.append(t("status.partial", moment=t.moment(watch.whole_at)))
    lines += provider_says(t, watch)
    if chat.unreadable_beside:
        lines.append(t.count("accounts.unreadable", chat.unreadable_beside))
    lines += credit_lines(t, credit, debts)
    if waiting.waiting:
        lines.append(t.count("status.waiting", waiting.waiting))
    if waiting.set_aside:
        lines.append(t.count("status.set_aside", waiting.set_aside))
    silenced = [(number, silence) for number, silence in sorted(chat.silences.items()) if silence.holds(now)]
    body = [_silenced(t, number, silence) for number, silence in silenced]
    is_blind = watch.trouble or watch.failing_since or watch.whole_at
    rows = [[Button(t.plain("button.check"), "check")]] if is_blind else []
    rows += [
        [Button(t.plain("button.details_of", id=number), f"show:{number}")]
        for number, _ in silenced[:SILENCED_WITH_BUTTON]
    ]
    rows += shortfall_rows(t, credit, debts, now, TopUpSubject()) if credit is not None else []
    return Screen(fit(lines, body, [], t("status.more_silenced")), rows)


def _silenced(t: Texts, number: int, silence: Silence) -> Markup:
    if silence.muted or silence.until is None:
        return t("status.muted", id=number)
    return t("status.snoozed", id=number, moment=t.moment(silence.until))


def checked(t: Texts, listing: Listing) -> Screen:
    """Return the result of a check that somebody asked for. News is sent as alerts."""
    lines = [t("check.done"), *summary(t, listing, Query())]
    return Screen(join(lines), [[Button(t.plain("button.invoices"), f"list:{ListPage()}")]])


def languages(t: Texts, chosen: str | None, *, unknown: str = "") -> Screen:
    """Return the languages to choose from, each by its own name. ``unknown`` is what somebody asked for instead."""
    rows = [[Button(marked(own_name(code), chosen=chosen == code), f"language:{code}")] for code in LANGUAGES]
    rows.append([Button(marked(t.plain("language.auto"), chosen=chosen is None), "language:auto")])
    return Screen(t("language.unknown", word=unknown) if unknown else t("language.ask"), rows, of_chat=True)


def mark_of(link: Link) -> str:
    """Return a mark for callback data that tells this link from other links of the same chat."""
    return str(int(link.linked_at.timestamp()))


def token_question(t: Texts, offer: OfferedToken, key: str, *, title: str = "", **answers: str) -> Screen:
    """Ask whether to use a token. ``key`` is the text's, ``answers`` are the keys of the buttons."""
    buttons = [Button(t.plain(label), f"token:{answer}:{offer.id}") for answer, label in answers.items()]
    return Screen(t(key, title=title), [[button] for button in buttons], of_chat=True)


def was_it_a_token(t: Texts, offer: OfferedToken) -> Screen:
    """Ask about what looked like a token, where nobody asked for one."""
    return token_question(t, offer, "token.ask", yes="button.token", no="button.no_token")


def replace_question(t: Texts, offer: OfferedToken, title: str = "", *, several: bool = False) -> Screen:
    """Ask whether to add an account to this chat, or to the group ``title``, or to replace the only one."""
    key = "token.replace_group" if title else "token.replace"
    answers = {"add": "button.add_account", "yes": "button.replace", "no": "button.keep"}
    if several:
        key = "token.add_to_group" if title else "token.add"
        del answers["yes"]
    return token_question(t, offer, key, title=title, **answers)


def unlink_question(t: Texts, link: Link) -> Screen:
    """Ask whether to forget everything."""
    yes = Button(t.plain("button.unlink"), f"unlink:yes:{mark_of(link)}", style=DESTROYS)
    return Screen(t("unlink.ask"), [[yes], [Button(t.plain("button.keep"), "unlink:no")]], of_chat=True)


def unlink_unreadable_question(t: Texts) -> Screen:
    """Ask whether to forget a chat of which nothing can be read."""
    yes = Button(t.plain("button.unlink"), f"unlink:yes:{UNREADABLE}", style=DESTROYS)
    return Screen(t("unlink.ask_unreadable"), [[yes], [Button(t.plain("button.keep"), "unlink:no")]])

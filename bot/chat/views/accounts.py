"""The accounts of a chat: which there are, what they are called, and which one is meant."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bot.chat.screens import DESTROYS, Button, Screen, join
from bot.chat.texts import Texts, account_label
from bot.chat.views.general import mark_of
from bot.domain.chats import Chat

NAME_LENGTH = 32


def accounts_page(t: Texts, chats: Sequence[Chat], *, private: bool) -> Screen:
    """Return a chat's accounts, each with buttons to rename or remove it."""
    lines, rows = [t("accounts.title")], []
    for chat in chats:
        if chat.link is None:
            continue
        facts = {"name": account_label(t, chat), "moment": t.moment(chat.link.linked_at)}
        lines.append(t("accounts.refused" if chat.link.watch.trouble else "accounts.line", **facts))
        rename = Button(t.plain("button.rename_account", name=account_label(t, chat)), "account:rename")
        rows.append([rename.of_account(chat.slot)])
        rows.append([_removal(t, chat)])
    if unreadable := chats[0].unreadable_beside:
        lines.append(t.count("accounts.unreadable", unreadable))
    return Screen(
        join([*lines, Markup(""), t("accounts.add" if private else "accounts.add_to_group")]), rows, of_chat=True
    )


def which_to_remove(t: Texts, chats: Sequence[Chat]) -> Screen:
    """Ask which of several accounts to remove, or whether all."""
    rows = [[_removal(t, chat)] for chat in chats]
    marks = [mark_of(chat.link) for chat in chats[:1] if chat.link is not None]
    everything = [Button(t.plain("button.unlink_all"), f"unlink:yes:{mark}", style=DESTROYS) for mark in marks]
    rows += [[button.of_account(chats[0].slot)] for button in everything]
    rows.append([Button(t.plain("button.keep"), "unlink:no")])
    return Screen(t("accounts.which_to_remove"), rows, of_chat=True)


def removal_question(t: Texts, chat: Chat) -> Screen:
    """Ask whether to forget an account."""
    mark = mark_of(chat.link) if chat.link is not None else ""
    yes = Button(t.plain("button.remove_account", name=account_label(t, chat)), f"account:gone:{mark}", style=DESTROYS)
    rows = [[yes.of_account(chat.slot)], [Button(t.plain("button.keep"), "unlink:no")]]
    return Screen(t("accounts.remove", name=account_label(t, chat)), rows, of_chat=True)


def name_question(t: Texts, chat: Chat) -> Screen:
    """Ask what to call an account."""
    return Screen(t("accounts.ask_name", name=account_label(t, chat)), of_chat=True)


def which_account(t: Texts, chats: Sequence[Chat], word: str, invoice_id: int) -> Screen:
    """Ask whose invoice with this number is meant. ``word`` is that of the button that does what was asked for."""
    buttons = [Button(account_label(t, chat), f"{word}:{invoice_id}").of_account(chat.slot) for chat in chats]
    return Screen(t("accounts.which", id=invoice_id), [[button] for button in buttons], of_chat=True)


def _removal(t: Texts, chat: Chat) -> Button:
    label = t.plain("button.remove_account", name=account_label(t, chat))
    return Button(label, "account:remove", style=DESTROYS).of_account(chat.slot)

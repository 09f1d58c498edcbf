"""Linking a group, and who may pay there."""

from __future__ import annotations

from markupsafe import Markup

from bot.chat.screens import Button, Screen, join
from bot.chat.texts import Texts
from bot.chat.views.general import mark_of
from bot.domain.chats import Chat, Link, Member
from bot.domain.invitations import INVITATION_LIFETIME, Invitation

SHORT_ID = 16
"""How much of an invitation's id is put into callback data: enough to tell it from others."""


def greeting(t: Texts) -> Screen:
    """Say in a group that the bot has joined what it is for, and offer to link the group."""
    text = join([t("group.greeting"), Markup(""), t("error.group_not_linked")])
    return Screen(text, [[Button(t.plain("button.link_this_group"), "invite")]])


def invitation(t: Texts, url: str, name: str) -> Screen:
    """Show in the group a button that leads the person who asked into the private chat."""
    button = Button(t.plain("button.link_group"), url=url)
    return Screen(t("group.invite", name=name, span=t.span(INVITATION_LIFETIME)), [[button]])


def joining(t: Texts, chat: Chat, asked: Invitation) -> Screen:
    """Ask in the private chat for the group's token, or offer to use the private chat's own account."""
    text = t("group.how", title=asked.title, span=t.span(INVITATION_LIFETIME))
    if chat.link is None:
        return Screen(text)
    own = Button(t.plain("button.own_account"), f"own:{asked.id[:SHORT_ID]}")
    return Screen(join([text, Markup(""), t("group.or_own")]), [[own]])


def joined(t: Texts, asked: Invitation) -> Screen:
    """Say in the private chat that the group is linked."""
    return Screen(t("group.done", title=asked.title))


def payers(t: Texts, link: Link, *, owned: bool) -> Screen:
    """Show who may pay. The owner (``owned``) also sees buttons to take that back."""
    lines = _while_off(t)
    lines.append(t("payers.owner", name=link.owner))
    lines += [t("payers.payer", name=payer.name) for payer in link.payers]
    lines += [Markup(""), t("payers.others"), t("payers.how")]
    rows = [[_remove(t, link, payer)] for payer in link.payers] if owned else []
    return Screen(join(lines), rows)


def payer_added(t: Texts, name: str) -> Screen:
    """Say that somebody may pay now."""
    return Screen(join([t("payers.added", name=name), *_while_off(t)]))


def pay_request(t: Texts, link: Link, user: Member) -> Screen:
    """Refuse somebody who may not pay. A button lets the owner allow it."""
    text = t("error.not_a_payer", owner=link.owner)
    button = Button(t.plain("button.let_pay", name=user.name), f"payers:add:{user.id}:{mark_of(link)}")
    return Screen(text, [[button]])


def _while_off(t: Texts) -> list[Markup]:
    """Return a line that says so if the operator has switched payments off."""
    return [] if t.payments else [t("payers.off")]


def _remove(t: Texts, link: Link, payer: Member) -> Button:
    return Button(t.plain("button.remove_payer", name=payer.name), f"payers:remove:{payer.id}:{mark_of(link)}")

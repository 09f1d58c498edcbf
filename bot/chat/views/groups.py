"""Linking a group, and who may pay there."""

from __future__ import annotations

from markupsafe import Markup

from bot.chat.screens import Button, Screen, join
from bot.chat.texts import Texts
from bot.chat.views.general import mark_of
from bot.domain.chats import Chat, Link, Member
from bot.domain.invitations import INVITATION_LIFETIME, Invitation

SHORT_ID = 16
"""As much of an invitation's id as tells it from others in callback data."""


def invitation(t: Texts, url: str, name: str) -> Screen:
    """In the group: the way into the private chat, for the person who asked."""
    button = Button(t.plain("button.link_group"), url=url)
    return Screen(t("group.invite", name=name, span=t.span(INVITATION_LIFETIME)), [[button]])


def joining(t: Texts, chat: Chat, asked: Invitation) -> Screen:
    """In the private chat: what to send for the group, or that its own account will do."""
    text = t("group.how", title=asked.title, span=t.span(INVITATION_LIFETIME))
    if chat.link is None:
        return Screen(text)
    own = Button(t.plain("button.own_account"), f"own:{asked.id[:SHORT_ID]}")
    return Screen(join([text, Markup(""), t("group.or_own")]), [[own]])


def joined(t: Texts, asked: Invitation) -> Screen:
    """In the private chat: done."""
    return Screen(t("group.done", title=asked.title))


def payers(t: Texts, link: Link, *, owned: bool) -> Screen:
    """Who may pay; ``owned``: shown to the owner, with a way to take it back."""
    lines = _while_off(t)
    lines.append(t("payers.owner", name=link.owner))
    lines += [t("payers.payer", name=payer.name) for payer in link.payers]
    lines += [Markup(""), t("payers.others"), t("payers.how")]
    rows = [[_remove(t, link, payer)] for payer in link.payers] if owned else []
    return Screen(join(lines), rows)


def payer_added(t: Texts, name: str) -> Screen:
    """Somebody may pay now."""
    return Screen(join([t("payers.added", name=name), *_while_off(t)]))


def pay_request(t: Texts, link: Link, user: Member) -> Screen:
    """Somebody who may not pay wanted to: the owner can let them."""
    text = t("error.not_a_payer", owner=link.owner)
    button = Button(t.plain("button.let_pay", name=user.name), f"payers:add:{user.id}:{mark_of(link)}")
    return Screen(text, [[button]])


def _while_off(t: Texts) -> list[Markup]:
    """What those who may pay are there for where the operator has switched payments off."""
    return [] if t.payments else [t("payers.off")]


def _remove(t: Texts, link: Link, payer: Member) -> Button:
    return Button(t.plain("button.remove_payer", name=payer.name), f"payers:remove:{payer.id}:{mark_of(link)}")

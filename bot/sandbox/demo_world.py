"""The demo's people, their group and their account with the provider: a small company of three."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.sandbox.provider.app import BASE_PATH, TOP_UP_PATH
from bot.sandbox.provider.ledger import TRANSFER_DAYS, Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person

TOKEN = "demo-token-0123456789"
PAYEE = "DE89 3704 0044 0532 0130 00; Lighthouse Hosting GmbH"
"""A well-known example of an IBAN."""


@dataclass(frozen=True, slots=True)
class DemoWorld:
    """A sandbox with people, a group and an account. The page's user acts as one of ``people``."""

    sandbox: Sandbox
    account: Account
    people: tuple[Person, ...]

    def person(self, user_id: int) -> Person:
        """Return a person. Raise :class:`LookupError` if there is none with this id."""
        for person in self.people:
            if person.id == user_id:
                return person
        raise LookupError(f"no person has the id {user_id}")

    def speaker(self, language: str) -> Person:
        """Return a person who speaks this language, or else the first person."""
        return next((person for person in self.people if person.user.language_code == language), self.people[0])

    def chat(self, chat_id: int) -> Chat:
        """Return a chat. Raise :class:`LookupError` if there is none with this id."""
        return self.sandbox.telegram.state.chats[chat_id]

    @property
    def chats(self) -> list[Chat]:
        """All chats, in the order of their creation."""
        return list(self.sandbox.telegram.state.chats.values())


def operator_settings(sandbox: Sandbox) -> dict[str, Any]:
    """Return what an operator would set for the sandbox's provider: its rules, and how credit is topped up."""
    rules, site = sandbox.provider.service_rules, sandbox.provider_url.removesuffix(BASE_PATH)
    return {
        "suspend_after": rules.suspend_after,
        "delete_after": rules.delete_after,
        "no_grace": rules.no_grace,
        "transfer_days": TRANSFER_DAYS,
        "top_up_url": f"{site}{TOP_UP_PATH}",
        "transfer_to": PAYEE,
        "provider_site": f"{site}/",
    }


def build_demo_world(sandbox: Sandbox) -> DemoWorld:
    """Add the people: Ada speaks English, Jonas German, and Mia administers a group of all three and the bot.

    Nobody has started the bot yet. All know the token of the company's account.
    """
    telegram = sandbox.telegram
    ada = telegram.add_user("Ada", last_name="Byron", username="ada", language_code="en")
    jonas = telegram.add_user("Jonas", last_name="Weber", username="jonas", language_code="de")
    mia = telegram.add_user("Mia", last_name="Lindqvist", username="mia", language_code="en")
    for person in (ada, jonas, mia):
        telegram.private_chat(person, started=False)
    group = mia.create_group("Lighthouse Studio", members=[ada, jonas])
    mia.set_bot_status(group, "member")
    account = sandbox.provider.add_account(TOKEN, Decimal(50), with_examples=True)
    account.shows_credit = True
    return DemoWorld(sandbox, account, (ada, jonas, mia))

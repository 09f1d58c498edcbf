"""The demo's people, their group and their account with the provider: a small company of three."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person

TOKEN = "demo-token-0123456789"


@dataclass(frozen=True, slots=True)
class DemoWorld:
    """A sandbox with somebody in it; ``people`` are those whom one can be."""

    sandbox: Sandbox
    account: Account
    people: tuple[Person, ...]

    def person(self, user_id: int) -> Person:
        """Raises :class:`LookupError`."""
        for person in self.people:
            if person.id == user_id:
                return person
        raise LookupError(f"nobody is {user_id}")

    def speaker(self, language: str) -> Person:
        """Somebody who speaks this language; the first of all where nobody does."""
        return next((person for person in self.people if person.user.language_code == language), self.people[0])

    def chat(self, chat_id: int) -> Chat:
        """Raises :class:`LookupError`."""
        return self.sandbox.telegram.state.chats[chat_id]

    @property
    def chats(self) -> list[Chat]:
        """All chats, in the order in which they came to be."""
        return list(self.sandbox.telegram.state.chats.values())


def build_demo_world(sandbox: Sandbox) -> DemoWorld:
    """Ada speaks English and Jonas German; Mia rules over the group of all three, in which the bot is a member.

    Nobody has started the bot yet, and all know the token of the company's account.
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
    return DemoWorld(sandbox, account, (ada, jonas, mia))

"""Answers that the bot waits for: a chat's next message is taken for one, for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.waits import LONGEST_TOKEN_WAIT, still_lasts


class Question(StrEnum):
    """What the bot asks for: a token, the reference of a bank transfer, the name of a service or of an account.

    Or the period of a pack.
    """

    TOKEN = "token"
    REFERENCE = "reference"
    NAME = "name"
    ACCOUNT = "account"
    PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Awaited:
    """An answer that is awaited ``until`` then. ``about`` says what it is for, in the words of who has asked."""

    question: Question
    until: datetime
    about: str = ""

    def holds(self, now: datetime) -> bool:
        """Return whether the next message is still taken for it."""
        return still_lasts(self.until, now, LONGEST_TOKEN_WAIT)

"""What lies on the desk for minutes, until somebody links or pays."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from bot.domain.invitations import Invitation
from bot.domain.selections import Selection


class DeskStore(Protocol):
    """What lies on the desk for minutes: invitations of groups into private chats, and selections of invoices.

    What has expired may be gone. Unlinking a chat clears what belongs to it.
    """

    async def put_invitation(self, invitation: Invitation, now: datetime) -> None:
        """Keep it, in the place of an older one for the same group and person."""

    async def invitation(self, invitation_id: str) -> Invitation | None: ...

    async def take_invitation(self, invitation_id: str) -> bool:
        """Use it up: True exactly once."""

    async def put_selection(self, selection: Selection, now: datetime) -> None:
        """Keep it; one with the same id is replaced."""

    async def selection(self, selection_id: str) -> Selection | None: ...

    async def take_selection(self, selection_id: str) -> bool:
        """Use it up: True exactly once."""

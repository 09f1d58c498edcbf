"""Chats as they were read for their claims. Mostly nothing of them changes before those end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.store.backend import Hold, StoredChat


@dataclass(frozen=True, slots=True)
class ClaimedChat:
    """A chat that is held under a claim, and the version of its row: the number of the transaction that wrote it."""

    chat: StoredChat
    hold: Hold
    version: str


class ClaimedChats:
    """Keeps chats by the fencing tokens of their claims, so that who ends a claim need not read its chat again.

    That one has locked the row: while the version is the same, so is all that stands there.
    """

    def __init__(self) -> None:
        self._chats: dict[int, ClaimedChat] = {}

    def keep(self, chats: Collection[ClaimedChat]) -> None:
        """Keep chats until their claims end. Those whose leases ended before make way."""
        for claimed in chats:
            while (oldest := next(iter(self._chats.values()), None)) and _is_over(oldest.hold, claimed.hold):
                del self._chats[oldest.hold.fencing_token]
            self._chats[claimed.hold.fencing_token] = claimed

    def take(self, versions: Mapping[int, str]) -> dict[int, StoredChat]:
        """Return those chats that were kept in these versions of their rows. None of them is kept any longer."""
        kept = {token: self._chats.pop(token, None) for token in versions}
        return {token: each.chat for token, each in kept.items() if each and each.version == versions[token]}


def _is_over(lease: Hold, later: Hold) -> bool:
    """Return whether a lease had ended when a later one was taken."""
    return later.set_at is not None and lease.until <= later.set_at

"""What the parts of the store stand on."""

from __future__ import annotations

from bot.store.postgres.connections import Connections
from bot.store.vault import Vault


class Part:
    """A part of the store's port. Each method is one transaction."""

    def __init__(self, connections: Connections, vault: Vault, secret: str) -> None:
        self._db = connections
        self._vault = vault
        self._secret = secret

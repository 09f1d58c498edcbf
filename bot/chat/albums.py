"""Albums: Telegram sends each picture as a message of its own, and the bot answers them as one."""

from __future__ import annotations

from telegram import Message
from telegram.ext.filters import MessageFilter

ALBUMS_KEPT = 1000
"""How many albums are remembered, so that each is answered once."""


class NotAnsweredBefore(MessageFilter):
    """Lets through what belongs to no album, and of an album the first picture that comes.

    A caption of a single word may be a token: that is looked at in any case. Each process remembers for itself. If
    several take updates by webhook, each may answer once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._albums: dict[tuple[int, str], None] = {}

    def filter(self, message: Message) -> bool:
        """Return whether to answer this message."""
        if message.media_group_id is None:
            return True
        album = (message.chat.id, message.media_group_id)
        is_new = album not in self._albums
        self._albums[album] = None
        if len(self._albums) > ALBUMS_KEPT:
            del self._albums[next(iter(self._albums))]
        return is_new or len((message.caption or "").split()) == 1

"""What an operator sees and does, in the store's thread. The promises are those of :class:`bot.ports.OperatorStore`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from bot.ports import Overview, WaitingAlert
from bot.store.database import Database
from bot.store.rules.operators import alerts_in, count_of, overview_of
from bot.store.rules.records import ChatRecord
from bot.store.tinydb.files import CHATS


class UpkeepRecords:
    """Each method is one transaction a chat."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def overviews(self) -> Sequence[Overview]:
        return [overview_of(record) for record in self._records()]

    def overview(self, chat_id: int) -> Overview | None:
        record = self._db.chat(chat_id)
        return None if record is None else overview_of(record)

    def alerts(self) -> Sequence[WaitingAlert]:
        return [alert for record in self._records() for alert in alerts_in(record)]

    def change(
        self, alert_ids: Collection[str], change_them: Callable[[ChatRecord, Collection[str]], ChatRecord | None]
    ) -> int:
        """Change the chats that have these alerts. Gives how many of them that were."""
        count = 0
        for record in self._records():
            new = change_them(record, alert_ids)
            if new is not None:
                count += count_of(record, alert_ids)
                with self._db.change() as change:
                    change.save_chat(new)
        return count

    def _records(self) -> Iterator[ChatRecord]:
        for chat_id in sorted(int(Path(name).stem) for name in self._db.folder.names(CHATS)):
            record = self._db.chat(chat_id)
            if record is not None:
                yield record

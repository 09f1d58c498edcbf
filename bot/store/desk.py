"""What is kept for minutes only, in one small file. The promises are those of :class:`bot.ports.DeskStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from bot.domain.invitations import Invitation
from bot.domain.selections import Selection
from bot.store.database import Change, Database
from bot.store.tinydb.files import DamagedFile
from bot.store.tinydb.storage import Transaction

Paper = TypeVar("Paper", Invitation, Selection)

DESK_FILE = "desk.json"


class Desk:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put_invitation(self, invitation: Invitation, now: datetime) -> None:
        others = [
            other
            for other in self._read(Invitation)
            if (other.place.chat_id, other.user_id) != (invitation.place.chat_id, invitation.user_id)
        ]
        self._save(Invitation, [*others, invitation], now)

    def invitation(self, invitation_id: str) -> Invitation | None:
        return next((one for one in self._read(Invitation) if one.id == invitation_id), None)

    def take_invitation(self, invitation_id: str) -> bool:
        return self._take(Invitation, invitation_id)

    def use_up(self, change: Change, invitation_id: str) -> None:
        """Take an invitation within a transaction."""
        others = [one for one in self._read(Invitation) if one.id != invitation_id]
        change.save_rows(DESK_FILE, {_table(Invitation): others})

    def put_selection(self, selection: Selection, now: datetime) -> None:
        others = [other for other in self._read(Selection) if other.id != selection.id]
        self._save(Selection, [*others, selection], now)

    def selection(self, selection_id: str) -> Selection | None:
        return next((one for one in self._read(Selection) if one.id == selection_id), None)

    def take_selection(self, selection_id: str) -> bool:
        return self._take(Selection, selection_id)

    def sweep(self, now: datetime) -> None:
        """Throw away what has expired."""
        if invitations := self._read(Invitation):
            self._save(Invitation, invitations, now)
        if selections := self._read(Selection):
            self._save(Selection, selections, now)

    def clear(self, change: Change, chat_id: int) -> None:
        """Throw away what belongs to a chat, within a transaction."""
        invitations, selections = self._read(Invitation), self._read(Selection)
        if invitations or selections:
            others = [one for one in invitations if chat_id not in {one.place.chat_id, one.user_id}]
            elsewhere = [one for one in selections if one.place.chat_id != chat_id]
            change.save_rows(DESK_FILE, {_table(Invitation): others, _table(Selection): elsewhere})

    def _take(self, kind: type[Paper], paper_id: str) -> bool:
        papers = self._read(kind)
        left = [paper for paper in papers if paper.id != paper_id]
        with self._db.change() as change:
            change.save_rows(DESK_FILE, {_table(kind): left})
        return len(left) < len(papers)

    def _read(self, kind: type[Paper]) -> list[Paper]:
        table = Transaction(self._db.folder).open(DESK_FILE).table(_table(kind))
        try:
            return [msgspec.convert(document, kind) for document in table.all()]
        except msgspec.ValidationError as error:
            raise DamagedFile(self._db.folder.root / DESK_FILE, str(error)) from error

    def _save(self, kind: type[Paper], papers: Sequence[Paper], now: datetime) -> None:
        with self._db.change() as change:
            change.save_rows(DESK_FILE, {_table(kind): [paper for paper in papers if paper.expires_at > now]})


def _table(kind: type[Paper]) -> str:
    return f"{kind.__name__.lower()}s"

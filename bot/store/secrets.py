"""``store.json``: the sealed secret behind the account fingerprints. That it opens shows that the keys are right."""

from __future__ import annotations

import secrets

from tinydb.table import Document

from bot.errors import StartError
from bot.store.rules.records import ONLY
from bot.store.tinydb.files import ACCOUNTS, CHATS, DamagedFile, DataFolder
from bot.store.tinydb.keyfile import STORE_FILE
from bot.store.tinydb.storage import Transaction
from bot.store.vault import SealBroken, Vault, key_id_of

SCHEMA = 1
TABLE = "store"
SEALED_FOR = ("fingerprint", "store")
PUT_IT_BACK = (
    "Put that key back into TOKEN_KEYS, behind the new one: the first key seals, all of them open. "
    "(With TOKEN_KEYS unset, the keys are those of the file token.key in the data folder.)"
)


class SecretFile:
    """Reads and writes the file of one data folder."""

    def __init__(self, folder: DataFolder, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault

    def make(self) -> str:
        """Store a new secret and give it."""
        secret = secrets.token_urlsafe(32)
        self.put(self._vault.seal(*SEALED_FOR, secret))
        return secret

    def open(self) -> str | None:
        """The secret; None before the first start. Raises :class:`StartError` where there is one that can't be had."""
        sealed = self.sealed()
        if sealed is None:
            return None
        try:
            return self._vault.open(*SEALED_FOR, sealed)
        except SealBroken as error:
            raise self._wrong_keys(sealed) from error

    def seal_anew(self) -> bool:
        """Seal the secret with the first key; False where that is how it is sealed."""
        sealed = self.sealed()
        if sealed is None or self._vault.sealed_by_first(sealed):
            return False
        self._save({"fingerprint_secret": self._vault.seal(*SEALED_FOR, self._vault.open(*SEALED_FOR, sealed))})
        return True

    def _save(self, fields: dict[str, object]) -> None:
        transaction = Transaction(self._folder)
        transaction.open(STORE_FILE).table(TABLE).upsert(Document(fields, ONLY))
        transaction.commit()

    def put(self, sealed: str) -> None:
        """Store a secret that is sealed already."""
        self._save({"schema": SCHEMA, "fingerprint_secret": sealed})

    def sealed(self) -> str | None:
        """The secret as it is stored; None before the first start. Raises :class:`StartError`."""
        document = Transaction(self._folder).open(STORE_FILE).table(TABLE).get(doc_id=ONLY)
        if document is None:
            if self._folder.names(CHATS) or self._folder.names(ACCOUNTS):
                raise StartError(
                    f"The file {self._folder.root / STORE_FILE} is gone or empty, but there are chats beside it. "
                    "Without it the accounts can't be told apart: put back a copy of it. Nothing was changed."
                )
            return None
        schema, sealed = document.get("schema"), document.get("fingerprint_secret")
        if not isinstance(schema, int) or not isinstance(sealed, str):
            raise DamagedFile(self._folder.root / STORE_FILE, "a field is missing")
        if schema > SCHEMA:
            raise StartError(
                f"The data folder {self._folder.root} was written by a newer version of the bot: install that one."
            )
        return sealed

    def _wrong_keys(self, sealed: str) -> StartError:
        if self._vault.knows(sealed):
            return DamagedFile(self._folder.root / STORE_FILE, "its sealed part was changed")
        return StartError(
            f"The data in {self._folder.root} were sealed with the key {key_id_of(sealed)}, which is not among the "
            f"keys given ({', '.join(self._vault.key_ids)}). {PUT_IT_BACK}"
        )

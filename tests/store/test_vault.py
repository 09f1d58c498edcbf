"""Sealed tokens: bound to their chat, several keys, and keys that are wrong."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import assume, given, strategies as st

from bot.domain.chats import Token
from bot.errors import StartError
from bot.store.tinydb.keyfile import load_or_make_key
from bot.store.vault import SealBroken, Vault, account_fingerprint, key_id_of, new_key

KEY, OTHER_KEY = new_key(), new_key()
SEALED = Vault([KEY]).seal_token(1, Token("secret-token"))


@given(st.text(), st.integers())
def test_what_was_sealed_for_a_chat_opens_for_that_chat(secret: str, chat_id: int) -> None:
    vault = Vault([KEY])
    assert vault.open_token(chat_id, vault.seal_token(chat_id, Token(secret))).reveal() == secret


def test_a_sealed_token_opens_for_no_other_chat_and_no_other_purpose() -> None:
    vault = Vault([KEY])
    sealed = vault.seal_token(1, Token("secret-token"))
    with pytest.raises(SealBroken):
        vault.open_token(2, sealed)
    with pytest.raises(SealBroken):
        vault.open("fingerprint", "1", sealed)


def test_sealing_twice_gives_two_texts() -> None:
    vault = Vault([KEY])
    assert vault.seal_token(1, Token("secret")) != vault.seal_token(1, Token("secret"))


@given(st.data())
def test_a_changed_seal_does_not_open(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(SEALED) - 1))
    letter = data.draw(st.sampled_from("aZ09.-_~é"))
    assume(letter != SEALED[place])
    with pytest.raises(SealBroken):
        Vault([KEY]).open_token(1, SEALED[:place] + letter + SEALED[place + 1 :])


@pytest.mark.parametrize("sealed", ["", ".", "1..", "1.x.y", "2.00000000.AAAA", "a.b.c.d", "secret-token"])
def test_what_is_no_seal_does_not_open(sealed: str) -> None:
    with pytest.raises(SealBroken):
        Vault([KEY]).open_token(1, sealed)


def test_a_cut_off_seal_does_not_open() -> None:
    vault = Vault([KEY])
    sealed = vault.seal_token(1, Token("secret-token"))
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            vault.open_token(1, sealed[:length])


def test_the_first_key_seals_and_all_keys_open() -> None:
    old, rotated = Vault([KEY]), Vault([OTHER_KEY, KEY])
    sealed_before, sealed_after = old.seal_token(1, Token("a")), rotated.seal_token(1, Token("b"))
    assert rotated.open_token(1, sealed_before).reveal() == "a"
    assert Vault([OTHER_KEY]).open_token(1, sealed_after).reveal() == "b"
    assert key_id_of(sealed_after) == Vault([OTHER_KEY]).key_ids[0]
    assert key_id_of(sealed_after) not in old.key_ids
    with pytest.raises(SealBroken):
        old.open_token(1, sealed_after)


def test_the_key_id_is_no_part_of_the_key() -> None:
    (key_id,) = Vault([KEY]).key_ids
    assert key_id not in base64.urlsafe_b64decode(KEY).hex()


@pytest.mark.parametrize(
    "key",
    ["", " ", "x", KEY[:-4], KEY + "AAAA", "ä" * 44, KEY.replace(KEY[0], "!")],
    ids=["empty", "blank", "short", "cut off", "too long", "not ASCII", "not base64"],
)
def test_a_malformed_key_is_refused_with_a_way_to_make_one(key: str) -> None:
    with pytest.raises(StartError, match=r"Key number 2 of TOKEN_KEYS .* makes one") as refused:
        Vault([OTHER_KEY, key])
    assert OTHER_KEY not in str(refused.value)
    assert len(key) < 4 or key not in str(refused.value)


def test_no_key_at_all_is_refused() -> None:
    with pytest.raises(StartError, match="holds no key"):
        Vault([])


def test_a_fingerprint_gives_nothing_away_and_depends_on_the_secret() -> None:
    fingerprint = account_fingerprint("secret", "https://provider.example", Token("the-token"))
    assert len(fingerprint) == 64
    assert "the-token" not in fingerprint
    assert fingerprint != account_fingerprint("another", "https://provider.example", Token("the-token"))


def test_a_key_is_made_once_and_read_from_then_on(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    keys, made = load_or_make_key(folder)
    assert made
    Vault(keys)
    assert load_or_make_key(folder) == (keys, False)
    assert (folder / "token.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["token.key"]


def test_a_key_file_may_hold_several_keys(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    path.write_text(f"{OTHER_KEY}\n{KEY}\n")
    path.chmod(0o600)
    assert load_or_make_key(tmp_path) == ((OTHER_KEY, KEY), False)


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_or_make_key(tmp_path)
    (tmp_path / "token.key").chmod(0o640)
    with pytest.raises(StartError, match="chmod 600"):
        load_or_make_key(tmp_path)


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token.key").touch(mode=0o600)
    with pytest.raises(StartError, match="is empty"):
        load_or_make_key(tmp_path)


@pytest.mark.parametrize("left", ["store.json", "chats/1.json", "accounts/a.json"])
def test_no_new_key_is_made_while_there_are_sealed_data(tmp_path: Path, left: str) -> None:
    (tmp_path / left).parent.mkdir(exist_ok=True)
    (tmp_path / left).write_text("{}")
    with pytest.raises(StartError, match=r"token\.key is gone"):
        load_or_make_key(tmp_path)
    assert not (tmp_path / "token.key").exists()


def test_where_no_key_file_can_be_made_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("bot.store.tinydb.keyfile.os.link", refuse)
    with pytest.raises(StartError, match="Set TOKEN_KEYS instead"):
        load_or_make_key(tmp_path)
    assert not list(tmp_path.glob("*.key")) + list(tmp_path.glob(".*"))

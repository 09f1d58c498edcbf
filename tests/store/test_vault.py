"""Sealed tokens are bound to their chat. Several keys, and wrong keys."""

from __future__ import annotations

import base64

import pytest
from hypothesis import assume, given, strategies as st

from bot.domain.chats import Token
from bot.errors import StartError
from bot.store.vault import SealBroken, Vault, account_fingerprint, key_id_of, new_key

KEY, OTHER_KEY = new_key(), new_key()
SEALED = Vault([KEY]).seal_token(1, Token("secret-token"))


@given(st.text(), st.integers())
def test_a_token_sealed_for_a_chat_opens_for_that_chat(secret: str, chat_id: int) -> None:
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
def test_text_that_is_no_seal_does_not_open(sealed: str) -> None:
    with pytest.raises(SealBroken):
        Vault([KEY]).open_token(1, sealed)


def test_a_truncated_seal_does_not_open() -> None:
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


def test_a_key_may_be_in_either_alphabet_of_base64() -> None:
    raw = bytes(range(224, 256))
    sealed = Vault([base64.urlsafe_b64encode(raw).decode()]).seal_token(7, Token("secret"))
    assert Vault([base64.b64encode(raw).decode()]).open_token(7, sealed) == Token("secret")


def test_the_key_id_reveals_no_part_of_the_key() -> None:
    (key_id,) = Vault([KEY]).key_ids
    assert key_id not in base64.urlsafe_b64decode(KEY).hex()


@pytest.mark.parametrize(
    "key",
    ["", " ", "x", KEY[:-4], KEY + "AAAA", "ä" * 44, KEY.replace(KEY[0], "!")],
    ids=["empty", "blank", "short", "cut off", "too long", "not ASCII", "not base64"],
)
def test_a_malformed_key_is_refused_and_the_error_says_how_to_make_one(key: str) -> None:
    with pytest.raises(StartError, match=r"Key number 2 of TOKEN_KEYS .* makes one") as refused:
        Vault([OTHER_KEY, key])
    assert OTHER_KEY not in str(refused.value)
    assert len(key) < 4 or key not in str(refused.value)


def test_no_key_at_all_is_refused() -> None:
    with pytest.raises(StartError, match="holds no key"):
        Vault([])


def test_a_fingerprint_reveals_no_token_and_depends_on_the_secret() -> None:
    fingerprint = account_fingerprint("secret", "https://provider.example", Token("the-token"))
    assert len(fingerprint) == 64
    assert "the-token" not in fingerprint
    assert fingerprint != account_fingerprint("another", "https://provider.example", Token("the-token"))

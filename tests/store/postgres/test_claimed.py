"""Chats that are kept until their claims end."""

from __future__ import annotations

from datetime import datetime

from bot.store.backend import Hold, StoredChat
from bot.store.postgres.claimed import ClaimedChat, ClaimedChats
from bot.store.rules.records import ChatRecord
from tests.store.examples import LEASE, MINUTE, NOW


def claimed(token: int, version: str = "7", at: datetime = NOW) -> ClaimedChat:
    return ClaimedChat(StoredChat(ChatRecord(token)), Hold(token, at + LEASE, at), version)


def test_a_chat_is_taken_once_and_only_as_long_as_its_version_is_the_same() -> None:
    chats = ClaimedChats()
    one, two = claimed(1), claimed(2)
    chats.keep([one, two])
    assert chats.take({1: "7", 2: "8", 3: "7"}) == {1: one.chat}
    assert chats.take({1: "7", 2: "7"}) == {}


def test_a_newer_version_takes_the_place_of_the_older() -> None:
    chats = ClaimedChats()
    chats.keep([claimed(1)])
    newer = claimed(1, "8")
    chats.keep([newer])
    assert chats.take({1: "8"}) == {1: newer.chat}


def test_a_chat_whose_claim_does_not_end_makes_way_once_its_lease_is_over() -> None:
    chats = ClaimedChats()
    chats.keep([claimed(1), claimed(2, at=NOW + MINUTE)])
    chats.keep([claimed(3, at=NOW + LEASE)])
    assert set(chats.take(dict.fromkeys((1, 2, 3), "7"))) == {2, 3}

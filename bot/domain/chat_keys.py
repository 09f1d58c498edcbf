"""The keys under which a chat's accounts are stored: each account is a record of its own.

A chat's first account has the slot 0, and its key is Telegram's id of the chat. So what was stored before a chat could
hold several accounts is the first one.
"""

from __future__ import annotations

from typing import NewType

ChatKey = NewType("ChatKey", int)
"""Names an account of a chat. A type of its own, so that nobody passes a chat's id where one account is meant."""

ACCOUNTS_AT_MOST = 8
"""How many accounts a chat can hold."""

_STEP = 1 << 53
"""Telegram's ids have at most 52 significant bits, whatever their sign."""


def key_of(chat_id: int, slot: int = 0) -> ChatKey:
    """Return the key of one of a chat's accounts. It fits into 64 bits."""
    return ChatKey(chat_id + slot * _STEP)


def keys_of(chat_id: int) -> list[ChatKey]:
    """Return the keys of all accounts that a chat can have, the first account's first."""
    return [key_of(chat_id, slot) for slot in range(ACCOUNTS_AT_MOST)]


def slot_of(key: int) -> int:
    """Return which of its chat's accounts a key stands for."""
    return (key + _STEP // 2) // _STEP


def chat_id_of(key: int) -> int:
    """Return Telegram's id of the chat that a key belongs to."""
    return key - slot_of(key) * _STEP

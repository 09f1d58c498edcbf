"""The language of a chat, and tokens that stay hidden."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from bot.domain.chats import LANGUAGES, Chat, Token


@pytest.mark.parametrize(
    ("chosen", "telegrams", "reply_language"),
    [
        (None, None, "en"),
        (None, "de", "de"),
        (None, "de-AT", "de"),
        (None, "DE", "de"),
        (None, "fr", "en"),
        ("en", "de", "en"),
        ("de", "en-GB", "de"),
        ("fr", "de", "de"),
        ("", "", "en"),
    ],
)
def test_a_chat_is_spoken_to_in_the_language_chosen_else_telegrams_else_the_first(
    chosen: str | None, telegrams: str | None, reply_language: str
) -> None:
    assert Chat(1, language=chosen, telegram_language=telegrams).reply_language == reply_language


@given(st.none() | st.text(), st.none() | st.text())
def test_whatever_languages_are_reported_the_bot_speaks_one_of_its_own(chosen: str | None, other: str | None) -> None:
    assert Chat(1, language=chosen, telegram_language=other).reply_language in LANGUAGES


def test_a_token_shows_itself_nowhere_but_on_request() -> None:
    token = Token("very-secret-token")
    assert token.reveal() == "very-secret-token"
    assert not any("secret" in text for text in (repr(token), str(token), f"{token}", repr([token]), f"{token!r}"))

"""Words that differ by typing errors."""

from __future__ import annotations

import pytest

from bot.services.searching import similar

WORDS = ("hosting", "posting", "webspace", "februar", "shop")


@pytest.mark.parametrize("typed", ["hoting", "hosstink", "ohsting", "hosting", "hostinh"])
def test_letters_too_much_missing_wrong_and_swapped_are_errors(typed: str) -> None:
    assert similar(typed, WORDS, 2)[0] == "hosting"


def test_only_the_nearest_words_count_and_none_beyond_the_errors_allowed() -> None:
    assert similar("xosting", WORDS, 2) == ["hosting", "posting"]
    assert similar("hosting", WORDS, 2) == ["hosting"]
    assert similar("webshop", WORDS, 2) == []
    assert similar("hosting", [], 2) == []

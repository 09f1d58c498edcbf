"""Lengths as Telegram counts them, and cutting within them."""

from __future__ import annotations

from hypothesis import given, strategies as st
from markupsafe import Markup

from bot.chat.screens import ROOM_ABOVE, TEXT_LIMIT, Button, Screen, cut, fit, join, length, one_line
from bot.sandbox.telegram.formatting import units
from bot.sandbox.telegram.html import parse_html

ASTRAL = "\N{BEER MUG}"

TRICKY = "a&<>\"'; 🍺é"
anything = st.text(st.characters(exclude_categories=["Cs"])) | st.text(TRICKY + "\n")
long_lines = st.builds(lambda text, n: Markup.escape(text * n), st.text(TRICKY, max_size=5), st.integers(1, 999))
short_lines = st.lists(st.builds(Markup.escape, st.text(TRICKY, max_size=50)), max_size=9)


@given(anything)
def test_length_counts_what_telegram_counts(text: str) -> None:
    assert length(Markup.escape(text)) == units(text)
    assert length(Markup("<b>{}</b> <i>{}</i>").format(text, text)) == 2 * units(text) + 1


def test_a_character_beyond_the_basic_plane_counts_twice() -> None:
    assert (length(ASTRAL), length("é"), length("&amp;&#34;"), length("<b>x</b>")) == (2, 1, 2, 1)


def test_what_only_looks_like_an_entity_counts_as_it_stands() -> None:
    assert length(Markup.escape("&nbsp;")) == len("&nbsp;")


@given(anything, st.integers(1, 60))
def test_cutting_keeps_within_the_limit_and_whole_characters(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert units(short) <= limit
    if units(text) <= limit:
        assert short == text
    else:
        assert short.endswith("…")
        assert text.startswith(short.removesuffix("…"))


def test_a_character_of_two_units_is_kept_or_left_out_as_a_whole() -> None:
    assert cut(ASTRAL * 3, 6) == ASTRAL * 3
    assert cut(ASTRAL * 3, 5) == ASTRAL * 2 + "…"
    assert cut(ASTRAL * 3, 4) == ASTRAL + "…"


@given(anything, st.integers(1, 60))
def test_one_line_is_one_line(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line.splitlines()) <= 1
    assert units(line) <= limit


@given(short_lines, st.lists(long_lines, max_size=9), short_lines)
def test_what_is_fitted_fits_and_is_still_html(head: list[Markup], body: list[Markup], tail: list[Markup]) -> None:
    more = Markup("… the rest")
    text = fit(head, body, tail, more)
    parsed = parse_html(text).text
    assert units(parsed) <= TEXT_LIMIT
    assert text == join([*head, *body, *tail]) or more in text


@given(st.integers(0, 30), st.integers(1, 500))
def test_fitting_keeps_the_first_lines_whole_and_the_end(count: int, size: int) -> None:
    head, tail, more = [Markup("<b>head</b>")], [Markup("sum")], Markup("… the rest")
    body = [Markup("<i>{}</i>").format(f"{number:03}".ljust(size, "&")) for number in range(count)]
    text = fit(head, body, tail, more)
    assert units(parse_html(text).text) <= TEXT_LIMIT
    shown = text.split("\n")
    kept = shown[1 : shown.index(more)] if more in shown else shown[1:-1]
    assert (shown[0], shown[-1]) == (head[0], tail[0])
    assert kept == body[: len(kept)]
    # Nothing that would have fit was left out.
    if more in shown:
        assert length(join([*head, *kept, body[len(kept)], more, *tail])) > TEXT_LIMIT - ROOM_ABOVE - 10


def test_text_that_just_fills_a_message_is_not_cut() -> None:
    head, body, tail = Markup("head"), Markup("x" * (TEXT_LIMIT - ROOM_ABOVE - 20)), Markup("tail")
    assert fit([head], [body], [tail], Markup("more")) == f"head\n{body}\ntail"


def test_a_screen_without_buttons_has_no_keyboard() -> None:
    assert Screen(Markup("x")).keyboard is None
    assert Screen(Markup("x"), [[], []]).keyboard is None


def test_a_keyboard_leaves_empty_rows_out() -> None:
    keyboard = Screen(Markup("x"), [[Button("One", "one")], [], [Button("Two", "two:2")]]).keyboard
    assert keyboard is not None
    assert [[button.callback_data for button in row] for row in keyboard.inline_keyboard] == [["one"], ["two:2"]]


def test_the_limit_of_a_text_is_telegrams() -> None:
    # https://core.telegram.org/bots/api: sendMessage takes 1-4096 characters.
    assert TEXT_LIMIT == 4096

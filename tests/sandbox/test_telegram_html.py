"""The sandbox's parser of Telegram's HTML: its results and its refusals."""

from __future__ import annotations

import html

import pytest
from hypothesis import given, strategies as st
from telegram import Chat, Message, MessageEntity

from bot.sandbox.telegram import ApiError, Entity
from bot.sandbox.telegram.formatting import Formatted, slice_units, trimmed, units, with_found
from bot.sandbox.telegram.html import parse_html

TAGS = {"b": "bold", "i": "italic", "u": "underline", "s": "strikethrough", "tg-spoiler": "spoiler", "code": "code"}
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> tuple[str, str]:
    """Generate well-formed HTML and its visible text."""
    parts, shown = [], []
    for _ in range(draw(st.integers(0, 3))):
        text = draw(texts)
        parts.append(html.escape(text))
        shown.append(text)
        if depth:
            inner, inner_text = draw(documents(depth - 1))
            tag = draw(st.sampled_from(sorted(TAGS)))
            parts.append(f"<{tag}>{inner}</{tag}>")
            shown.append(inner_text)
    return "".join(parts), "".join(shown)


@given(documents())
def test_the_visible_text_has_no_tags(document: tuple[str, str]) -> None:
    source, shown = document
    parsed = parse_html(source)
    assert parsed.text == shown
    for entity in parsed.entities:
        assert 0 <= entity.offset < entity.end <= units(shown)


@given(before=texts, inside=texts.filter(bool), tag=st.sampled_from(sorted(TAGS)))
def test_an_entity_covers_the_text_within_its_tag(before: str, inside: str, tag: str) -> None:
    parsed = parse_html(f"{html.escape(before)}<{tag}>{html.escape(inside)}</{tag}>!")
    assert parsed.entities == (Entity(TAGS[tag], units(before), units(inside)),)
    assert slice_units(parsed.text, parsed.entities[0].offset, parsed.entities[0].end) == inside


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused_in_words(source: str) -> None:
    def outcome() -> str:
        try:
            return parse_html(source).text
        except ApiError as error:
            return error.description

    assert len(outcome()) <= len(source) or outcome().startswith("Bad Request: can't parse entities: ")


@given(st.text(st.sampled_from(" \n\tab😀"), max_size=20), st.integers(0, 10), st.integers(1, 10))
def test_trimming_keeps_entities_on_their_text(text: str, offset: int, length: int) -> None:
    length = min(length, units(text) - offset)
    if length <= 0:
        return
    before = slice_units(text, offset, offset + length)
    after = trimmed(Formatted(text, (Entity("bold", offset, length),)))
    assert after.text == text.strip()
    covered = [slice_units(after.text, e.offset, e.end) for e in after.entities]
    assert covered in ([], [before], [before.lstrip()], [before.rstrip()], [before.strip()])


def test_our_offsets_are_those_of_the_client_library() -> None:
    parsed = with_found(parse_html("💶💶 <b>fällig 📅</b> &#128512; <a href='https://example.org'>hier</a>"))
    message = Message(1, None, Chat(1, "private"), text=parsed.text)  # type: ignore[arg-type]
    read = [message.parse_entity(MessageEntity(e.type, e.offset, e.length)) for e in parsed.entities]
    assert read == ["fällig 📅", "hier"]


@pytest.mark.parametrize(
    ("source", "text", "kinds"),
    [
        (
            "<strong>a</strong><em>b</em><ins>c</ins><del>d</del>",
            "abcd",
            ["bold", "italic", "underline", "strikethrough"],
        ),
        ('<span class="tg-spoiler">x</span>', "x", ["spoiler"]),
        ("<b>out <i>in</i></b>", "out in", ["bold", "italic"]),
        ("<b><i>both</i></b>", "both", ["bold", "italic"]),
        ("<code>a <b>b</b></code>", "a b", ["code"]),
        ("<blockquote expandable>q</blockquote>", "q", ["expandable_blockquote"]),
        ("<blockquote>q</blockquote>", "q", ["blockquote"]),
        ("<a>no address</a>", "no address", []),
        ("<b></b>", "", []),
        ("<B>x</B>", "x", ["bold"]),
        ("&lt;&gt;&amp;&quot;&#65;&#x42;", '<>&"AB', []),
        ("&copy; &nbsp; & &#0; &#xD800;", "&copy; &nbsp; & &#0; &#xD800;", []),
    ],
)
def test_tags_and_references(source: str, text: str, kinds: list[str]) -> None:
    parsed = parse_html(source)
    assert parsed.text == text
    assert [entity.type for entity in parsed.entities] == kinds


def test_the_language_of_code_belongs_to_the_block() -> None:
    parsed = parse_html('<pre><code class="language-python">x = 1</code></pre>')
    assert parsed.entities == (Entity("pre", 0, 5, language="python"),)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a <kunde@example.org>", 'Unsupported start tag "kunde@example.org" at byte offset 2'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<a href='x>x</a>", "Unclosed start tag at byte offset 0"),
        ("<a href", 'Unclosed start tag "a" at byte offset 0'),
        ("<a href= ", 'Unclosed start tag "a" at byte offset 0'),
        ("<a href=x&y>x</a>", "Unexpected end of name token at byte offset 8"),
        ("<a =x>x</a>", 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<br/>", 'Unsupported start tag "br/" at byte offset 0'),
    ],
)
def test_what_the_server_refuses(source: str, words: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_html(source)
    assert caught.value.description == f"Bad Request: can't parse entities: {words}"


@pytest.mark.parametrize("source", ["<a href>x</a>", "<a href=>x</a>", "<a href=''>x</a>"])
def test_a_link_without_an_address_is_plain_text(source: str) -> None:
    assert parse_html(source) == Formatted("x")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/pay 4711", ["/pay"]),
        ("see /help, or /pay@sandbox_bot.", ["/help", "/pay@sandbox_bot"]),
        ("either/or and 1/2 and a//b", []),
        ("https://example.org/pay?x=1.", ["https://example.org/pay?x=1"]),
    ],
)
def test_commands_and_addresses_are_found(text: str, found: list[str]) -> None:
    entities = with_found(Formatted(text)).entities
    assert [slice_units(text, e.offset, e.end) for e in entities] == found


def test_nothing_is_found_inside_code() -> None:
    parsed = with_found(parse_html("<code>/pay</code> /help"))
    assert [(e.type, e.offset) for e in parsed.entities] == [("code", 0), ("bot_command", 5)]

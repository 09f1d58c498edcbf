"""The catalogues: nothing is missing or left over, all languages match, and Telegram accepts every text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from bot import errors
from bot.chat.handlers.settings import SWITCHES
from bot.chat.search_words import WORDS
from bot.chat.views.general import COMMANDS, REFERENCE
from bot.chat.views.invoice_choice import INVOICE_CHOICES
from bot.chat.views.settings import SECTIONS
from bot.chat.views.tables import COLUMNS, SHEETS
from bot.domain.alerts import ACCOUNT_SUBJECTS, EDITS, AlertKind
from bot.domain.answers import Question
from bot.domain.chats import LANGUAGES, Loudness, Trouble, Until
from bot.domain.due_calendar import DayKind
from bot.domain.einvoices import Check
from bot.domain.ledger import Mark
from bot.domain.packs.choices import Rhythm
from bot.domain.packs.names import NamePart
from bot.domain.payments import Action, Outcome
from bot.domain.presets import Preset
from bot.domain.provider_calendar import Service
from bot.domain.queries import ItemKind, StatusFilter
from bot.domain.search.conditions import StandingWord
from bot.domain.spending import BOUGHT
from bot.domain.standings import Standing
from bot.sandbox.telegram.html import parse_html

CHAT = Path(str(resources.files("bot"))) / "chat"
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(CHAT.rglob("*.py"))}

KEY = re.compile(r"[a-z]+(\.[a-z_]+)+")
HOLE = "*"
KEY_WITH_HOLES = re.compile(r"(\*|[a-z]+)(\.(\*|[a-z_]+))*\.(\*|[a-z_]+)")

PROGRESS = ("queued", "confirmed", "sent", *Outcome)
"""The states that a confirmed payment can show."""

SENTENCES = (
    *("ahead.suspended", "ahead.lost", "ahead.deleted", "last_day.suspended", "last_day.lost", "deletion"),
    *("suspended", "last_chance_on", "last_chance", "last_hours", "deleted", "lost"),
)

ENDS = [standing for standing in Standing if standing is not Standing.OPEN]

COMPUTED: Mapping[str, set[str]] = {
    "alert.blind.{why}": {f"alert.blind.{why}" for why in (*Trouble, "outage")},
    "alert.ended.{known.standing}": {f"alert.ended.{standing}" for standing in ENDS},
    "alert.settled.{known.standing}": {f"alert.settled.{standing}" for standing in ENDS},
    "alert.{shown.kind}": {"alert.new", "alert.reopened", "alert.credit_there"},
    "alert.{alert.kind}": {f"alert.{kind}" for kind in ACCOUNT_SUBJECTS.keys() - EDITS - {AlertKind.DIGEST}},
    "alert.{watch.trouble}": {f"alert.{trouble}" for trouble in Trouble},
    "batch.{payments[0].outcome}": {"batch.cancelled", "batch.expired"},
    "batch.item.{payment.outcome or payment.state}": {f"batch.item.{step}" for step in PROGRESS},
    "button.copy.{what}": {f"button.copy.{what}" for what in ("iban", "name", "amount", "reference")},
    "stats.kind.{kind}": {f"stats.kind.{kind}" for kind in BOUGHT},
    "calendar.day.{kind}": {f"calendar.day.{kind}" for kind in DayKind},
    "cancel.{awaited.question}": {f"cancel.{question}" for question in Question},
    "choose.{command}": {f"choose.{command}" for command in INVOICE_CHOICES},
    "command.{name}": {f"command.{name}" for name in (*COMMANDS, REFERENCE)},
    "consequences.{sentence}": {f"consequences.{sentence}" for sentence in SENTENCES},
    "consequences.what.{follows.service}": {f"consequences.what.{service}" for service in Service},
    "einvoice.{einvoice.check}": {f"einvoice.{check}" for check in Check},
    "einvoice.differs.{found.what}": {f"einvoice.differs.{what}" for what in ("number", "total", "tax")},
    "filter.{choice}": {f"filter.{choice}" for choice in (*StatusFilter, *ItemKind, "transactions")},
    "filter.{kind}": {f"filter.{kind}" for kind in ItemKind},
    "filter.{query.kind}": {f"filter.{kind}" for kind in ItemKind},
    "filter.{status}": {f"filter.{status}" for status in StatusFilter},
    "journal.end.{payment.outcome or payment.state}": {f"journal.end.{step}" for step in ("asked", *PROGRESS)},
    "journal.{payment.action}": {f"journal.{action}" for action in Action},
    "list.title.{query.status}": {f"list.title.{status}" for status in StatusFilter},
    "unwarned.{word}": {"unwarned.suspended", "unwarned.lost", "unwarned.deleted"},
    "filter.{query.status}": {f"filter.{status}" for status in StatusFilter},
    "filter.{condition.kind}": {f"filter.{kind}" for kind in ItemKind},
    "search.{condition.standing}": {f"search.{standing}" for standing in StandingWord},
    "packs.kind.{kind}": {f"packs.kind.{kind}" for kind in ItemKind},
    "packs.kind.{choice.kind}": {f"packs.kind.{kind}" for kind in ItemKind},
    "packs.each.{chosen.packs}": {f"packs.each.{rhythm}" for rhythm in Rhythm if rhythm is not Rhythm.OFF},
    "packs.name.{part}": {f"packs.name.{part}" for part in NamePart},
    "packs.rhythm.{each}": {f"packs.rhythm.{rhythm}" for rhythm in Rhythm},
    "settings.ask.{name}": {f"settings.ask.{name}" for name in SECTIONS},
    "settings.preset.{chosen or 'own'}": {f"settings.preset.{each}" for each in (*Preset, "own")},
    "settings.preset.{each}": {f"settings.preset.{each}" for each in Preset},
    "settings.{name}.{flip}": {f"settings.{name}.{flip}" for name in SWITCHES for flip in ("on", "off")},
    "settings.button.{name}": {f"settings.button.{name}" for name in SECTIONS},
    "settings.line.{name}": {f"settings.line.{name}" for name in (*SECTIONS, *SWITCHES, "reference")},
    "settings.loud.{chosen.loudness}": {f"settings.loud.{loudness}" for loudness in Loudness},
    "settings.loud.{each}": {f"settings.loud.{loudness}" for loudness in Loudness},
    "settings.{ON if on else OFF}": {"settings.on", "settings.off"},
    "snooze.{until.name.lower()}": {f"snooze.{until.name.lower()}" for until in Until},
    "table.column.{key}": {f"table.column.{key}" for key in COLUMNS},
    "table.mark.{mark}": {f"table.mark.{mark}" for mark in Mark},
    "table.sheet.{sheet}": {f"table.sheet.{sheet}" for sheet in SHEETS},
    "standing.{standing}": {f"standing.{standing}" for standing in Standing},
    "standing.{invoice.standing}": {f"standing.{standing}" for standing in Standing},
    "words.{name}": {f"words.{name}" for name in WORDS},
    "{payment.action}.ask": {f"{action}.ask" for action in Action},
    "{payment.action}.confirm": {f"{action}.confirm" for action in Action},
    "{payment.action}.{step}": {f"{a}.{step}" for a in Action for step in ("confirmed", "sent", *Outcome)},
}
"""Every key that the code computes, and all keys that it can become."""

NO_KEYS = {"{self.query.status}.{self.query.kind}.{int(self.query.with_transactions)}.{self.number}"}
"""Callback data that looks like a computed key."""

COUNTING = {"count", "plain_count"}

SAME_IN_ALL = {
    "account.above",
    "alert.struck", "alert.title", "batch.item.ask", "batch.item.confirmed", "batch.item.done", "batch.item.queued",
    "button.copy.iban", "button.copy.name", "button.details", "button.filter", "button.line", "button.pdf",
    "button.xml",
    "details.description", "details.item",
    "details.item_without_amount", "filter.domain", "filter.hosting", "help.line", "journal.how", "journal.what",
    "history.title", "history.line", "history.dearer", "history.cheaper",
    "packs.kind.domain", "packs.kind.hosting", "packs.quarter",
    "list.line", "payment.title", "transfer.iban", "transfer.name",
    "search.less", "search.less_leaves", "words.hosting",
    "stats.kind", "stats.kind.domain", "stats.kind.hosting", "stats.month",
    "table.column.standing", "table.column.status", "table.column.text",
}  # fmt: skip
"""Texts of only placeholders and signs, or with the same word in English and German."""


def catalogue(language: str) -> Catalog:
    source = resources.files("bot.locales") / language / "LC_MESSAGES" / "bot.po"
    with source.open("rb") as file:
        return read_po(file, locale=language)


CATALOGUES = {language: catalogue(language) for language in LANGUAGES}


def key_of(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def messages(language: str) -> dict[str, Message]:
    return {key_of(message): message for message in CATALOGUES[language] if message.id}


def texts_of(message: Message) -> list[str]:
    """Return the translation, or all its plural forms."""
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


# --- Which keys the code uses ---------------------------------------------------------------------------------------


def template(node: ast.JoinedStr) -> str:
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
        for part in node.values
        if isinstance(part, ast.Constant | ast.FormattedValue)
    )


def computed_templates() -> set[str]:
    """Return the f-strings of the chat layer that have the form of a key."""
    found = set()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                shape = "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
                if KEY_WITH_HOLES.fullmatch(shape):
                    found.add(template(node))
    return found - NO_KEYS


def is_text_call(call: ast.Call) -> bool:
    """``t(…)``, ``context.t(…)``, and ``plain`` or ``count`` of these."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in {"t", "plain", *COUNTING}


def asked_for(node: ast.expr) -> Iterator[str]:
    """Yield the constant keys in an argument: the string itself, or both branches of a conditional."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from asked_for(node.body)
        yield from asked_for(node.orelse)


def static_keys() -> set[str]:
    """Return the keys in text calls, and other constants that look like a key of a known part of the catalogues."""
    parts = {key.partition(".")[0] for key in messages("en")}
    found = set[str]()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and is_text_call(node) and node.args:
                found.update(asked_for(node.args[0]))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
                found.update({node.value} if node.value.partition(".")[0] in parts else ())
    return found


def error_classes(base: type[errors.BotError] = errors.BotError) -> Iterator[type[errors.BotError]]:
    yield base
    for derived in base.__subclasses__():
        yield from error_classes(derived)


def error_keys() -> set[str]:
    by_instance = {errors.Refused(418, reason).key for reason in ("", "no")}
    return {kind.key for kind in error_classes()} | by_instance


def keys_in_use() -> set[str]:
    return static_keys() | error_keys() | set[str]().union(*COMPUTED.values())


# --- The tests ------------------------------------------------------------------------------------------------------


def test_every_computed_key_is_known_to_these_tests() -> None:
    assert computed_templates() == COMPUTED.keys()


def test_the_search_finds_the_keys_that_it_is_for() -> None:
    # One of each kind: direct, in a conditional, through a variable, plain, counted, of an error, computed.
    expected = {"link.how", "unlink.done", "details.item_without_amount", "button.pdf", "list.open_sum",
                "error.not_linked", "pay.unclear"}  # fmt: skip
    assert expected <= keys_in_use()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_in_use_is_there(language: str) -> None:
    assert keys_in_use() - messages(language).keys() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_left_over(language: str) -> None:
    assert messages(language).keys() - keys_in_use() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_fuzzy_obsolete_or_there_twice(language: str) -> None:
    found = messages(language)
    assert [key for key, message in found.items() if message.fuzzy] == []
    assert [key for key, message in found.items() if not all(text.strip() for text in texts_of(message))] == []
    assert list(CATALOGUES[language].obsolete) == []
    source = (resources.files("bot.locales") / language / "LC_MESSAGES" / "bot.po").read_text(encoding="utf-8")
    ids = [line for line in source.splitlines() if line.startswith("msgid ")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_counted_text_has_every_form_that_the_language_has(language: str) -> None:
    forms = CATALOGUES[language].num_plurals
    counted = {key for key, message in messages(language).items() if message.pluralizable}
    assert {key: len(texts_of(messages(language)[key])) for key in counted} == dict.fromkeys(counted, forms)
    calls = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    keys = {
        key for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in COUNTING and call.args
        for key in asked_for(call.args[0])
    }  # fmt: skip
    assert counted == keys


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_has_the_same_placeholders(language: str) -> None:
    for key, original in messages(LANGUAGES[0]).items():
        wanted = set[str]().union(*map(placeholders, texts_of(original)))
        for text in texts_of(messages(language)[key]):
            assert placeholders(text) == wanted, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_html_that_telegram_takes(language: str) -> None:
    for key, message in messages(language).items():
        for text in texts_of(message):
            filled = text.format_map(dict.fromkeys(placeholders(text), "x"))
            assert parse_html(filled).text.strip(), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_on_buttons_and_in_menus_has_no_markup(language: str) -> None:
    calls = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    plain = {key for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "plain" and call.args
             for key in asked_for(call.args[0])}  # fmt: skip
    parts = ("button.", "command.", "day.", "filter.")
    plain |= {key for key in messages(language) if key.startswith(parts) or key.endswith(".confirm")}
    assert {key for key in plain if re.search("[<&]", "".join(texts_of(messages(language)[key])))} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_command_is_described_within_telegrams_limits(language: str) -> None:
    for name in COMMANDS:
        (text,) = texts_of(messages(language)[f"command.{name}"])
        assert re.fullmatch("[a-z0-9_]{1,32}", name)
        assert 1 <= len(text) <= 256


def test_no_english_is_left_over_in_german() -> None:
    german = messages("de")
    same = {key for key, message in messages("en").items() if texts_of(message) == texts_of(german[key])}
    assert same == SAME_IN_ALL


def test_the_catalogues_are_of_the_languages_that_the_bot_speaks() -> None:
    folders = {
        entry.name for entry in resources.files("bot.locales").iterdir() if entry.is_dir() and entry.name[0] != "_"
    }
    assert folders == set(LANGUAGES)
    for language in LANGUAGES:
        assert str(CATALOGUES[language].locale) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_speaks_of_the_providers_website_gets_the_button_to_it(language: str) -> None:
    (phrase,) = texts_of(messages(language)["site.phrase"])
    for key, message in messages(language).items():
        for text in texts_of(message) if key != "button.site" else []:
            assert ("website" in text.casefold()) == (phrase in text), key

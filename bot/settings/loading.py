"""Read the settings, and say in sentences what is wrong with them. No sentence shows what may be a secret."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from bot.errors import StartError
from bot.settings.bot import Settings
from bot.settings.declaring import UNSET, Declared, Unfit, declared
from bot.settings.store import ENV_FILE, StoreSettings

AnySettings = TypeVar("AnySettings", bound=StoreSettings)

OTHERS = frozenset({"DATABASE_PASSWORD"})
"""Names in ``.env`` that are not the bot's own. This one is for ``compose.yaml``."""
ALIKE_IN_FILE, ALIKE_IN_ENVIRONMENT = 0.8, 0.9
"""How much a name must look like a setting's to be a slip. Names in the file are meant for the bot."""
EXAMPLES = {
    "TELEGRAM_BOT_TOKEN": ("123456789:replace-with-the-token-from-BotFather", "the one from @BotFather"),
    "PROVIDER_URL": ("https://provider.example/api/v1", "the address of your provider's API"),
}
"""What .env.example has in the place of what everybody fills in, and what belongs there."""
SHOWN_LENGTH = 24
"""What is longer may be a secret in the wrong place."""


def load_settings(*, _env_file: Path | None = ENV_FILE, **given: Any) -> Settings:
    """Read all settings. Raise one :class:`StartError` that lists everything missing or wrong.

    What is ``given`` goes before the environment, and that before the file. Only a text is read: other values are used
    as they are.
    """
    return _load(Settings, _env_file, given)


def load_store_settings() -> StoreSettings:
    """Read what the commands on stored data need. Errors as for all settings."""
    return _load(StoreSettings, ENV_FILE, {})


def _load(kind: type[AnySettings], file: Path | None, given: Mapping[str, Any]) -> AnySettings:
    in_file = _values_of(file)
    wrong = [] if file is None else [*_slips(in_file), *_placeholder(in_file)]
    in_environment = {name.upper(): value for name, value in os.environ.items()}
    texts = in_file | in_environment | {name.upper(): value for name, value in given.items()}
    values, unfit = _read(kind, texts)
    wrong += unfit
    if not unfit:
        settings = kind(**values)
        wrong += settings.contradictions()
        if not wrong:
            return settings
    head, end = "The bot can't start with these settings:", "Set them in the environment or in .env."
    lines = [f"  {sentence}" for sentence in wrong]
    # Without a cause: that would print the values, including secrets.
    raise StartError("\n".join([head, *lines, f"{end} The file .env.example explains each."])) from None


def _read(kind: type[StoreSettings], texts: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the values of what is set, and a sentence for each that is missing or wrong."""
    values, wrong = dict[str, Any](), list[str]()
    for each in fields(kind):
        name, how = each.name.upper(), declared(each)
        text = texts.get(name)
        if text is None or (text == "" and not how.empty):
            if each.default is MISSING:
                wrong.append(f"{name} is missing. It must be {how.must_be}.")
            continue
        try:
            value = how.read(text) if isinstance(text, str) else text
        except Unfit as unfit:
            wrong.append(_sentence(name, how, text, unfit))
        else:
            if value is not UNSET:
                values[each.name] = value
    return values, wrong


def _sentence(name: str, how: Declared, text: str, unfit: Unfit) -> str:
    """Return a sentence with the value, if that can't hold a secret."""
    sentence = f"{name} {unfit.reason or f'must be {how.must_be}'}."
    shown = unfit.part or text
    if not how.shown or len(shown) > SHOWN_LENGTH:
        return sentence
    return f"{sentence} {'One of them' if unfit.part else 'It'} is {shown!r}."


def _values_of(file: Path | None) -> dict[str, str]:
    """Return what the file sets, by names in capitals. None, and one that is not there, set nothing."""
    if file is None or not _lines_of(file):
        return {}
    return {name.upper(): value for name, value in dotenv_values(file, encoding="utf-8").items() if value is not None}


def _lines_of(file: Path) -> list[Binding]:
    """Return the lines of the file, none if it is not there."""
    if not file.exists():
        return []
    try:
        with file.open(encoding="utf-8") as lines:
            bindings = list(parse_stream(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"The file {file} can't be read: {error}.") from None
    for binding in bindings:
        if binding.error:
            raise StartError(
                f"Line {binding.original.line} of the file {file} can't be read. It must be of the form NAME=VALUE, "
                "and each quotation mark must be closed."
            ) from None
    return bindings


def _slips(in_file: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each name in the file and the environment that is nearly a setting's."""
    known = {each.name.upper() for each in fields(Settings)}
    in_environment = {name.upper() for name in os.environ}
    for name in sorted({*in_file, *in_environment} - known - OTHERS):
        near = get_close_matches(name, known, 1, ALIKE_IN_FILE if name in in_file else ALIKE_IN_ENVIRONMENT)
        # In the environment there are names of other programs. One beside the setting's own is no slip.
        if near and (name in in_file or near[0] not in {*in_environment, *in_file}):
            yield f"{name} is no setting. Did you mean {near[0]}?"


def _placeholder(given: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each value of the example that is still in the file, and counts."""
    for name, (example, instead) in EXAMPLES.items():
        if given.get(name) == example and name not in os.environ:
            yield f"{name} is still that of the example. Put {instead} in its place."

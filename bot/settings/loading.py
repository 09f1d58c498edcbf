"""Read the settings, and say in sentences what is wrong with them. No sentence shows what may be a secret."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from dotenv.parser import Binding, parse_stream
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from bot.errors import StartError
from bot.settings.bot import Settings
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
MAY_HOLD_SECRETS = frozenset({"PROVIDER_URL", "TELEGRAM_API_URL", "WEBHOOK_URL"})
SHOWN_LENGTH = 24
"""What is longer may be a secret in the wrong place."""


def load_settings(**overrides: Any) -> Settings:
    """Read all settings. Raise one :class:`StartError` that lists everything missing or wrong."""
    return _load(Settings, overrides)


def load_store_settings() -> StoreSettings:
    """Read what the commands on stored data need. Errors as for all settings."""
    return _load(StoreSettings, {})


def _load(kind: type[AnySettings], overrides: Mapping[str, Any]) -> AnySettings:
    wrong: list[str] = []
    if "_env_file" not in overrides:
        given = {line.key.upper(): line.value for line in _lines_of(ENV_FILE) if line.key}
        wrong += [*_slips(given), *_placeholder(given)]
    try:
        settings = kind(**overrides)
        if not wrong:
            return settings
    except ValidationError as error:
        wrong += _explain(error, kind.model_fields)
    head, end = "The bot can't start with these settings:", "Set them in the environment or in .env."
    lines = [f"  {sentence}" for sentence in wrong]
    # Without a cause: that would print the values, including secrets.
    raise StartError("\n".join([head, *lines, f"{end} The file .env.example explains each."])) from None


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
    known = {name.upper() for name in Settings.model_fields}
    in_environment = {name.upper() for name in os.environ}
    for name in sorted({*in_file, *in_environment} - known - OTHERS):
        near = get_close_matches(name, known, 1, ALIKE_IN_FILE if name in in_file else ALIKE_IN_ENVIRONMENT)
        # In the environment there are names of other programs. One beside the setting's own is no slip.
        if near and (name in in_file or near[0] not in {*in_environment, *in_file}):
            yield f"{name} is no setting. Did you mean {near[0]}?"


def _placeholder(given: Mapping[str, str | None]) -> Iterator[str]:
    """Yield a sentence for each value of the example that is still in the file, and counts."""
    for name, (example, instead) in EXAMPLES.items():
        if given.get(name) == example and name not in os.environ:
            yield f"{name} is still that of the example. Put {instead} in its place."


def _explain(error: ValidationError, fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    """Yield a sentence for each thing that is missing or wrong."""
    told = set()
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        reason = str(problem["ctx"]["error"]) if problem["type"] == "value_error" else ""
        if not name:
            yield f"{reason}."  # it is about several settings, and names them itself
        elif problem["type"] == "missing":
            yield f"{name.upper()} is missing. It must be {fields[name].description}."
        elif name not in told:
            told.add(name)
            advice = reason or f"must be {fields[name].description}"
            subject = "It" if len(problem["loc"]) == 1 else "One of them"
            yield f"{name.upper()} {advice}.{_given(subject, name, fields[name], problem['input'])}"


def _given(subject: str, name: str, field: FieldInfo, value: object) -> str:
    """Return a sentence with the value, if that can't hold a secret."""
    if name.upper() in MAY_HOLD_SECRETS or "SecretStr" in str(field.annotation):
        return ""
    text = str(value)
    return f" {subject} is {text!r}." if len(text) <= SHOWN_LENGTH else ""

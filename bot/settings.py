"""One validated Settings object from the environment and ``.env``."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import dotenv
from babel.numbers import is_currency
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from bot.errors import StartError

print(Decimal, Annotated, Any, Literal, os, dotenv)

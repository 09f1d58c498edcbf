"""The operator's settings, read from the environment and ``.env`` into one validated object."""

from bot.settings.bot import LOOPBACK_HOSTS, PUBLIC_TELEGRAM, Settings
from bot.settings.loading import load_settings, load_store_settings
from bot.settings.store import Address, StoreSettings

__all__ = [
    "LOOPBACK_HOSTS",
    "PUBLIC_TELEGRAM",
    "Address",
    "Settings",
    "StoreSettings",
    "load_settings",
    "load_store_settings",
]

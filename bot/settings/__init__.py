"""The operator's settings, read from the environment and ``.env`` into one validated object."""

from bot.settings.bot import PUBLIC_TELEGRAM, Settings
from bot.settings.declaring import Secret
from bot.settings.loading import load_settings, load_store_settings
from bot.settings.store import Address, StoreSettings
from bot.settings.values import LOOPBACK_HOSTS

__all__ = [
    "LOOPBACK_HOSTS",
    "PUBLIC_TELEGRAM",
    "Address",
    "Secret",
    "Settings",
    "StoreSettings",
    "load_settings",
    "load_store_settings",
]

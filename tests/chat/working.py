"""The bot's background work, done at once instead of at its next tick."""

from __future__ import annotations

from bot.application import InvoiceBot


async def check_and_tell(bot: InvoiceBot) -> None:
    """Check what is due, then bring what that led to into the chats."""
    checks, sends, _ = bot._workers
    await bot._checker.tick()
    await checks.finish()
    await bot._alert_sender.tick()
    await sends.finish()

"""Doing the bot's background work at once instead of at its next tick."""

from __future__ import annotations

from bot.application import InvoiceBot


async def check_and_tell(bot: InvoiceBot) -> None:
    """Run all due checks, then send the alerts that they led to."""
    services = bot.services
    await services.checker.tick()
    await services.check_workers.finish()
    await services.alert_sender.tick()
    await services.send_workers.finish()

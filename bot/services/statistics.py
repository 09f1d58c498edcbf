"""What an account has spent, and what the coming days will cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, tzinfo

from bot.domain.chats import Chat
from bot.domain.forecast import Forecast, forecast
from bot.domain.invoices import Listing
from bot.domain.spending import Spending, spending_of
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import Clock
from bot.services.reading import AccountReads

FORECAST_DAYS = (30, 90)


@dataclass(frozen=True, slots=True)
class Statistics:
    """An account's figures as of ``today`` at the provider. ``listing`` is what they are made of."""

    today: date
    spending: Spending
    forecasts: tuple[Forecast, ...]
    listing: Listing


class StatisticsReader:
    """Reads them with a single call: the list holds all that is needed. ``zone`` is the provider's."""

    def __init__(self, reads: AccountReads, clock: Clock, zone: tzinfo) -> None:
        self._reads = reads
        self._clock = clock
        self._zone = zone

    async def read(self, chat: Chat) -> Statistics:
        """Return the figures of an account. Raise as :class:`AccountReads` does."""
        listing = await self._reads.listing(chat)
        today = self._clock().astimezone(self._zone).date()
        return await off_loop(len(listing.invoices) > HEAVY_COUNT // 5, self._made, listing, today)

    def _made(self, listing: Listing, today: date) -> Statistics:
        forecasts = tuple(forecast(listing.invoices, self._zone, today, days) for days in FORECAST_DAYS)
        return Statistics(today, spending_of(listing.invoices, self._zone), forecasts, listing)

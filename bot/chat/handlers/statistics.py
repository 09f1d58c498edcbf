"""/stats."""

from __future__ import annotations

import structlog
from telegram.constants import ChatAction

from bot.chat import sending
from bot.chat.context import Context
from bot.chat.screens import CAPTION_LIMIT, ROOM_ABOVE, Screen, join, length
from bot.chat.views import statistics as views
from bot.errors import ChatMigrated, MessengerError
from bot.offload import off_loop
from bot.ports import DrawChart
from bot.services.statistics import StatisticsReader

log = structlog.get_logger()


class StatisticsHandlers:
    """What was spent and what is to come, as a picture and in words."""

    def __init__(self, statistics: StatisticsReader, draw: DrawChart) -> None:
        self._statistics = statistics
        self._draw = draw

    async def stats(self, context: Context) -> None:
        """/stats. Where no picture can be drawn or sent, the words come by themselves."""
        async with sending.showing_action(context.bot, context.place, ChatAction.UPLOAD_PHOTO):
            found = await self._statistics.read(context.chat)
            year, t = found.today.year, context.t
            chart = await off_loop(True, views.chart, t, found.spending, year)
            picture = await self._draw(chart) if chart is not None else None
        screen = views.summary(t, found.spending, found.forecasts, found.today, found.listing)
        months = views.by_month(t, found.spending, year)
        whole = Screen(join([screen.text, months])) if months else screen
        below = whole if length(whole.text) <= CAPTION_LIMIT - ROOM_ABOVE else Screen(t("stats.title"))
        is_shown = picture is not None and await self._sent(context, below, picture)
        if not is_shown or below is not whole:
            await context.reply(whole)

    async def _sent(self, context: Context, below: Screen, picture: bytes) -> bool:
        """Send the picture. Return False where pictures can't be sent: a text may be."""
        try:
            await context.reply_with_picture(below, picture)
        except ChatMigrated:
            raise
        except MessengerError as error:
            log.info("picture can't be sent", chat=context.chat.id, error=str(error))
            return False
        return True

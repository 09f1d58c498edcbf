"""What a chat's next message is taken for, and /cancel, which ends that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from markupsafe import Markup

from bot.chat.context import Context
from bot.chat.dispatch import Handle
from bot.chat.screens import Screen, join
from bot.domain.answers import Question
from bot.domain.selections import Purpose
from bot.errors import MessengerError
from bot.ports import Clock
from bot.services.linking import Linking
from bot.services.payments.flow import Payments

Take = Callable[[Context, str], Awaitable[None]]
"""Take a message as an answer. The second argument says what the answer is about."""


class AnswerHandlers:
    """``takes`` says who takes the answer to a question. ``otherwise`` gets all other messages."""

    def __init__(
        self,
        takes: Mapping[Question, Take],
        otherwise: Handle,
        payments: Payments,
        linking: Linking,
        clock: Clock,
    ) -> None:
        self._takes = takes
        self._otherwise = otherwise
        self._payments = payments
        self._linking = linking
        self._clock = clock

    async def text(self, context: Context) -> None:
        """A message without a command: the answer that the bot waits for, or something else."""
        awaited = context.chat.awaits(self._clock())
        take = self._takes.get(awaited.question) if awaited is not None else None
        if awaited is not None and take is not None and context.text:
            await take(context, awaited.about)
        else:
            await self._otherwise(context)

    async def cancel(self, context: Context) -> None:
        """/cancel: end what waits for an answer. That a message is awaited has ended with this one."""
        t, awaited = context.t, context.chat.awaits(self._clock())
        lines: list[Markup] = [t(f"cancel.{awaited.question}")] if awaited is not None else []
        for offer in await self._linking.withdraw_offers(context.chat, context.person):
            lines.append(t("cancel.offer"))
            await _put(context, offer.message_id, Screen(t("token.forgotten"), of_chat=True))
        selections = await self._payments.selecting.withdraw(context.chat, context.person)
        if withdrawn := await self._payments.withdraw(context.chat, context.person):
            ids = t.listing([str(payment.invoice_id) for payment in withdrawn])
            lines.append(t.count("cancel.payments", len(withdrawn), ids=ids))
        for selection in selections:
            if not selection.asked:  # else its question is withdrawn in the same message, or was answered before
                lines.append(t("cancel.ticks"))
                key = "documents.none_sent" if selection.purpose is Purpose.PDF else "batch.cancelled"
                await _put(context, selection.message_id, Screen(t(key), of_chat=True))
        lines = list(dict.fromkeys(lines))
        await context.reply(Screen(join(lines) if lines else t("cancel.nothing"), of_chat=True))


async def _put(context: Context, message_id: int | None, screen: Screen) -> None:
    """Put a screen into a message that asked something. That it can't be changed is no reason to stop."""
    if message_id is not None:
        with suppress(MessengerError):
            await context.edit(message_id, screen)

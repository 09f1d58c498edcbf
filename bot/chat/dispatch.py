"""From an update to a handler: who may talk, in which language, and what a failure looks like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog
from telegram import Update
from telegram.constants import ChatAction

from bot.chat.background_jobs import BackgroundJob, BackgroundJobs
from bot.chat.context import Context, LibraryContext, context_of
from bot.chat.screens import Screen
from bot.chat.sending import showing_action
from bot.chat.texts import TextsFor
from bot.chat.update_tracker import UpdateTracker
from bot.domain.chats import Chat
from bot.domain.tokens import looks_like_token
from bot.errors import (
    AccountGone,
    AnswerNotUnderstood,
    BotError,
    ChatMigrated,
    ChatUnreadable,
    GroupNotLinked,
    MessengerError,
    NotLinked,
    ProviderDown,
    ProviderError,
    StoreAway,
    UserError,
)
from bot.ports import ChatStore, Clock
from bot.services.failures import note_unreachable

log = structlog.get_logger()

Handle = Callable[[Context], Awaitable[None]]
Locate = Callable[[Handle, Context], Awaitable[bool]]
"""Runs a handler on the account that is meant. Returns False if none is: then it is as with any other route."""
Callback = Callable[[Update, LibraryContext], Coroutine[Any, Any, None]]

TYPING_AFTER = 0.7
"""Seconds after which a chat shows that its answer is being worked on."""


@dataclass(frozen=True, slots=True)
class Route:
    """A handler, and the guards before it.

    ``takes_token``: the message may be the token that /link waits for. Other messages end that wait. If the sender is
    turned away, a token is deleted. ``for_everybody``: nobody is turned away. ``slow``: the handler runs in the
    background and does not block the chat's next updates. It reads the stored chat anew when its turn comes. ``each``:
    as a command it is carried out for each of the chat's accounts. ``together`` takes its place where the chat has
    several. ``by_number`` finds out which account has the invoices that are named.
    """

    handle: Handle
    takes_token: bool = False
    for_everybody: bool = False
    slow: bool = False
    each: bool = False
    together: Handle | None = None
    by_number: Locate | None = None


class Dispatcher:
    """Runs handlers. ``allowed_users`` None: everybody may talk to the bot. ``jobs`` runs the slow ones."""

    def __init__(
        self,
        chats: ChatStore,
        texts_for: TextsFor,
        clock: Clock,
        allowed_users: frozenset[int] | None,
        jobs: BackgroundJobs,
        tracker: UpdateTracker,
    ) -> None:
        self._chats = chats
        self._texts_for = texts_for
        self._clock = clock
        self._allowed_users = allowed_users
        self._jobs = jobs
        self._tracker = tracker

    def wrap(self, route: Route) -> Callback:
        """Return a route as python-telegram-bot calls it."""

        async def callback(update: Update, library_context: LibraryContext) -> None:
            if context := context_of(update, library_context, self._texts_for):
                await self._run(partial(self._follow, route, update), context)

        return callback

    async def _follow(self, route: Route, update: Update, context: Context) -> None:
        """Pass the guards in their order, then run the handler."""
        await self._load_chat(route, context)
        if not self._is_allowed(route, context):
            await self._turn_away(route, context)
            return
        await self._end_wait_for_answer(route, context)
        if route.slow:
            await self._start_job(route, update, context)
            return
        async with showing_action(context.bot, context.place, ChatAction.TYPING, after=TYPING_AFTER):
            await self._handle(route, context)

    async def _handle(self, route: Route, context: Context) -> None:
        """Run the handler: for each account, or for the one that is meant. If one account fails, the others go on."""
        is_answer = route.takes_token and context.chat.awaits(self._clock()) is not None
        one_is_meant = context.query is not None or is_answer
        several = len(context.accounts) > 1 and not one_is_meant
        if several and route.by_number is not None and await route.by_number(route.handle, context):
            return
        if several and route.together is not None:
            await route.together(context)
            return
        if not (several and route.each):
            await route.handle(context)
            return
        for chat in list(context.accounts):
            context.use(chat)
            try:
                await route.handle(context)
            except (UserError, ProviderError) as error:
                await context.explain(error)

    async def _run(self, handle: Handle, context: Context) -> None:
        """Run a handler. A failure becomes a sentence for the person."""
        try:
            try:
                await handle(context)
            except MessengerError:
                raise
            except BotError as error:
                log.info("request can't be met", chat=context.chat.id, error=error.key, **_provider_s_fault(error))
                await context.explain(
                    GroupNotLinked() if isinstance(error, NotLinked) and not context.private else error
                )
            except Exception:
                log.exception("handler failed", chat=context.chat.id)
                await context.explain(BotError())
            await context.answer_press()
        except MessengerError as error:
            log.info("answer not delivered", chat=context.chat.id, error=str(error))
            with suppress(StoreAway, ChatUnreadable):  # the next failed answer says the same
                await note_unreachable(self._chats, context.chat.id, error)
            with suppress(MessengerError):
                await context.answer_press()  # the spinner ends all the same
        if context.moved_to is not None:
            with suppress(StoreAway, ChatUnreadable):  # as above
                await note_unreachable(self._chats, context.chat.id, ChatMigrated(context.moved_to))

    # --- Guards -----------------------------------------------------------------------------------------------------

    async def _load_chat(self, route: Route, context: Context) -> None:
        """Read what is stored of the chat. If nothing was sent to it, wake it: somebody has written there."""
        try:
            accounts, language = await self._chats.accounts(context.chat.id), context.chat.telegram_language
            chat = accounts[0]
            if any(each.is_silent for each in accounts) and await self._chats.wake(chat.id, self._clock()):
                log.info("chat is back", chat=chat.id)
            is_known = chat != Chat(chat.id)  # of others nothing is stored, so there is nothing to note it with
            if is_known and language is not None and language != chat.telegram_language and context.private:
                await self._chats.note_telegram_language(chat.id, language)
        except (StoreAway, ChatUnreadable) as error:
            if route.takes_token:
                await self._delete_token(context)  # nobody should see it, whatever it was for
            if not (route.for_everybody and isinstance(error, ChatUnreadable)):
                raise
            context.unreadable = True
        else:
            self._set_accounts(context, accounts, language)

    def _is_allowed(self, route: Route, context: Context) -> bool:
        return route.for_everybody or self._allowed_users is None or context.user_id in self._allowed_users

    async def _turn_away(self, route: Route, context: Context) -> None:
        log.info("user is not allowed", user=context.user_id)
        deleted = not route.takes_token or await self._delete_token(context)
        await context.tell(context.t("error.not_allowed", user_id=context.user_id))
        if not deleted:
            await context.tell(context.t("link.not_deleted"))

    async def _delete_token(self, context: Context) -> bool:
        """Delete the message if it seems to show a token. Return False if it does and can't be deleted."""
        shown = context.words or looks_like_token(context.text)
        return not shown or await context.delete_message()

    async def _end_wait_for_answer(self, route: Route, context: Context) -> None:
        """Stop waiting for a token or another answer: the person has moved on to something else, or time is up."""
        chat, now = context.chat, self._clock()
        if chat.asked is None or context.query is not None:
            return
        if not (route.takes_token and chat.awaits(now)):
            await self._chats.await_token(context.chat.id, None)

    # --- Slow handlers ----------------------------------------------------------------------------------------------

    async def _start_job(self, route: Route, update: Update, context: Context) -> None:
        """Queue a slow handler, or say why not. The press ends here: the results come as messages."""

        async def handle_in_turn(context: Context) -> None:
            # Something may have happened meanwhile, such as /unlink.
            accounts = await self._chats.accounts(context.chat.id)
            self._set_accounts(context, accounts, context.chat.telegram_language)
            await self._handle(route, context)

        async def cut_off() -> None:
            if self._tracker.was_confirmed_early(update.update_id):  # else it comes again
                with suppress(MessengerError):
                    await context.reply(Screen(context.t("text.restarting")))

        job = BackgroundJob(context.chat.key, route.handle, tuple(context.words))
        if self._jobs.has(job):
            await context.tell(context.t("text.under_way"), alert=False)
        elif self._jobs.is_full(context.chat.key):
            await context.tell(context.t("text.enough"), alert=False)
        else:
            ended = self._jobs.start(job, partial(self._run, handle_in_turn, context), cut_off)
            self._tracker.wait_for(update.update_id, ended)

    def _set_accounts(self, context: Context, accounts: Sequence[Chat], language: str | None) -> None:
        """Let handlers see what is stored: the account that the button, or the awaited answer, is about, or the first.

        Raise :class:`AccountGone` if the button's account is not there any more.
        """
        if language is not None:
            accounts = [
                chat if chat.telegram_language == language else replace(chat, telegram_language=language)
                for chat in accounts
            ]
        context.accounts = accounts
        now, slot = self._clock(), context.slot
        if context.query is None:
            meant = [chat for chat in accounts if chat.awaits(now)]
        else:
            meant = [chat for chat in accounts if chat.slot == (slot or 0)]
        context.use(next(iter(meant), accounts[0]))
        if slot is not None and not meant:
            raise AccountGone


def _provider_s_fault(error: BotError) -> dict[str, str]:
    """Return what exactly went wrong at the provider, for the log. Other errors may hold what people wrote."""
    return {"detail": error.detail} if isinstance(error, AnswerNotUnderstood | ProviderDown) else {}

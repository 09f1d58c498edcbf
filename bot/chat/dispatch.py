"""From an update to a handler: who may talk, in which language, and what a failure looks like."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, cast
from weakref import WeakValueDictionary

import structlog
from telegram import Message, Update
from telegram.constants import ChatAction
from telegram.ext import BaseUpdateProcessor, CallbackContext

from bot.chat.background_jobs import BackgroundJob, BackgroundJobs
from bot.chat.context import LONGEST_NAME, Context, is_private, place_of
from bot.chat.screens import Screen, one_line
from bot.chat.sending import showing_action
from bot.chat.texts import TextsFor
from bot.domain.chats import Chat
from bot.errors import BotError, GroupNotLinked, MessengerError, NotLinked, StoreAway
from bot.ports import ChatStore, Clock
from bot.services.failures import note_unreachable
from bot.services.linking import looks_like_token

log = structlog.get_logger()

Handle = Callable[[Context], Awaitable[None]]
LibraryContext = CallbackContext[Any, Any, Any, Any]
Callback = Callable[[Update, LibraryContext], Coroutine[Any, Any, None]]

AT_ONCE = 256
"""How many updates are worked on at the same time."""

IN_HAND = 100_000
"""How many updates the library hands out before it waits itself: it would let one chat's queue lock the others out."""

TYPING_AFTER = 0.7
"""Seconds after which a chat shows that its answer is being worked on."""


class OnEnd(Protocol):
    """Is told of the end of each update."""

    def __call__(self, update: object, *, handled: bool) -> None: ...


class InOrderPerChat(BaseUpdateProcessor):
    """Handles updates of different chats at once, and those of one chat one after the other."""

    def __init__(self) -> None:
        super().__init__(IN_HAND)
        self._on_aside: Callable[[Update], None] = lambda _: None
        self._on_end: OnEnd | None = None
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._in_hand: set[asyncio.Task[Any]] = set()
        self._given_back: set[int] = set()
        self._jobs: dict[int, asyncio.Future[None]] = {}

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Wait for the chat's earlier updates, then handle this one."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)
        chat = update.effective_chat if isinstance(update, Update) else None
        lock = asyncio.Lock() if chat is None else self._locks.setdefault(chat.id, asyncio.Lock())
        handled = True
        try:
            # Closed, since one that is cancelled before its turn has never begun.
            with closing(cast("Coroutine[Any, Any, Any]", coroutine)):
                async with lock, self._slots:
                    await coroutine
            if isinstance(update, Update) and (job := self._jobs.pop(update.update_id, None)):
                self._on_aside(update)
                await asyncio.wait({job})
                handled = not job.cancelled()
        except asyncio.CancelledError:
            handled = False
            raise
        finally:
            if isinstance(update, Update) and update.update_id in self._given_back:
                self._given_back.remove(update.update_id)
                handled = False
            if self._on_end is not None:
                self._on_end(update, handled=handled)

    def tell(self, on_aside: Callable[[Update], None], on_end: OnEnd) -> None:
        """Have ``on_end`` called when an update has been handled, or was cut off.

        ``on_aside`` is called when nothing of it is left to be done but an errand.
        """
        self._on_aside = on_aside
        self._on_end = on_end

    def wait_for(self, update: Update, job: asyncio.Future[None]) -> None:
        """For a handler that has begun an errand: the update ends with it, and doesn't hold up its chat meanwhile."""
        self._jobs[update.update_id] = job

    def give_back(self, update: Update) -> None:
        """For a handler that could not do its work: the update ends as not handled, so that it comes again."""
        self._given_back.add(update.update_id)

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Cancel what is still in hand."""
        for task in self._in_hand:
            task.cancel()
        await asyncio.gather(*self._in_hand, return_exceptions=True)


class Dispatcher:
    """Wraps the handlers; ``allowed_users`` None: everyone may talk to the bot. ``jobs`` runs what takes long.

    ``wait_for`` is told what of an update goes on after its handler; ``was_let_go`` whether the update is confirmed
    meanwhile, so that it does not come again.
    """

    def __init__(
        self,
        chats: ChatStore,
        texts_for: TextsFor,
        clock: Clock,
        allowed_users: frozenset[int] | None,
        jobs: BackgroundJobs,
        wait_for: Callable[[Update, asyncio.Future[None]], None],
        was_let_go: Callable[[Update], bool],
    ) -> None:
        self._chats = chats
        self._texts_for = texts_for
        self._clock = clock
        self._allowed_users = allowed_users
        self._jobs = jobs
        self._wait_for = wait_for
        self._was_let_go = was_let_go

    def wrap(
        self, handle: Handle, *, takes_token: bool = False, for_everybody: bool = False, slow: bool = False
    ) -> Callback:
        """The handler in python-telegram-bot's form.

        A message ends the wait for a token that /link opened, unless the handler ``takes_token``: then it may be one,
        and doesn't stay in the chat of somebody who is turned away. ``for_everybody``: nobody is. What is ``slow``
        doesn't hold up the chat's next updates, is done one at a time, and goes by what is stored of the chat by then.
        """

        async def handle_known(update: Update, context: Context) -> None:
            try:
                context.chat = await self._known(context)
            except StoreAway:
                if takes_token:
                    await self._delete_token(context)  # whatever it was for, nobody needs to see it
                raise
            context.t = self._texts_for(context.chat)
            if not for_everybody and self._allowed_users is not None and context.user_id not in self._allowed_users:
                await self._turn_away(context, takes_token=takes_token)
                return
            if context.chat.awaiting_token_until is not None and context.query is None and not takes_token:
                await self._chats.await_token(context.chat.id, None)
            if slow:
                if job := await self._set_aside(handle, context, update):
                    self._wait_for(update, job)
                return
            async with showing_action(context.bot, context.place, ChatAction.TYPING, after=TYPING_AFTER):
                await handle(context)

        async def callback(update: Update, library_context: LibraryContext) -> None:
            context = self._context(update, library_context)
            if context is not None:
                await self._run(partial(handle_known, update), context)

        return callback

    async def _run(self, handle: Handle, context: Context) -> None:
        try:
            try:
                await handle(context)
            except MessengerError:
                raise
            except BotError as error:
                log.info("request can't be met", chat=context.chat.id, error=error.key)
                await context.explain(
                    GroupNotLinked() if isinstance(error, NotLinked) and not context.private else error
                )
            except Exception:
                log.exception("handler failed", chat=context.chat.id)
                await context.explain(BotError())
            await context.answer_press()
        except MessengerError as error:
            log.info("answer not delivered", chat=context.chat.id, error=str(error))
            with suppress(StoreAway):  # the next message that does not get there says the same
                await note_unreachable(self._chats, context.chat.id, error)
            with suppress(MessengerError):
                await context.answer_press()  # the spinner ends all the same

    async def _known(self, context: Context) -> Chat:
        """What is stored of the chat that speaks: if it was resting, it is back."""
        chat, language = await self._chats.chat(context.chat.id), context.chat.telegram_language
        if chat.resting is not None and await self._chats.wake(chat.id, self._clock()):
            log.info("chat is back", chat=chat.id)
        if language is None or language == chat.telegram_language:
            return chat
        if context.private:
            await self._chats.note_telegram_language(chat.id, language)
        return replace(chat, telegram_language=language)

    def _context(self, update: Update, library_context: LibraryContext) -> Context | None:
        """The talk as far as the update itself tells."""
        place, user, message = place_of(update), update.effective_user, update.effective_message
        if place is None or user is None:
            return None
        chat = Chat(place.chat_id, telegram_language=user.language_code or None)
        return Context(
            bot=library_context.bot,
            chat=chat,
            place=place,
            user_id=user.id,
            private=is_private(update),
            t=self._texts_for(chat),
            words=_words(update, library_context),
            # python-telegram-bot gives a press's deleted message as a Message without content.
            message=message if isinstance(message, Message) and message.is_accessible else None,
            query=update.callback_query,
            user_name=one_line(user.full_name, LONGEST_NAME),
            sender_chat_id=_sender_chat_id(update),
        )

    async def _set_aside(self, handle: Handle, context: Context, update: Update) -> asyncio.Future[None] | None:
        """Queue slow work and give its end, or say why not: None.

        Its press ends with this: what comes of the work is said in messages.
        """

        async def handle_in_turn(context: Context) -> None:
            # What has happened meanwhile, such as /unlink, holds.
            stored = await self._chats.chat(context.chat.id)
            context.chat = replace(stored, telegram_language=context.chat.telegram_language)
            context.t = self._texts_for(context.chat)
            await handle(context)

        async def cut_off() -> None:
            if self._was_let_go(update):  # else it comes again
                with suppress(MessengerError):
                    await context.reply(Screen(context.t("text.restarting")))

        job = BackgroundJob(context.chat.id, handle, tuple(context.words))
        if self._jobs.has(job):
            await context.tell(context.t("text.under_way"), alert=False)
        elif self._jobs.is_full(context.chat.id):
            await context.tell(context.t("text.enough"), alert=False)
        else:
            return self._jobs.start(job, partial(self._run, handle_in_turn, context), cut_off)
        return None

    async def _turn_away(self, context: Context, *, takes_token: bool) -> None:
        log.info("user is not allowed", user=context.user_id)
        deleted = not takes_token or await self._delete_token(context)
        await context.tell(context.t("error.not_allowed", user_id=context.user_id))
        if not deleted:
            await context.tell(context.t("link.not_deleted"))

    async def _delete_token(self, context: Context) -> bool:
        """Delete the message if it seems to show a token; False: it does, and can't be deleted."""
        text = context.message.text if context.message is not None else None
        return not (context.words or looks_like_token(text or "")) or await context.delete_message()


def _sender_chat_id(update: Update) -> int | None:
    """The chat in whose name a message was written. Whoever presses a button does so in their own."""
    chat = update.message.sender_chat if update.message else None
    return chat.id if chat else None


def _words(update: Update, library_context: LibraryContext) -> list[str]:
    if update.callback_query is not None:
        return (update.callback_query.data or "").split(":")[1:]
    return list(library_context.args or [])

"""The sandbox's Telegram: people on one side, the Bot API over HTTP on the other."""

from __future__ import annotations

import asyncio
import inspect
import json
import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.ports import Clock, utc_now
from bot.sandbox.telegram.calls import Call, Upload
from bot.sandbox.telegram.errors import NO_SUCH_METHOD, NOT_FOUND, UNAUTHORIZED, ApiError
from bot.sandbox.telegram.event_bus import Subscription
from bot.sandbox.telegram.events import CallAnswered, CallMade
from bot.sandbox.telegram.faults import TelegramFaults, html_page
from bot.sandbox.telegram.limits import SendLimits
from bot.sandbox.telegram.methods import bot as bot_methods, editing, pinning, sending
from bot.sandbox.telegram.models import DEFAULT_TIMEOUT, Chat, User
from bot.sandbox.telegram.person import Person
from bot.sandbox.telegram.state import TelegramState

BOT_TOKEN = "1000000001:AAsandbox-telegram-on-this-machine0"
"""The bot's token. It has a valid form, but only the sandbox accepts it."""

MAX_UPLOAD_BYTES = 50 * 1024 * 1024
_MAX_FORM_BYTES = 1024 * 1024
"""How many bytes a multipart request may hold beside the file."""

_CALLS_KEPT = 10_000

T = TypeVar("T")
Method = Callable[[TelegramState, Call], object]
_METHODS: dict[str, Method] = {**bot_methods.METHODS, **sending.METHODS, **editing.METHODS, **pinning.METHODS}
_BY_LOWER_CASE = {name.lower(): name for name in _METHODS}


class SandboxTelegram:
    """A Telegram with one bot. Serve ``app`` with :func:`bot.sandbox.server.serve`. Nothing leaves this machine.

    ``calls`` are the bot's latest calls, oldest first. ``faults`` can be switched on and off at any time. ``token`` is
    the accepted token: change it to revoke the bot's. Without ``limits`` a bot may send as fast as it likes. A call
    is on the way for half of ``distance`` seconds up to all of them, and so is its answer.
    """

    def __init__(self, clock: Clock = utc_now, *, privacy: bool = True) -> None:
        bot = User(int(BOT_TOKEN.partition(":")[0]), "Invoice bot", username="sandbox_invoice_bot", is_bot=True)
        self.token = BOT_TOKEN
        self.state = TelegramState(clock, bot, privacy=privacy)
        self.faults = TelegramFaults()
        self.limits: SendLimits | None = None
        self.distance = 0.0
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.app = Starlette(
            routes=[
                Route("/bot{token}/{method}", self._call, methods=["GET", "POST"]),
                Route("/file/bot{token}/{path:path}", self._download),
            ]
        )

    @property
    def bot(self) -> User:
        return self.state.bot

    def add_user(
        self, first_name: str, *, last_name: str = "", username: str = "", language_code: str | None = "en"
    ) -> Person:
        return Person(self.state, self.state.add_user(first_name, last_name, username, language_code))

    def private_chat(self, person: Person, *, started: bool = True) -> Chat:
        """Return the person's chat with the bot. Unless ``started``, it refuses the bot until the person writes."""
        chat = self.state.private_chat(person.user)
        if started and chat.status(self.bot) is None:
            chat.set_members([self.bot], "member")
        return chat

    def subscribe(self) -> Subscription:
        """Subscribe to all events from now on."""
        return self.state.events.subscribe()

    async def wait_until(self, condition: Callable[[], T | None], timeout: float = DEFAULT_TIMEOUT) -> T:
        """Return the value of ``condition`` as soon as it is true. Raise :class:`TimeoutError` otherwise."""
        return await self.state.events.wait_until(condition, timeout)

    def calls_of(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    # --- HTTP -------------------------------------------------------------------------------------------------------

    async def _call(self, request: Request) -> Response:
        await self._travel()
        response = await self._receive(request)
        await self._travel()
        return response

    async def _travel(self) -> None:
        if self.distance:
            await asyncio.sleep(random.uniform(self.distance / 2, self.distance))

    async def _receive(self, request: Request) -> Response:
        refused = self._refuse_token(request)
        if refused:
            return _failure(ApiError(*refused))
        method = _BY_LOWER_CASE.get(request.path_params["method"].lower())
        if method is None:
            return _failure(ApiError(*NO_SUCH_METHOD))
        if int(request.headers.get("content-length", 0)) > MAX_UPLOAD_BYTES + _MAX_FORM_BYTES:
            async for _ in request.stream():  # read to the end; a client that still sends would not read the answer
                pass
            call = Call(method, self.state.clock(), {}, too_large=True)
        else:
            call = await _read(request, method, self.state.clock())
        self.calls.append(call)
        self.state.events.publish(CallMade(call))
        try:
            return await self._answer(call, request)
        finally:
            self.state.events.publish(CallAnswered(call))

    async def _answer(self, call: Call, request: Request) -> Response:
        if call.too_large:
            call.status = 413
            return html_page(413)
        fault = self.faults.take(call)
        if fault is not None and not fault.carried_out:
            call.status = fault.status
            return fault.response
        try:
            if self.limits and (refused := self.limits.refusal(call)):
                raise refused
            result = _METHODS[call.method](self.state, call)
            if inspect.isawaitable(result):
                result = await _while_heard(request, result)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody reads it
        except ApiError as error:
            call.status, call.description = error.code, error.description
            return _failure(error)
        if fault is not None:
            call.status = fault.status
            return fault.response
        call.status, call.result = 200, result
        return JSONResponse({"ok": True, "result": result})

    async def _download(self, request: Request) -> Response:
        refused = self._refuse_token(request)
        if refused:
            return _failure(ApiError(*refused))
        for file in self.state.files.values():
            if file.path == request.path_params["path"]:
                return Response(file.content, media_type="application/octet-stream")
        return _failure(ApiError(*NOT_FOUND))

    def _refuse_token(self, request: Request) -> tuple[int, str] | None:
        """Return why a token is refused: a wrong one is unauthorized, one of another form is not even an address."""
        token: str = request.path_params["token"]
        if token == self.token:
            return None
        number, _, secret = token.partition(":")
        return UNAUTHORIZED if number.isdigit() and secret else NOT_FOUND


async def _read(request: Request, method: str, at: datetime) -> Call:
    """Read the fields from the query, a form, a multipart form or a JSON object."""
    parameters: dict[str, str] = dict(request.query_params)
    uploads: dict[str, Upload] = {}
    if request.headers.get("content-type", "").startswith("application/json"):
        fields = json.loads(await request.body() or b"{}")
        parameters |= {n: value if isinstance(value, str) else json.dumps(value) for n, value in fields.items()}
    else:
        async with request.form(max_part_size=_MAX_FORM_BYTES) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    uploads[name] = Upload(value.filename or "", value.content_type or "", await value.read())
                else:
                    parameters[name] = value
    too_large = any(len(upload.content) > MAX_UPLOAD_BYTES for upload in uploads.values())
    return Call(method, at, parameters, uploads, too_large)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass  # the remaining body


async def _while_heard(request: Request, work: Awaitable[T]) -> T:
    """Return the result of ``work``. If the client hangs up, cancel it and raise :class:`ClientDisconnect`."""
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


def _failure(error: ApiError) -> Response:
    return JSONResponse(error.as_json(), error.code)

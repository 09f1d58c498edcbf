"""What the process serves over HTTP: health, metrics, calendars, and the webhook for Telegram's updates."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import __version__
from bot.chat.handlers.due_calendar import CalendarFeed
from bot.chat.webhook import WEBHOOK_TIMEOUT, Answer, Webhook
from bot.errors import StartError
from bot.health import Health
from bot.metrics import Metrics
from bot.ports import Clock
from bot.serving import Limits, serve_asgi

MAX_UPDATE_BYTES = 1024 * 1024
"""Telegram's own updates have a few thousand."""
SECRET_HEADER = "x-telegram-bot-api-secret-token"

REQUEST_GRACE = 1.0
"""Seconds. At a stop, requests in progress have so long to end."""

MAX_CONNECTIONS = 200
"""Telegram uses up to 100."""
FILES_PER_CONNECTION = 4
"""Connections get one of so many files that the process may open. The rest is for its work."""
HEAD_TIMEOUT = 10.0
BODY_TIMEOUT = 10.0
REQUEST_TIMEOUT = BODY_TIMEOUT + WEBHOOK_TIMEOUT + 10.0
"""Seconds. No answer takes so long, so its client does not read it."""

HTTP_STATUS = {Answer.HANDLED: 200, Answer.UNREADABLE: 400, Answer.NOT_NOW: 503}


@dataclass
class WebApp:
    """The endpoints of a process. ``webhook`` and ``calendars`` are set as soon as the bot works."""

    health: Health
    metrics: Metrics
    clock: Clock
    webhook: Webhook | None = None
    calendars: CalendarFeed | None = None

    def app(self, webhook_url: str = "", public_url: str = "") -> Starlette:
        """Return the ASGI application.

        It takes updates at the path of ``webhook_url``. Calendars are below the path of ``public_url``.
        """
        routes = [
            Route("/healthz", self._alive),
            Route("/readyz", self._ready),
            Route("/metrics", self._metrics),
        ]
        if public_url:
            routes.append(Route(f"{urlsplit(public_url).path.rstrip('/')}/calendar/{{address}}.ics", self._calendar))
        if webhook_url:
            routes.append(Route(urlsplit(webhook_url).path, self._update, methods=["POST"]))
        return Starlette(routes=routes)

    async def _alive(self, _: Request) -> Response:
        """Answer while the event loop runs. Nothing else is a reason to restart a process."""
        return JSONResponse({"status": "ok", "version": __version__})

    async def _ready(self, _: Request) -> Response:
        report = await self.health.report()
        body = {
            "ready": report.is_ready,
            "troubles": report.problems + report.notes,
            "updates_good_at": report.updates_at and report.updates_at.isoformat(),
            "check_ended_at": report.check_at and report.check_at.isoformat(),
        }
        return JSONResponse(body, 200 if report.is_ready else 503)

    async def _metrics(self, _: Request) -> Response:
        metrics = self.metrics.render(await self.health.report(), self.clock())
        return Response(metrics, headers={"content-type": CONTENT_TYPE_LATEST})

    async def _calendar(self, request: Request) -> Response:
        """Answer a program that has subscribed to a calendar."""
        if self.calendars is None:
            return Response(status_code=HTTP_STATUS[Answer.NOT_NOW])
        known = request.headers.get("if-none-match", "")
        answer = await self.calendars.answer(request.path_params["address"], known)
        return Response(answer.body, answer.status, answer.headers)

    async def _update(self, request: Request) -> Response:
        """Take an update. Telegram sends it again unless the answer is 200."""
        if self.webhook is None:
            return Response(status_code=HTTP_STATUS[Answer.NOT_NOW])
        if not self.webhook.knows(request.headers.get(SECRET_HEADER, "")):
            return Response(status_code=403)
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MAX_UPDATE_BYTES:
                        return Response(status_code=413)
        except ClientDisconnect:
            return Response(status_code=400)
        except TimeoutError:
            return Response(status_code=408)
        answer = await self.webhook.receive(bytes(body))
        return Response(status_code=HTTP_STATUS[answer])


def limits() -> Limits:
    """Return what clients may take of this process."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = MAX_CONNECTIONS if files == resource.RLIM_INFINITY else files // FILES_PER_CONNECTION
    return Limits(min(MAX_CONNECTIONS, connections), HEAD_TIMEOUT, REQUEST_TIMEOUT)


@asynccontextmanager
async def serve(
    web_app: WebApp, address: tuple[str, int], webhook_url: str, public_url: str = ""
) -> AsyncIterator[None]:
    """Serve all endpoints while the context lasts. Raise :class:`StartError` if the address is not available."""
    host, port = address
    async with AsyncExitStack() as stack:
        stack.enter_context(web_app.metrics.counting())
        try:
            app = web_app.app(webhook_url, public_url)
            await stack.enter_async_context(serve_asgi(app, host, port, REQUEST_GRACE, limits()))
        except OSError as error:
            why = error.strerror or error
            raise StartError(f"WEB_LISTEN: can't listen on the address {host}:{port} ({why}).") from error
        yield

"""The page's small web server: its files, the stream of events, and the requests to the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import get_args
from urllib.parse import quote
from uuid import uuid4

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.errors import StartError
from bot.sandbox.demo_world import DemoWorld
from bot.sandbox.page.controls import Controls
from bot.sandbox.page.same_origin import SameOriginGuard
from bot.sandbox.page.snapshot import OPENED
from bot.sandbox.page.stream import events
from bot.sandbox.page.user_actions import Administer, Block, Press, Write
from bot.sandbox.page.world_requests import Amend, Credit, Hide, Issue, Settle, ShowCredit, Switch, TopUp, Wait
from bot.sandbox.server import serve

PORT = 8099
"""Always the same, so that an open tab finds the page again."""

MAX_UPLOAD_BYTES = 20 * 1024 * 1024
STATIC = Path(__file__).parent / "static"
Form = Write | Press | Block | Administer | Issue | Settle | Amend | Hide | Credit | TopUp | ShowCredit | Switch | Wait
FORMS: dict[str, type[Form]] = {form.__name__.lower(): form for form in get_args(Form)}


@asynccontextmanager
async def open_page(demo: DemoWorld, port: int | None = None) -> AsyncIterator[str]:
    """Serve the page while the context lasts. Yield its address.

    Without a port it uses :data:`PORT`, or a free one if that is taken. Raise :class:`StartError` if the given port is
    taken.
    """
    app = application(demo)
    async with AsyncExitStack() as stack:
        try:
            address = await stack.enter_async_context(serve(app, PORT if port is None else port))
        except OSError:
            if port is not None:
                raise StartError(f"Port {port} can't be had. Choose another with --port.") from None
            address = await stack.enter_async_context(serve(app))
        yield address


def application(demo: DemoWorld) -> SameOriginGuard:
    """Return the ASGI application."""
    page = _Page(Controls(demo))
    routes = [
        Route("/api/events", page.events),
        Route("/api/upload", page.upload, methods=["POST"]),
        Route("/api/{form}", page.do, methods=["POST"]),
        Route("/files/{unique_id}/{name}", page.file),
        Mount("/", StaticFiles(directory=STATIC, html=True)),
    ]
    return SameOriginGuard(
        Starlette(
            routes=routes,
            exception_handlers={
                msgspec.DecodeError: _wrong,
                ValueError: _wrong,
                PermissionError: _refused,
                LookupError: _gone,
            },
        )
    )


class _Page:
    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._run = uuid4().hex

    async def events(self, _: Request) -> Response:
        return StreamingResponse(events(self._controls, self._run), media_type="text/event-stream")

    async def do(self, request: Request) -> Response:
        form = FORMS.get(request.path_params["form"])
        if form is None:
            raise HTTPException(404)
        msgspec.json.decode(await request.body(), type=form).do(self._controls)
        return Response(status_code=204)

    async def upload(self, request: Request) -> Response:
        """Receive a person's file as the body. The query names the person, the chat and the file."""
        query, demo = request.query_params, self._controls.demo
        if int(request.headers.get("content-length", 0)) > MAX_UPLOAD_BYTES:
            return _refusal("too_large", 413)
        person, chat = demo.person(int(query["person"])), demo.chat(int(query["chat"]))
        content = await request.body()
        if content:
            person.send_file(chat, query["name"], content)
        return Response(status_code=204)

    async def file(self, request: Request) -> Response:
        """Serve a document. The browser opens it if that is harmless, and saves it otherwise."""
        for file in self._controls.demo.sandbox.telegram.state.files.values():
            if file.unique_id == request.path_params["unique_id"]:
                how = "inline" if file.mime_type in OPENED else "attachment"
                headers = {"content-disposition": f"{how}; filename*=UTF-8''{quote(file.name)}"}
                return Response(file.content, headers=headers, media_type=file.mime_type)
        raise HTTPException(404)


async def _wrong(_: Request, __: Exception) -> Response:
    return _refusal("wrong", 422)


async def _refused(_: Request, __: Exception) -> Response:
    return _refusal("refused", 403)


async def _gone(_: Request, __: Exception) -> Response:
    return _refusal("gone", 404)


def _refusal(key: str, status: int) -> Response:
    """Return the reason of a refusal, as a key of the page's texts."""
    return JSONResponse({"error": key}, status)

"""Compares requests to the provider, and the answers of the sandbox's provider, with docs/provider-openapi.yaml.

The checks are on in every test: see tests/conformance.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.datastructures import Headers, ImmutableMultiDict

from bot.sandbox.provider.app import BASE_PATH

DESCRIPTION = Path(__file__).parents[2] / "docs" / "provider-openapi.yaml"
OURS = "invoice-bot/"
"""With this the User-Agent of the bot's own requests begins."""

Fields = tuple[tuple[str, str], ...]


@cache
def description() -> OpenAPI:
    return OpenAPI.from_file_path(str(DESCRIPTION))


@dataclass(unsafe_hash=True, slots=True)
class Request:
    """A request, in the form that openapi-core reads. The base URL is that of the description."""

    method: str
    path: str
    query: Fields
    headers: Fields
    body: bytes = b""
    host_url: str = "https://provider.example"
    parameters: RequestParameters = field(default_factory=RequestParameters, compare=False)

    def __post_init__(self) -> None:
        self.parameters.query = ImmutableMultiDict(self.query)
        self.parameters.header = Headers(self.headers)

    @property
    def content_type(self) -> str:
        return Headers(self.headers).get("content-type", "")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, likewise."""

    status_code: int
    given_headers: Fields
    data: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def headers(self) -> Headers:
        return Headers(self.given_headers)


@cache
def deviations_of_request(request: Request) -> tuple[str, ...]:
    """Return where a request deviates from the description. Its path is without the base URL's."""
    return tuple(_of_request(request))


def _of_request(request: Request) -> Iterator[str]:
    name = f"{request.method.upper()} {request.path}"
    found = description().unmarshal_request(request)
    yield from (f"{name}: {_words(error)}" for error in found.errors)
    if not found.errors:
        unknown = dict(request.query).keys() - dict(found.parameters.query).keys()
        yield from (f"{name}: unknown parameter {parameter!r}" for parameter in unknown)


@cache
def deviations_of_response(request: Request, response: Response) -> tuple[str, ...]:
    errors = description().iter_response_errors(request, response)
    return tuple(f"answer to {request.method.upper()} {request.path}: {_words(error)}" for error in errors)


def _words(error: Exception) -> str:
    """Return an error, or the ones that explain it with their places."""
    reasons = [f"{reason.json_path}: {reason.message}" for reason in getattr(error.__cause__, "schema_errors", [])]
    return "; ".join(reasons) or str(error)


class Recorder:
    """ASGI middleware that keeps a request's body and its whole answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.body = b""
        self.answer: Response | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started: list[Message] = []
        sent = bytearray()

        if is_ours(scope):  # a fault may keep the application from reading the body
            receive = await self._with_body_read(receive)

        async def send_kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
            sent.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, send_kept)
        if started:
            self.answer = Response(started[0]["status"], _decoded(started[0]["headers"]), bytes(sent))

    async def _with_body_read(self, receive: Receive) -> Receive:
        read: deque[Message] = deque()
        while not read or read[-1].get("more_body"):
            read.append(await receive())
            self.body += read[-1].get("body", b"")

        async def again() -> Message:
            return read.popleft() if read else await receive()

        return again


def request_in(scope: Scope, body: bytes) -> Request:
    headers = [(name, value) for name, value in _decoded(scope["headers"]) if name not in {"host", "user-agent"}]
    path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix(BASE_PATH)
    query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
    return Request(scope["method"].lower(), f"{BASE_PATH}{path}", tuple(query), tuple(headers), body)


def is_ours(scope: Scope) -> bool:
    """Return whether a request to the API is the bot's own."""
    agent = dict(_decoded(scope["headers"])).get("user-agent", "")
    return agent.startswith(OURS) and scope["path"].startswith(BASE_PATH)


def _decoded(headers: list[tuple[bytes, bytes]]) -> Fields:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)

"""The page's web server: which clients it serves, what it serves, and how it refuses invalid requests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bot.errors import StartError
from bot.sandbox.demo_world import TOKEN, DemoWorld
from bot.sandbox.page.app import open_page

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        yield client


async def first_events(client: httpx.AsyncClient, count: int) -> list[tuple[str, Any]]:
    """Return the first events of the stream, as (name, content)."""
    found: list[tuple[str, Any]] = []
    async with client.stream("GET", "/api/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        async for line in answer.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                found.append((name, json.loads(value)))
            if len(found) == count:
                return found
    return found


async def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_foreign(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "://" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "localhost"])
async def test_a_request_to_another_host_name_is_refused(client: httpx.AsyncClient, host: str) -> None:
    for path in ("/", "/api/events"):
        answer = await client.get(path, headers={"host": host.format(port=client.base_url.port)})
        assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://{host}"])
async def test_a_request_from_another_site_is_refused(client: httpx.AsyncClient, demo: DemoWorld, origin: str) -> None:
    headers = {"origin": origin.format(host=client.base_url.netloc.decode())}
    answer = await client.post("/api/credit", content=b'{"cents":1}', headers=headers)
    assert answer.status_code == 403
    assert demo.account.credit == 50


async def test_the_page_is_served_under_both_its_names(client: httpx.AsyncClient, demo: DemoWorld) -> None:
    for cents, host in enumerate((f"127.0.0.1:{client.base_url.port}", f"localhost:{client.base_url.port}"), 1):
        headers = {"host": host, "origin": f"http://{host}"}
        answer = await client.post("/api/credit", json={"cents": cents}, headers=headers)
        assert answer.status_code == 204
        assert demo.account.credit * 100 == cents


async def test_the_stream_begins_with_the_whole_state(client: httpx.AsyncClient, demo: DemoWorld) -> None:
    ada = demo.people[0]
    ada.send(demo.sandbox.telegram.private_chat(ada), "hello")
    (first, world), (second, messages) = await first_events(client, 2)
    assert (first, second) == ("world", "messages")
    assert [person["name"] for person in world["people"]] == ["Ada", "Jonas", "Mia"]
    assert (world["credit"], world["token"]) == ("50", TOKEN)
    assert [message["text"] for message in messages] == ["hello"]


@pytest.mark.parametrize(
    ("form", "content", "status", "error"),
    [
        ("issue", {"cents": 0, "days": 1, "kind": "Hosting"}, 422, "wrong"),
        ("issue", {"cents": 100, "days": 10_000, "kind": "Hosting"}, 422, "wrong"),
        ("issue", {"cents": 100, "days": 1, "kind": "Nonsense"}, 422, "wrong"),
        ("credit", {"cents": -1}, 422, "wrong"),
        ("credit", "no object", 422, "wrong"),
        ("settle", {"invoice": 1, "status": "Paid"}, 404, "gone"),
        ("settle", {"invoice": 212_032, "status": "Cancelled"}, 404, "gone"),  # it is paid
        ("switch", {"fault": "nonsense", "on": True}, 404, "gone"),
        ("wait", {"step": "year"}, 422, "wrong"),
        ("write", {"person": 5, "chat": 5, "text": "x"}, 404, "gone"),
        ("write", {"person": 1_000_001, "chat": 1_000_001, "text": ""}, 422, "wrong"),
        ("write", {"person": 1_000_001, "chat": 1_000_002, "text": "into another’s chat"}, 403, "refused"),
        ("press", {"person": 1_000_001, "chat": 1_000_001, "message": 7, "data": "pay:1"}, 404, "gone"),
        ("administer", {"person": 1_000_001, "chat": -4, "action": "upgrade"}, 403, "refused"),
    ],
)
async def test_an_impossible_request_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, demo: DemoWorld, form: str, content: object, status: int, error: str
) -> None:
    before = (len(demo.account.invoices), demo.account.credit, demo.sandbox.clock.ahead, len(demo.chats))
    answer = await client.post(f"/api/{form}", json=content)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert before == (len(demo.account.invoices), demo.account.credit, demo.sandbox.clock.ahead, len(demo.chats))


async def test_what_does_not_exist_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/nonsense", json={})).status_code == 404
    assert (await client.get("/files/none/a.pdf")).status_code == 404
    assert (await client.get("/../app.py")).status_code == 404


async def test_a_file_that_might_contain_a_script_is_only_saved(client: httpx.AsyncClient, demo: DemoWorld) -> None:
    ada = demo.people[0]
    chat = demo.sandbox.telegram.private_chat(ada)
    for name, how in (("a.pdf", "inline"), ("a.png", "inline"), ("a.html", "attachment"), ("a.svg", "attachment")):
        sent = ada.send_file(chat, name, b"<script>")
        assert sent.document is not None
        answer = await client.get(f"/files/{sent.document.unique_id}/{name}")
        assert answer.headers["content-disposition"].partition(";")[0] == how
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_too_big_is_refused(client: httpx.AsyncClient, demo: DemoWorld) -> None:
    where = f"person={demo.people[0].id}&chat={demo.people[0].id}&name=big.bin"
    answer = await client.post(f"/api/upload?{where}", content=bytes(20 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()) == (413, {"error": "too_large"})
    assert demo.sandbox.telegram.state.files == {}


async def test_a_second_page_gets_a_port_of_its_own(demo: DemoWorld) -> None:
    async with open_page(demo) as one, open_page(demo) as other:
        assert one != other
        for address in (one, other):
            async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
                assert (await client.get("/")).status_code == 200


async def test_a_given_port_that_is_taken_is_not_replaced(demo: DemoWorld, address: str) -> None:
    taken = httpx.URL(address).port
    with pytest.raises(StartError, match=f"Port {taken} can't be had"):
        async with open_page(demo, taken):
            pass


async def test_an_upload_by_an_unknown_person_is_refused(client: httpx.AsyncClient) -> None:
    for query, error in (("person=x&chat=1&name=a", "wrong"), ("person=1&chat=1&name=a", "gone"), ("", "gone")):
        assert (await client.post(f"/api/upload?{query}", content=b"x")).json() == {"error": error}

"""Proxies, including those of the environment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from bot.provider.transport import make_transport
from tests.provider.wire import HOST, answer_all, head_of, listen, make_certificate, proxy


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_plain_http_goes_through_the_environment_s_proxy(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    seen: list[bytes] = []
    async with listen(answer_all) as target, proxy(target, seen) as url:
        monkeypatch.setenv(variable.lower(), url)
        async with httpx.AsyncClient(transport=make_transport(5)) as http:
            assert (await http.get(f"http://{HOST}/path")).text == "ok"
    assert seen[0].startswith(f"GET http://{HOST}/path HTTP/1.1".encode())


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
async def test_https_goes_through_a_tunnel_without_showing_the_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    server, trusting = make_certificate(tmp_path)
    seen: list[bytes] = []
    async with listen(answer_all, server) as target, proxy(target, seen) as url:
        monkeypatch.setenv(variable, url)
        async with httpx.AsyncClient(transport=make_transport(5, verify=trusting)) as http:
            response = await http.get(f"https://{HOST}/path", headers={"Authorization": "Bearer secret"})
            assert response.text == "ok"
    assert len(seen) == 1
    assert seen[0].startswith(f"CONNECT {HOST}:443 ".encode())
    assert b"secret" not in seen[0]


async def test_a_proxy_without_a_scheme_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    async with listen(answer_all) as target, proxy(target, seen) as url:
        monkeypatch.setenv("http_proxy", url.removeprefix("http://"))
        async with httpx.AsyncClient(transport=make_transport(5)) as http:
            assert (await http.get(f"http://{HOST}/")).text == "ok"
    assert len(seen) == 1


async def test_loopback_is_never_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with listen(answer_all) as port, httpx.AsyncClient(transport=make_transport(5)) as http:
        assert (await http.get(f"http://127.0.0.1:{port}/")).text == "ok"
        assert (await http.get(f"http://localhost:{port}/")).text == "ok"


async def test_a_host_in_no_proxy_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "test")
    async with httpx.AsyncClient(transport=make_transport(5)) as http:
        with pytest.raises(httpx.ConnectError):  # only a direct request notices that the name doesn't resolve
            await http.get(f"http://nowhere.{HOST}/")


async def test_a_proxy_that_is_not_there_is_a_proxy_error() -> None:
    transport = make_transport(5, proxies={"all": "http://127.0.0.1:1"})
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(httpx.ProxyError):
            await http.get(f"http://{HOST}/")


async def test_a_proxy_that_refuses_the_tunnel_is_a_proxy_error(tmp_path: Path) -> None:
    _, trusting = make_certificate(tmp_path)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        await reader.read()

    async with listen(refuse) as port:
        transport = make_transport(5, verify=trusting, proxies={"https": f"http://127.0.0.1:{port}"})
        async with httpx.AsyncClient(transport=transport) as http:
            with pytest.raises(httpx.ProxyError):
                await http.get(f"https://{HOST}/")

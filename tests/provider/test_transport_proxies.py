"""Proxies, including those of the environment."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path

import httpx
import pytest

from bot.provider.transport import TlsFailed, make_transport
from tests.provider.wire import HOST, OK, answer_all, head_of, listen, make_certificate, proxy, silence


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


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_gets_its_password_and_nobody_else_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scheme: str
) -> None:
    server, trusting = make_certificate(tmp_path)
    beyond: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            beyond.append(await head_of(reader))
            writer.write(OK)

    seen: list[bytes] = []
    async with listen(answer, server if scheme == "https" else None) as target, proxy(target, seen) as url:
        monkeypatch.setenv("all_proxy", url.replace("://", "://ada:pass%40word@"))
        async with httpx.AsyncClient(transport=make_transport(5, verify=trusting)) as http:
            for _ in range(2):
                assert (await http.get(f"{scheme}://{HOST}/")).text == "ok"
    expected = b"proxy-authorization: Basic " + b64encode(b"ada:pass@word")
    assert expected.lower() in seen[0].lower()
    if scheme == "https":
        assert not any(b"proxy-authorization" in head.lower() for head in beyond)


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


async def error_of(url: str, monkeypatch: pytest.MonkeyPatch, **variables: str) -> httpx.TransportError:
    """Ask with these variables in the environment, and return the error."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with httpx.AsyncClient(transport=make_transport(5), timeout=httpx.Timeout(5, connect=0.2)) as http:
        with pytest.raises(httpx.TransportError) as caught:
            await http.get(url)
    return caught.value


@pytest.mark.parametrize("url", [f"http://{HOST}/", f"https://{HOST}/"])
@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy"])
async def test_a_proxy_that_is_not_there_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, url: str, variable: str
) -> None:
    error = await error_of(url, monkeypatch, **{variable: "http://ada:secret@127.0.0.1:1"})
    assert isinstance(error, httpx.ProxyError)
    assert f"the proxy in {variable} (http://127.0.0.1:1) does not connect" in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("socks://127.0.0.1:1", "has the scheme 'socks'"),
        ("socks5h://ada:secret@127.0.0.1:1", "has the scheme 'socks5h'"),
        ("http://", "is no URL"),
        ("http://127.0.0.1:port", "is no URL"),
        ("http://127.0.0.1:99999", "is no URL"),
        ("http://[::1", "is no URL"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, problem: str
) -> None:
    error = await error_of(f"https://{HOST}/", monkeypatch, **{variable: value})
    assert isinstance(error, httpx.ProxyError)
    assert f"the proxy in {variable} {problem}" in str(error)
    assert "secret" not in str(error)


async def test_a_proxy_that_cannot_be_used_is_no_matter_where_none_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks://127.0.0.1:1")
    async with listen(answer_all) as port, httpx.AsyncClient(transport=make_transport(5)) as http:
        assert (await http.get(f"http://127.0.0.1:{port}/")).text == "ok"


@pytest.mark.parametrize("url", [f"http://{HOST}/", f"https://{HOST}/"])
async def test_a_proxy_that_asks_for_a_password_is_a_proxy_error(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        await reader.read()

    async with listen(refuse) as port:
        error = await error_of(url, monkeypatch, all_proxy=f"http://127.0.0.1:{port}")
    assert isinstance(error, httpx.ProxyError)
    assert f"the proxy in all_proxy (http://127.0.0.1:{port})" in str(error)


async def test_a_proxy_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listen(silence) as port:
        error = await error_of(f"https://{HOST}/", monkeypatch, all_proxy=f"http://127.0.0.1:{port}")
    assert isinstance(error, httpx.ProxyError)
    assert "the proxy in all_proxy" in str(error)


async def test_something_that_is_no_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"\x05\xff")
        await reader.read()

    async with listen(garbage) as port:
        error = await error_of(f"https://{HOST}/", monkeypatch, all_proxy=f"http://127.0.0.1:{port}")
    assert "the proxy in all_proxy" in str(error)


async def test_a_certificate_that_is_not_trusted_is_named_behind_a_proxy_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server, _ = make_certificate(tmp_path)
    async with listen(answer_all, server) as target, proxy(target, []) as url:
        error = await error_of(f"https://{HOST}/", monkeypatch, https_proxy=url)
    assert isinstance(error, TlsFailed)
    assert f"SSL: {HOST}:443: self-signed certificate" in str(error)
    assert f"through the proxy in https_proxy ({url})" in str(error)

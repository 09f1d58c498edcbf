"""The proxies of the environment: which one leads to an address, and what it is called where it fails."""

from __future__ import annotations

import ipaddress
import os
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.request import getproxies, proxy_bypass

import httpx

SCHEMES = frozenset({"http", "https"})
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's URL without a password, the headers that carry the password, and the variable that names the proxy."""

    url: str
    variable: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"the proxy in {self.variable} ({self.url})"


class Proxies:
    """The proxies in ``given``, which maps ``http``, ``https`` or ``all`` to a URL, or those of the environment."""

    def __init__(self, given: Mapping[str, str] | None) -> None:
        self._given = getproxies() if given is None else given

    def leading_to(self, url: httpx.URL) -> Proxy | None:
        """Return the proxy for a URL, or None if it is reached directly, as loopback and ``NO_PROXY`` are.

        Raise :class:`httpx.ProxyError` if that proxy can't be used.
        """
        scheme = next((scheme for scheme in (url.scheme, "all") if self._given.get(scheme)), None)
        if scheme is None or _is_loopback(url.host) or proxy_bypass(url.host):
            return None
        return _read(self._given[scheme], _variable(scheme))


def _read(given: str, variable: str) -> Proxy:
    problem = "is no URL"
    with suppress(httpx.InvalidURL):
        url = httpx.URL(given if "://" in given else f"http://{given}")
        plain = str(url.copy_with(username=None, password=None))
        if url.scheme not in SCHEMES and url.host:
            problem = f"has the scheme {url.scheme!r}. Only http and https proxies can be used"
        elif url.host and (url.port or 0) <= MAX_PORT:
            return Proxy(plain, variable, _headers(url))
    raise httpx.ProxyError(f"the proxy in {variable} {problem}")


def _headers(url: httpx.URL) -> Mapping[str, str]:
    if not url.userinfo:
        return {}
    return {"Proxy-Authorization": f"Basic {b64encode(f'{url.username}:{url.password}'.encode()).decode()}"}


def _variable(scheme: str) -> str:
    """Return the variable as the environment spells it. The lower-case one counts if both are there."""
    name = f"{scheme}_proxy"
    return name if name in os.environ else name.upper()


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")

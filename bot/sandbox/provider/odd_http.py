"""Odd ways to send a response: bytes that nobody asked for, broken HTTP, odd headers, and files that are no files."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import zipfile
from base64 import b64encode
from dataclasses import replace

from bot.sandbox.provider.responses import BufferedResponse

IDLE_408 = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"
LATE_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LONG = 60_000
"""Bytes of a long header."""


def half_without_length(response: BufferedResponse) -> bytes:
    """Return a response whose end is where the connection ends, and that ends too early."""
    return replace(response, headers={**response.headers, "connection": "close"}).head() + _half(response.body)


def breaking_http(response: BufferedResponse) -> bytes:
    """Return a response whose head HTTP forbids: it tells two lengths."""
    length = len(response.body)
    told = {**response.headers, "content-length": str(length), "Content-Length": str(length + 1)}
    return replace(response, headers=told).head() + response.body


def with_long_header(response: BufferedResponse) -> BufferedResponse:
    return replace(response, headers={**response.headers, "content-security-policy": "x" * LONG})


def with_byte_order_mark(response: BufferedResponse) -> BufferedResponse:
    return replace(response, body=codecs.BOM_UTF8 + response.body)


def coded_twice(response: BufferedResponse) -> BufferedResponse:
    twice = gzip.compress(gzip.compress(response.body))
    return replace(response, headers={**response.headers, "content-encoding": "gzip, gzip"}, body=twice)


def named_otherwise(response: BufferedResponse) -> BufferedResponse:
    """Return a file under the name of another invoice."""
    headers = dict(response.headers)
    if "content-disposition" in headers:
        headers["content-disposition"] = re.sub(r"\d+", "1", headers["content-disposition"])
    return replace(response, headers=headers)


def without_files(_: BufferedResponse) -> BufferedResponse:
    """Return an archive with nothing in it."""
    file = io.BytesIO()
    zipfile.ZipFile(file, "w").close()
    return BufferedResponse(200, {"content-type": "application/zip"}, file.getvalue())


def with_other_total(response: BufferedResponse) -> BufferedResponse:
    """Return an e-invoice whose total is another one than in the list. It has as many bytes as before."""
    total = re.compile(rb"((?:GrandTotalAmount|TaxInclusiveAmount)[^>]*>)(\d)")
    body = total.sub(lambda found: found[1] + (b"8" if found[2] == b"9" else b"9"), response.body)
    return replace(response, body=body)


def wrapped(response: BufferedResponse) -> BufferedResponse:
    """Return a file within JSON."""
    content = {"data": {"content": b64encode(response.body).decode()}}
    return replace(response, body=json.dumps(content).encode())


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]

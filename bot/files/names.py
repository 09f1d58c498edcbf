"""Names of files that every system takes."""

from __future__ import annotations

from pathvalidate import sanitize_filename

MAX_NAME_BYTES = 120
"""In UTF-8, ending included. File systems allow 255, and some programs 260 for a whole path."""


def safe_name(stem: str, ending: str) -> str:
    """Return a file's name that every system takes, and no longer than :data:`MAX_NAME_BYTES`."""
    printable = "".join(c if c.isprintable() else " " for c in stem)
    short = printable.encode()[: MAX_NAME_BYTES - len(ending) - 1].decode(errors="ignore")  # 1: what is added below
    safe = sanitize_filename(short, platform="universal", replacement_text="_").strip(". ")
    return f"{safe or '_'}{ending}"

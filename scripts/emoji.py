"""Make the page's emoji font: the part of Noto Color Emoji that the bot and the page use.

It needs the whole font, as WOFF. ``npm pack @fontsource/noto-color-emoji`` brings it in ``package/files``::

    PYTHONPATH=. .venv/bin/python scripts/emoji.py package/files/noto-color-emoji-emoji-400-normal.woff
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

BOT = Path(__file__).parents[1] / "bot"
FONT = BOT / "sandbox" / "page" / "static" / "fonts" / "emoji.woff"
SOURCES = ("locales/**/*.po", "chat/**/*.py", "sandbox/page/static/**/*.js")

EMOJI = re.compile("[\u231a-\u23ff\u2600-\u27bf\u25aa-\u25fe\u2b00-\u2bff\u21a9\u21aa\u2139\U0001f000-\U0001faff]")
SPARE = frozenset(
    "⬆⬇➡📅📆🗂📁📂📎📝📤📥📨📧✉☎📱💻🔒🔐🛑🚫🟢🟠🔵⚫🏷🧮🏠👤👥🤖🎁🎉👍👎🆕❓❗🔃⏸⏹⏱⏲🕐🕒🕕💡🧭🛟🛠🔧💬📢📣🔊🔇"
    "🪙💵💸👉👈👆👇☀🗄📇📊⭐❤🔖📍🚦🚨🛎🙂😀🤔🙏📸📷🖼🎫🧰🗝🪪🏢🏁⚡⚖♻✔✂ℹ"
    "🙈🙉🙊👀🤝✋🎯🎨🧩🪄🛡🧹🚀🌱🌳🍀🌈❄🔥💧🏪🏛🏗🖇📐📏📰📚📖📕📗📘📙📓🗒🖊🖋💼👛💎📡🚗🚌🚲✈🚢⚓🎈🥳😊😉😅😢😴🤷🆘🆙🔛⏭⏮⤵⤴🔼🔽🟥🟩🟦🟨⬜⬛"
)
"""More of them, so that not every new text needs a new font."""

PLAIN = frozenset("☐✕")
"""Signs among them that are no emoji. Every text font has them."""


def used() -> set[str]:
    """Return all emoji in the bot's and the page's texts."""
    files = (path for pattern in SOURCES for path in BOT.glob(pattern))
    return {sign for path in files for sign in EMOJI.findall(path.read_text(encoding="utf-8"))} - PLAIN


def main(source: str) -> None:
    """Write the font. Its drawings stay as they are."""
    font = TTFont(source)
    missing = {sign for sign in used() if ord(sign) not in font.getBestCmap()}
    wanted = used() | SPARE
    if missing:
        sys.exit(f"This font lacks {' '.join(sorted(missing))}.")
    del font["SVG "]  # the same drawings once more, for other browsers
    subsetter = Subsetter(Options(layout_features=[], hinting=False, notdef_outline=True))
    subsetter.populate(unicodes=[*map(ord, wanted), 0xFE0F])
    subsetter.subset(font)
    font.flavor = "woff"
    font.save(FONT)
    sys.stdout.write(f"{FONT}: {len(wanted)} emoji, {FONT.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main(sys.argv[1])

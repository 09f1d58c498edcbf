"""The texts of a language, read from its .po file as it is, so that nobody can forget a compile step.

Babel reads such files too, and gettext then needs them in another form. Every start would wait for both.
"""

from __future__ import annotations

import json
import re
from gettext import c2py
from importlib import resources

ENTRY = re.compile(r'^(msgid|msgstr(?:\[\d\])?) ((?:"[^\n]*"\n)+)', re.MULTILINE)
"""A key or a text of it, in one or more quoted lines. A text that counts has several forms."""
PLURAL = re.compile(r"plural=([^;]*);")


class Catalogue:
    """The texts of a language by their keys. A key without a text stands for itself."""

    def __init__(self, language: str) -> None:
        source = resources.files("bot.locales") / language / "LC_MESSAGES" / "bot.po"
        self.texts = dict[str, list[str]]()
        """All forms of each text."""
        forms = list[str]()
        for what, lines in ENTRY.findall(source.read_text(encoding="utf-8")):
            text = json.loads(lines.replace('"\n"', ""))  # quoted as in JSON
            if what == "msgid":
                forms = self.texts[text] = []
            else:
                forms.append(text)
        (head,) = self.texts.pop("")
        self._form_for = c2py(PLURAL.findall(head)[0])

    def text(self, key: str) -> str:
        return self.texts.get(key, [key])[0]

    def counted(self, key: str, n: int) -> str:
        """Return the form of a text that goes with a number."""
        return self.texts[key][self._form_for(n)] if key in self.texts else key

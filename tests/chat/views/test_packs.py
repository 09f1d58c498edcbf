"""What is said at the end of a pack: never more than what came."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.views.packs import ended, lacks
from bot.domain.packs.choices import PackChoice
from bot.domain.packs.pack import Pack
from bot.errors import ProviderDown
from bot.ports import PackEnd
from tests.chat.samples import DE, EN, NOW, seen

TABLE = Pack("p", PackChoice(table_only=True), NOW)
FILES = ("Invoices.xlsx", "Invoices.csv")


def test_a_table_that_came_is_said_to_be_there() -> None:
    came = replace(TABLE, tables=2)
    assert "✅" in seen(ended(EN, came, PackEnd(3)))
    assert lacks(EN, came, PackEnd(3)) is None


def test_a_table_that_telegram_refused_is_not_said_to_be_there() -> None:
    refused = replace(TABLE, tables=2, refused=FILES)
    assert "The table did not come" in seen(ended(EN, refused, PackEnd(3)))
    assert "Die Tabelle ist nicht da" in seen(ended(DE, refused, PackEnd(3)))


def test_of_several_files_the_refused_one_is_named() -> None:
    partly = replace(TABLE, tables=2, refused=FILES[:1])
    assert "✅" in seen(ended(EN, partly, PackEnd(3)))
    missing = lacks(EN, partly, PackEnd(3))
    assert missing is not None
    assert "Telegram did not take: Invoices.xlsx" in seen(missing)


def test_a_table_that_could_not_be_made_is_not_said_to_be_there() -> None:
    end = PackEnd(3, why=ProviderDown())
    assert "✅" not in seen(ended(EN, TABLE, end))
    assert lacks(EN, TABLE, end) is not None

"""Work that gathers into batches, without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from bot.store.postgres.gathering import AT_MOST, Gathering


class Desk:
    """Carries out batches of words. It notes them, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.gathering: Gathering[str, str] = Gathering(self._carry_out)

    async def _carry_out(self, batch: Mapping[int, str]) -> Mapping[int, str | Exception]:
        self.batches.append(list(batch.values()))
        await self.open.wait()
        if "broken" in batch.values():
            raise ConnectionError
        return {key: ValueError(word) if word == "bad" else word.upper() for key, word in batch.items()}


async def a_turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_piece_that_comes_alone_is_carried_out_at_once() -> None:
    desk = Desk()
    end = desk.gathering.add(1, "one")
    await a_turn()
    assert end.done()
    assert await end == "ONE"


async def test_what_comes_while_a_batch_is_under_way_is_carried_out_together() -> None:
    desk = Desk()
    desk.open.clear()
    first = desk.gathering.add(1, "one")
    await a_turn()
    others = [desk.gathering.add(number, str(number)) for number in (2, 3, 4)]
    desk.open.set()
    assert await asyncio.gather(first, *others) == ["ONE", "2", "3", "4"]
    assert desk.batches == [["one"], ["2", "3", "4"]]


async def test_what_comes_shortly_after_a_batch_gathers_for_a_moment() -> None:
    desk = Desk()
    await desk.gathering.add(1, "one")
    ends = [desk.gathering.add(2, "two")]
    await a_turn()
    ends.append(desk.gathering.add(3, "three"))
    await asyncio.gather(*ends)
    assert desk.batches == [["one"], ["two", "three"]]


async def test_no_batch_is_larger_than_a_full_one() -> None:
    desk = Desk()
    await asyncio.gather(*(desk.gathering.add(number, str(number)) for number in range(3 * AT_MOST + 1)))
    assert [len(batch) for batch in desk.batches] == [AT_MOST, AT_MOST, AT_MOST, 1]


async def test_a_full_batch_goes_while_another_one_is_under_way_but_no_third_and_none_that_is_not_full() -> None:
    desk = Desk()
    desk.open.clear()
    first = desk.gathering.add(0, "one")
    await a_turn()
    ends = [desk.gathering.add(number, str(number)) for number in range(1, AT_MOST)]
    await a_turn()
    assert len(desk.batches) == 1
    ends += [desk.gathering.add(number, str(number)) for number in range(AT_MOST, 3 * AT_MOST)]
    await a_turn()
    assert [len(batch) for batch in desk.batches] == [1, AT_MOST]
    desk.open.set()
    await asyncio.gather(first, *ends)
    assert [len(batch) for batch in desk.batches] == [1, AT_MOST, AT_MOST, AT_MOST - 1]


async def test_a_piece_waits_for_the_one_before_with_its_key_even_in_another_batch() -> None:
    desk = Desk()
    desk.open.clear()
    ends = [desk.gathering.add(1, "a")]
    await a_turn()
    ends += [desk.gathering.add(1, str(number)) for number in range(AT_MOST)]
    await a_turn()
    assert desk.batches == [["a"]]
    desk.open.set()
    await asyncio.gather(*ends)
    assert desk.batches == [["a"], *([str(number)] for number in range(AT_MOST))]


async def test_pieces_with_one_key_are_carried_out_in_their_order() -> None:
    desk = Desk()
    ends = [desk.gathering.add(1, "a"), desk.gathering.add(1, "b"), desk.gathering.add(2, "c")]
    assert await asyncio.gather(*ends) == ["A", "B", "C"]
    assert desk.batches == [["a", "c"], ["b"]]


async def test_a_piece_that_fails_is_no_matter_of_the_others() -> None:
    desk = Desk()
    ends = [desk.gathering.add(1, "good"), desk.gathering.add(2, "bad")]
    assert await ends[0] == "GOOD"
    with pytest.raises(ValueError, match="bad"):
        await ends[1]


async def test_a_batch_that_fails_is_the_end_of_all_its_pieces_but_not_of_later_ones() -> None:
    desk = Desk()
    ends = [desk.gathering.add(1, "good"), desk.gathering.add(2, "broken")]
    outcomes = await asyncio.gather(*ends, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError, ConnectionError]
    assert await desk.gathering.add(3, "later") == "LATER"


async def test_a_piece_whose_caller_is_gone_is_still_carried_out() -> None:
    desk = Desk()
    desk.open.clear()
    ends = [desk.gathering.add(1, "one")]
    await a_turn()
    ends += [desk.gathering.add(2, "two"), desk.gathering.add(3, "three")]
    ends[0].cancel()
    ends[1].cancel()
    desk.open.set()
    assert await ends[2] == "THREE"
    await desk.gathering.settled()
    assert desk.batches == [["one"], ["two", "three"]]

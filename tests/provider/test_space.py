"""The temporary folder: downloads share it, and a full one is a sentence."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import NoSpaceLeft
from bot.provider import documents
from bot.provider.client import ProviderClient
from bot.provider.space import TemporarySpace, free_for_files
from bot.sandbox.provider.faults import Fault
from tests.provider.world import BERLIN, MAX_DOCUMENT, NOW, QUICK_RETRIES, World, open_quickly

PDF = 212032


async def hold(client: ProviderClient, world: World, sizes: list[int], gate: asyncio.Event) -> int:
    """Download a PDF and keep it until the gate opens. Return the most bytes that were held at once."""
    async with client.pdf(world.token, "en", PDF) as document:
        sizes.append(document.size)
        held = sum(sizes)
        await gate.wait()
        sizes.remove(document.size)
    return held


async def held_at_once(world: World, size: int, space: TemporarySpace, *, told: bool = True, times: int = 4) -> int:
    """Start downloads of this size. Return the most bytes that were held at once, once all have ended."""
    world.sandbox.faults.switch_on(Fault.HUGE, size=size, size_told=told)
    async with open_quickly() as http:
        client = ProviderClient(
            http,
            world.base_url,
            BERLIN,
            retries=QUICK_RETRIES,
            max_document=MAX_DOCUMENT,
            clock=lambda: NOW,
            space=space,
        )
        gate, sizes = asyncio.Event(), list[int]()
        downloads = [asyncio.create_task(hold(client, world, sizes, gate)) for _ in range(times)]
        await asyncio.sleep(0.2)
        gate.set()
        return max(await asyncio.gather(*downloads))


@pytest.mark.parametrize("told", [True, False])
async def test_large_downloads_that_do_not_fit_together_come_one_after_the_other(world: World, told: bool) -> None:
    space = TemporarySpace(lambda: int(1.5 * MAX_DOCUMENT))
    assert await held_at_once(world, int(0.9 * MAX_DOCUMENT), space, told=told) == int(0.9 * MAX_DOCUMENT)


async def test_small_ones_come_at_once(world: World) -> None:
    space = TemporarySpace(lambda: int(1.5 * MAX_DOCUMENT))
    assert await held_at_once(world, MAX_DOCUMENT // 100, space) == 4 * (MAX_DOCUMENT // 100)


async def test_all_together_keep_within_the_budget_however_much_is_free(world: World) -> None:
    space = TemporarySpace(lambda: 10**12, together=2 * MAX_DOCUMENT)
    assert await held_at_once(world, MAX_DOCUMENT, space, times=6) == 2 * MAX_DOCUMENT


async def test_one_alone_is_always_tried(world: World) -> None:
    def no_folder() -> int:
        raise FileNotFoundError

    assert await held_at_once(world, MAX_DOCUMENT, TemporarySpace(no_folder), times=2) == MAX_DOCUMENT


async def test_who_waits_too_long_for_space_hears_so() -> None:
    space = TemporarySpace(lambda: 10, longest_wait=0.01)
    async with space.share(10):
        with pytest.raises(NoSpaceLeft):
            async with space.share(10):
                pass
    async with space.share(10):
        pass


async def test_a_share_that_shrinks_lets_another_one_in() -> None:
    space = TemporarySpace(lambda: 100)
    async with space.share(100) as first:
        waiting = asyncio.create_task(space.share(50).__aenter__())
        await asyncio.sleep(0)
        assert not waiting.done()
        first.shrink(50)
        await asyncio.wait_for(waiting, 5)


@pytest.mark.parametrize("large", [False, True])
async def test_a_full_folder_is_no_traceback_and_leaves_nothing_open(
    world: World, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    monkeypatch.setattr(documents, "TemporaryFile", lambda: open("/dev/full", "w+b"))  # noqa: SIM115, PTH123  # as the real one
    if large:
        world.sandbox.faults.switch_on(Fault.HUGE, size=MAX_DOCUMENT)
    with pytest.raises(NoSpaceLeft):
        async with world.client.pdf(world.token, "en", PDF):
            pass
    assert world.asked(f"client/invoices/{PDF}/download") == 1


async def test_no_folder_at_all_is_one_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_folder() -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(documents, "TemporaryFile", no_folder)
    with pytest.raises(NoSpaceLeft):
        async with world.client.pdf(world.token, "en", PDF):
            pass


def test_the_temporary_folder_says_what_is_free() -> None:
    assert free_for_files() > 0

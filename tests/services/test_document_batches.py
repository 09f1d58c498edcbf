"""Several documents, one after the other: progress, cancelling, failures in the middle, and a stop of the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from bot.domain.chats import Place
from bot.domain.document_batches import DocumentBatch, batch_id
from bot.errors import ChatGone, DeliveryUncertain, NotLinked, ProviderDown, QuestionOver, SendRefused
from bot.ports import InvoiceDocument
from bot.services.document_batches import ASK_AGAIN, LEASE, PROGRESS_EVERY, BatchEnd, DocumentBatches
from bot.services.documents import Documents
from tests.fakes import invoice
from tests.services.world import ADA, SECOND, World

FOUR = (7, 8, 9, 10)
AT = batch_id("press")


class Post:
    """Takes documents. ``before`` is called with each one's number, and may raise."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.before: Callable[[int], object] = lambda _: None

    async def __call__(self, document: InvoiceDocument) -> str:
        result = self.before(document.invoice_id)
        if asyncio.iscoroutine(result):
            await result
        self.taken.append(document.invoice_id)
        return f"file {document.invoice_id}"


class Shown:
    """Keeps how far each drawing said that it came."""

    def __init__(self) -> None:
        self.left: list[int] = []

    async def __call__(self, batch: DocumentBatch) -> int:
        self.left.append(len(batch.left))
        return 500


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def four(paying: World) -> World:
    for number in FOUR:
        paying.account.put(invoice(number, date(2026, 6, 15), "10.00"))
    return paying


def batches(world: World) -> DocumentBatches:
    return DocumentBatches(Documents(world.reads, world.store), world.store, world.clock)


def replica_of(world: World) -> DocumentBatches:
    """Return the service of another process, which looks often, and renews its lease only between documents."""

    async def sleep(seconds: float) -> None:
        await (asyncio.sleep(0.001) if seconds == ASK_AGAIN else asyncio.Event().wait())

    return DocumentBatches(Documents(world.reads, world.store), world.store, world.clock, sleep)


async def prepare(world: World, numbers: tuple[int, ...] = FOUR) -> None:
    chat = await world.chat()
    await batches(world).prepare(chat, Place(chat.id), ADA, numbers, AT)


async def send(world: World, post: Post, shown: Shown) -> BatchEnd:
    end = await batches(world).send(await world.chat(), AT, post, shown)
    assert end is not None
    return end


def failing(number: int, error: Exception) -> Callable[[int], None]:
    def fail(at: int) -> None:
        if at == number:
            raise error

    return fail


async def test_documents_come_in_the_lists_order_and_that_is_all(four: World, post: Post, shown: Shown) -> None:
    await prepare(four, (9, 7, 10, 8, 7))
    end = await send(four, post, shown)
    assert post.taken == [9, 7, 10, 8]
    assert (end.stopped, end.why, end.again, end.batch.came) == (False, None, None, (9, 7, 10, 8))


async def test_progress_is_drawn_at_the_start_and_then_now_and_again(four: World, post: Post, shown: Shown) -> None:
    await prepare(four)
    steps = {7: SECOND, 8: PROGRESS_EVERY, 9: SECOND, 10: SECOND}
    post.before = lambda number: four.clock.move(steps[number])
    await send(four, post, shown)
    assert shown.left == [4, 2]


async def test_cancelling_lets_the_one_under_way_arrive_and_no_other(four: World, post: Post, shown: Shown) -> None:
    await prepare(four)
    chat = await four.chat()
    other_process = batches(four)

    async def cancel(number: int) -> None:
        if number == 8:
            await other_process.stop(chat, ADA, AT)

    post.before = cancel
    end = await send(four, post, shown)
    assert post.taken == [7, 8]
    assert end.stopped
    assert end.again is not None
    assert end.again.numbers == (9, 10)


async def test_one_that_is_refused_leaves_the_others_alone_and_can_be_asked_for_again(
    four: World, post: Post, shown: Shown
) -> None:
    await prepare(four)
    post.before = failing(8, SendRefused("Bad Request: wrong file"))
    end = await send(four, post, shown)
    assert (post.taken, end.batch.missing, end.why) == ([7, 9, 10], [8], None)
    post.before = lambda _: None
    assert end.again is not None
    again = await batches(four).send(await four.chat(), end.again.id, post, shown)
    assert again is not None
    assert (post.taken, again.again) == ([7, 9, 10, 8], None)


async def test_one_that_the_provider_does_not_have_leaves_the_others_alone(
    four: World, post: Post, shown: Shown
) -> None:
    await prepare(four, (7, 99, 8))
    end = await send(four, post, shown)
    assert (post.taken, end.batch.missing) == ([7, 8], [99])


async def test_one_that_perhaps_arrived_is_said_to_be_unsure(four: World, post: Post, shown: Shown) -> None:
    await prepare(four)
    post.before = failing(8, DeliveryUncertain())
    end = await send(four, post, shown)
    assert (end.batch.missing, end.batch.unsure, post.taken) == ([], (8,), [7, 9, 10])


async def test_what_is_about_all_ends_it_with_the_reason(four: World, post: Post, shown: Shown) -> None:
    await prepare(four)
    post.before = failing(8, error := ProviderDown())
    end = await send(four, post, shown)
    assert (post.taken, end.why, list(end.batch.missing)) == ([7], error, [8, 9, 10])


async def test_a_chat_that_is_gone_gets_nothing_more(four: World, post: Post, shown: Shown) -> None:
    await prepare(four)
    post.before = failing(8, ChatGone("blocked"))
    with pytest.raises(ChatGone):
        await send(four, post, shown)
    assert post.taken == [7]


async def test_after_a_stop_it_goes_on_where_it_was_and_doubles_nothing(four: World, post: Post, shown: Shown) -> None:
    await prepare(four)
    reached = asyncio.Event()

    async def hang(number: int) -> None:
        if number == 8:
            reached.set()
            await asyncio.Event().wait()

    post.before = hang
    job = asyncio.create_task(send(four, post, shown))
    await reached.wait()
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    await four.restart()
    post.before = lambda _: None
    await prepare(four)  # the press comes again
    end = await send(four, post, shown)
    assert post.taken == [7, 9, 10]
    assert (end.batch.unsure, end.batch.message_id, end.batch.came) == ((8,), 500, (7, 9, 10))


async def test_a_press_that_comes_again_after_the_end_sends_nothing(four: World, post: Post, shown: Shown) -> None:
    await prepare(four)
    await send(four, post, shown)
    await prepare(four)
    assert await batches(four).send(await four.chat(), AT, post, shown) is None
    assert post.taken == [*FOUR]


async def test_two_presses_at_once_send_each_document_once(four: World, post: Post, shown: Shown) -> None:
    await prepare(four)
    room, chat = batches(four), await four.chat()
    ends = await asyncio.gather(*(room.send(chat, AT, post, shown) for _ in range(3)))
    assert post.taken == [*FOUR]
    assert [end is None for end in ends].count(False) == 1


@pytest.mark.parametrize("frozen", [False, True])
async def test_two_replicas_that_get_the_same_press_send_each_document_once(
    four: World, post: Post, shown: Shown, *, frozen: bool
) -> None:
    """If one stands still for longer than its lease, the other goes on, and the first one leaves it to that."""
    await prepare(four)
    chat, ends = await four.chat(), list[BatchEnd | None]()
    reached, thaw = asyncio.Event(), asyncio.Event()

    async def stand_still(number: int) -> None:
        if number == 8:
            post.before = lambda _: None
            reached.set()
            await thaw.wait()

    async def replica() -> None:
        ends.append(await replica_of(four).send(chat, AT, post, shown))

    post.before = stand_still
    first = asyncio.create_task(replica())
    await reached.wait()
    second = asyncio.create_task(replica())
    await asyncio.sleep(0.05)
    assert post.taken == [7]
    if frozen:
        four.clock.move(LEASE)
        await second
        assert post.taken == [7, 9, 10]
    thaw.set()
    await asyncio.gather(first, second)
    assert sorted(post.taken) == [*FOUR]
    (end,) = [end for end in ends if end is not None]
    assert end.batch.unsure == ((8,) if frozen else ())
    assert await four.store.pending(DocumentBatch, AT) == end.batch


async def test_unlinking_ends_it_between_two_documents(four: World, post: Post, shown: Shown) -> None:
    await prepare(four)
    chat = await four.chat()

    async def unlink(number: int) -> None:
        if number == 8:
            await four.store.unlink(chat.id)

    post.before = unlink
    with pytest.raises(NotLinked):
        await batches(four).send(chat, AT, post, shown)
    assert post.taken == [7, 8]


async def test_a_batch_of_another_chat_or_account_or_of_long_ago_is_over(four: World, post: Post, shown: Shown) -> None:
    await prepare(four)
    chat = await four.chat()
    assert chat.link is not None
    others = [replace(chat, id=chat.id + 1), replace(chat, link=replace(chat.link, account="b" * 64))]
    for other in others:
        with pytest.raises(QuestionOver):
            await batches(four).send(other, AT, post, shown)
    four.clock.move(25 * 3600 * SECOND)
    with pytest.raises(QuestionOver):
        await send(four, post, shown)
    assert post.taken == []

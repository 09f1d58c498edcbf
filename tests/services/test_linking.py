"""Linking a chat to an account, and unlinking it."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chats import Place, Token
from bot.domain.payments import Outcome
from bot.domain.token_offers import OFFER_LIFETIME, OfferedToken
from bot.errors import (
    AnswerNotUnderstood,
    ConfirmationExpired,
    LinkInUse,
    LinkWouldBeReplaced,
    NotSent,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    QuestionOver,
    RateLimited,
    TokenPaused,
    TokenRefused,
)
from tests.fakes import Gate, invoice, settled
from tests.services.world import ADA, BOB, DAY, DUE, MESSAGE, MINUTE, OPEN, SECOND, START, TOKEN, World, member

# --- Linking ---------------------------------------------------------------------------------------------------------


async def test_a_link_is_stored_after_the_provider_took_the_token(world: World) -> None:
    world.account.put(invoice(7, DUE))
    listing = await world.link()
    assert [one.id for one in listing.invoices] == [7]
    await world.restart()
    link = await world.linked()
    assert link.token.reveal() == TOKEN
    assert (link.place, link.linked_by, link.linked_at, link.watch.checked_at) == (Place(1), ADA, START, START)
    assert link.next_check_at == START + 15 * MINUTE
    assert (await world.known()).keys() == {7}


@pytest.mark.parametrize(
    "error",
    [TokenRefused(), PermissionMissing("x"), ProviderDown(), RateLimited(), AnswerNotUnderstood("HTML")],
    ids=lambda error: type(error).__name__,
)
async def test_a_token_that_was_not_taken_is_stored_nowhere_and_the_older_link_stands(
    world: World, error: ProviderError
) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    before, known = await world.linked(), await world.known()
    world.provider.errors["token-of-nobody"] = error
    with pytest.raises(type(error)):
        await world.link(token="token-of-nobody", user=BOB)
    assert await world.linked() == before
    assert await world.known() == known
    await world.live(DUE)
    assert world.told() == [(AlertKind.DUE, 7, 0)]


async def test_a_first_token_that_is_refused_leaves_nothing_behind(world: World) -> None:
    world.provider.errors["token-of-nobody"] = TokenRefused()
    with pytest.raises(TokenRefused):
        await world.link(token="token-of-nobody")
    assert (await world.chat()).link is None
    assert not any(b"token-of-nobody" in path.read_bytes() for path in world.folder.rglob("*") if path.is_file())


async def test_the_token_is_not_on_the_disk_in_the_clear(world: World) -> None:
    await world.link()
    files = [path.read_bytes() for path in world.folder.rglob("*") if path.is_file()]
    assert any(b"link" in content for content in files)
    assert not any(TOKEN.encode() in content for content in files)


async def test_a_link_to_another_account_is_replaced_only_by_who_agreed_to_that(world: World) -> None:
    await world.link()
    before = await world.linked()
    world.provider.account("token-of-another")
    for agreed in (None, START - SECOND):
        with pytest.raises(LinkWouldBeReplaced) as refused:
            await world.link(token="token-of-another", replacing=agreed)
        assert refused.value.linked_at == before.linked_at
        assert await world.linked() == before
    await world.link(token="token-of-another", replacing=before.linked_at)
    assert (await world.linked()).token == Token("token-of-another")


async def test_the_same_account_can_be_linked_again_without_a_question(world: World) -> None:
    await world.link()
    world.clock.now += MINUTE
    await world.link(replacing=None)
    assert (await world.linked()).linked_at == START + MINUTE


# --- A token that waits for a yes -----------------------------------------------------------------------------------


async def test_an_offered_token_is_kept_sealed_for_its_person_until_it_expires(world: World) -> None:
    offer = await world.linking.offer(Place(1), member(ADA), Token(TOKEN), START)
    await world.restart()
    offered, token = await world.linking.offered(offer.id, member(ADA))
    assert (offered.replaces, token) == (START, Token(TOKEN))
    assert not any(TOKEN.encode() in path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
    with pytest.raises(ConfirmationExpired):
        await world.linking.offered(offer.id, member(BOB))
    world.clock.now += OFFER_LIFETIME
    with pytest.raises(QuestionOver):
        await world.linking.offered(offer.id, member(ADA))


async def test_an_expired_offer_is_deleted_within_a_minute(world: World) -> None:
    offer = await world.linking.offer(Place(1), member(ADA), Token(TOKEN), START)
    await world.linking.tick()
    assert await world.store.pending(OfferedToken, offer.id) is not None
    world.clock.now += OFFER_LIFETIME
    await world.linking.tick()
    assert await world.store.pending(OfferedToken, offer.id) is None
    assert not any(offer.id.encode() in path.read_bytes() for path in world.folder.rglob("*") if path.is_file())


async def test_a_newer_offer_takes_the_place_of_the_older_one(world: World) -> None:
    older = await world.linking.offer(Place(1), member(ADA), Token("another-token"), START)
    newer = await world.linking.offer(Place(1), member(ADA), Token(TOKEN), START)
    with pytest.raises(ConfirmationExpired):
        await world.linking.offered(older.id, member(ADA))
    _, token = await world.linking.offered(newer.id, member(ADA))
    assert token == Token(TOKEN)


# --- Wrong tokens ---------------------------------------------------------------------------------------------------


async def wrong(world: World, user: int = ADA) -> None:
    with pytest.raises(TokenRefused):
        await world.link(token="token-of-nobody", user=user)


async def test_after_three_wrong_tokens_a_person_has_to_wait_ever_longer_also_across_a_restart(world: World) -> None:
    world.provider.errors["token-of-nobody"] = TokenRefused()
    for _ in range(3):
        await wrong(world)
    calls = len(world.provider.calls)
    for minutes in (1, 2, 5, 15, 60, 60):
        await world.restart()
        with pytest.raises(TokenPaused) as paused:
            await world.link()
        assert paused.value.wait == minutes * MINUTE
        world.clock.now += minutes * MINUTE - SECOND
        with pytest.raises(TokenPaused):
            await world.link(token="token-of-nobody")
        world.clock.now += SECOND
        await wrong(world)
        calls += 1
        assert len(world.provider.calls) == calls


async def test_one_persons_pause_is_nobody_elses_and_outlives_the_chats_data(world: World) -> None:
    world.provider.errors["token-of-nobody"] = TokenRefused()
    await world.link()
    for _ in range(3):
        await wrong(world)
    await world.linking.unlink(await world.chat())
    with pytest.raises(TokenPaused):
        await world.link()
    await world.link(user=BOB)


@pytest.mark.parametrize("error", [ProviderDown(), RateLimited(), AnswerNotUnderstood("HTML")], ids=lambda e: e.key)
async def test_an_outage_is_no_wrong_token(world: World, error: ProviderError) -> None:
    world.provider.errors["token-of-nobody"] = error
    for _ in range(5):
        with pytest.raises(type(error)):
            await world.link(token="token-of-nobody")
    await world.link()


# --- Linking anew ---------------------------------------------------------------------------------------------------


async def test_linking_anew_replaces_the_account_and_drops_what_was_known(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.put(invoice(8, DUE))
    world.noon(DUE - DAY)
    await world.check()  # an alert waits now
    world.provider.account("token-of-another").put(invoice(9, DUE))
    await world.link(token="token-of-another", user=BOB)
    assert (await world.known()).keys() == {9}
    await world.live(DUE)
    assert world.told() == [(AlertKind.DUE, 9, 0)]
    assert (await world.linked()).linked_by == BOB


async def test_a_link_is_kept_while_a_payment_of_the_chat_is_under_way(paying: World) -> None:
    paying.provider.account("token-of-another")
    paying.provider.lost["pay"] = ProviderDown()
    paying.provider.gates["pay"] = gate = Gate()
    press = asyncio.create_task(paying.press((await paying.ask()).id))
    await asyncio.wait_for(gate.reached.wait(), 5)
    before = await paying.linked()
    with pytest.raises(LinkInUse):
        await paying.link(token="token-of-another")
    with pytest.raises(LinkInUse):
        await paying.linking.unlink(await paying.chat())
    assert await paying.linked() == before
    gate.open()
    await press
    assert paying.endings() == [Outcome.DONE]
    await paying.link(token="token-of-another")
    assert (await paying.linked()).account != before.account


async def test_a_confirmation_that_was_not_sent_yet_keeps_the_link_too(paying: World) -> None:
    await paying.payments.confirm((await paying.ask()).id, Place(1), member(ADA), MESSAGE, await paying.chat())
    with pytest.raises(LinkInUse):
        await paying.linking.unlink(await paying.chat())
    await paying.reconcile_for(5 * MINUTE)
    assert await paying.linking.unlink(await paying.chat())


async def test_the_same_account_can_be_linked_anew_while_it_pays(paying: World) -> None:
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    await paying.link()
    paying.account.put(settled(OPEN))
    await paying.reconcile_for(MINUTE)
    assert paying.endings() == [Outcome.DONE]


async def test_a_payment_of_another_chat_does_not_keep_the_link(paying: World) -> None:
    await paying.link(2)
    paying.provider.errors["pay"] = ProviderDown()
    await paying.press((await paying.ask()).id)
    assert await paying.linking.unlink(await paying.chat(2))


async def test_a_question_or_an_end_that_is_still_to_be_told_does_not_keep_the_link(paying: World) -> None:
    await paying.ask()
    paying.messenger.troubles[1].extend([None, NotSent()])
    await paying.press((await paying.ask()).id)
    assert await paying.linking.unlink(await paying.chat())
    await paying.reconcile_for(MINUTE)
    assert paying.endings() == [Outcome.DONE]


async def test_linking_the_same_account_again_repeats_nothing(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.live(DUE)
    await world.link()
    await world.live(DUE)
    world.clock.move(DAY / 4)
    await world.check()
    await world.deliver()
    assert world.told() == [(AlertKind.DUE, 7, 0)]


async def test_the_same_token_gives_the_same_account_in_every_chat_and_another_another(world: World) -> None:
    await world.link(1)
    await world.link(2)
    await world.link(3, "token-of-another")
    accounts = [(await world.linked(chat_id)).account for chat_id in (1, 2, 3)]
    assert accounts[0] == accounts[1] != accounts[2]
    await world.restart()
    assert (await world.linked(1)).account == accounts[0]
    assert TOKEN not in accounts[0]


async def test_the_language_that_telegram_reports_is_kept_with_the_link(world: World) -> None:
    chat = await world.chat()
    world.provider.account(TOKEN)
    german = type(chat)(chat.id, telegram_language="de")
    await world.linking.link(german, Place(1), member(ADA), Token(TOKEN))
    assert (await world.chat()).reply_language == "de"
    assert world.provider.languages == ["de"]


async def test_the_link_remembers_the_topic_it_was_made_in(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.linking.link(await world.chat(), Place(1, 5), member(ADA), Token(TOKEN))
    await world.live(DUE)
    assert world.messenger.sent[0].alerts[0].place == Place(1, 5)


# --- Waiting for the token -------------------------------------------------------------------------------------------


async def test_the_next_message_is_the_token_for_ten_minutes(world: World) -> None:
    assert not world.linking.expects_token(await world.chat())
    await world.linking.expect_token(await world.chat())
    await world.restart()
    world.clock.move(10 * MINUTE - SECOND)
    assert world.linking.expects_token(await world.chat())
    world.clock.move(SECOND)
    assert not world.linking.expects_token(await world.chat())


async def test_the_wait_for_a_token_ends_with_the_link(world: World) -> None:
    await world.linking.expect_token(await world.chat())
    await world.link()
    assert not world.linking.expects_token(await world.chat())


# --- Unlinking -------------------------------------------------------------------------------------------------------


async def test_unlinking_forgets_everything(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.put(invoice(8, DUE))
    world.noon(DUE)
    await world.check()
    await world.ask(7)
    assert await world.linking.unlink(await world.chat())
    await world.restart()
    await world.live(DUE + DAY)
    assert world.told() == []
    assert (await world.chat()).link is None
    assert not list((world.folder / "chats").iterdir())
    assert not list((world.folder / "accounts").iterdir())


async def test_unlinking_a_chat_that_is_not_linked_says_so(world: World) -> None:
    assert not await world.linking.unlink(await world.chat())


async def test_unlinking_one_chat_leaves_another_of_the_same_account_alone(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link(1)
    await world.link(2)
    question = await world.ask(7, chat_id=2)
    await world.linking.unlink(await world.chat(1))
    await world.live(DUE)
    assert world.told(1) == []
    assert world.told(2) == [(AlertKind.DUE, 7, 0)]
    assert await world.payment(question.id) == question

"""Contract of pending items: invitations and selections, which are kept for minutes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal

from bot.domain.chats import Place, Token
from bot.domain.document_batches import DocumentBatch, StoppedBatch
from bot.domain.invitations import Invitation, id_of
from bot.domain.search.kept import SearchText
from bot.domain.selections import Offer, Selection
from bot.domain.token_offers import OfferedToken, TokenPause
from tests.store.examples import CHAT, MINUTE, NOW, OTHER, SECOND, Opener, linked

INVITATION = Invitation(id_of("nonce"), Place(OTHER, 12), "Größe & <b>", 7, NOW + 15 * MINUTE, NOW)
SELECTION = Selection(
    id="s1",
    place=Place(CHAT),
    account="a" * 64,
    user_id=7,
    expires_at=NOW + 10 * MINUTE,
    offers=(Offer(1, Decimal("7.950"), date(2026, 4, 4), "KVM „Größe“"), Offer(2, Decimal(1), None, "")),
    more=3,
    chosen=(2,),
)
OFFER = OfferedToken("o1", Place(CHAT), 7, NOW + 10 * MINUTE, NOW, INVITATION.id)
SEARCH = SearchText("f1", Place(CHAT), 7, NOW + 60 * MINUTE, "Größe\n> 20 €", date(2026, 4, 4))
BATCH = DocumentBatch(
    "d1", Place(CHAT, 3), 7, NOW + 60 * MINUTE, "a" * 64, (4, 2, 3), (4,), (2,), sending=3, message_id=9
)
STOP = StoppedBatch(BATCH.id, Place(CHAT), 8, NOW + 60 * MINUTE)
PAUSE = TokenPause(str(CHAT), Place(CHAT), CHAT, NOW + 60 * MINUTE, 3, NOW)


class PendingItemContract:
    """Each item is used up once. Expired items may be gone."""

    async def test_pending_items_come_back_as_they_were_stored(self, opener: Opener) -> None:
        store = await opener.open()
        await store.put_pending(INVITATION, NOW)
        await store.put_pending(SELECTION, NOW)
        await opener.crash()
        store = await opener.open()
        assert await store.pending(Invitation, INVITATION.id) == INVITATION
        assert await store.pending(Selection, "s1") == SELECTION
        assert (await store.pending(Invitation, "unknown"), await store.pending(Selection, "unknown")) == (None, None)

    async def test_each_item_is_used_up_once(self, opener: Opener) -> None:
        store = await opener.open()
        await store.put_pending(INVITATION, NOW)
        await store.put_pending(SELECTION, NOW)
        taken = await asyncio.gather(*(store.take_pending(Invitation, INVITATION.id) for _ in range(5)))
        chosen = await asyncio.gather(*(store.take_pending(Selection, "s1") for _ in range(5)))
        assert (taken.count(INVITATION), chosen.count(SELECTION)) == (1, 1)
        assert (await store.pending(Invitation, INVITATION.id), await store.pending(Selection, "s1")) == (None, None)

    async def test_a_newer_invitation_replaces_the_same_persons_older_one(self, opener: Opener) -> None:
        store = await opener.open()
        others = [replace(INVITATION, id="b", user_id=8), replace(INVITATION, id="c", place=Place(-5))]
        for invitation in (INVITATION, *others, newer := replace(INVITATION, id="d")):
            await store.put_pending(invitation, NOW)
        found = [await store.pending(Invitation, number) for number in (INVITATION.id, "b", "c", "d")]
        assert found == [None, *others, newer]

    async def test_a_selection_replaces_the_one_with_the_same_id(self, opener: Opener) -> None:
        store = await opener.open()
        await store.put_pending(SELECTION, NOW)
        await store.put_pending(replace(SELECTION, id="s2"), NOW)
        await store.put_pending(replace(SELECTION, chosen=(1, 2)), NOW)
        first, second = await store.pending(Selection, "s1"), await store.pending(Selection, "s2")
        assert first is not None
        assert second is not None
        assert (first.chosen, second.chosen) == ((1, 2), (2,))

    async def test_a_batch_of_documents_and_its_stop_come_back_and_a_person_can_have_several(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        for item in (BATCH, STOP, replace(BATCH, id="d2"), replace(STOP, id="d2")):
            await store.put_pending(item, NOW)
        await opener.crash()
        store = await opener.open()
        assert await store.pending(DocumentBatch, BATCH.id) == BATCH
        assert await store.pending(StoppedBatch, BATCH.id) == STOP
        assert await store.pending(DocumentBatch, "d2") is not None

    async def test_expired_items_are_deleted_when_a_new_one_is_stored(self, opener: Opener) -> None:
        store = await opener.open()
        await store.put_pending(INVITATION, NOW)
        await store.put_pending(SELECTION, NOW)
        later = INVITATION.expires_at + SECOND
        await store.put_pending(replace(INVITATION, id="b", user_id=8, expires_at=later + MINUTE), later)
        await store.put_pending(replace(SELECTION, id="s2", expires_at=later + MINUTE), later)
        assert (await store.pending(Invitation, INVITATION.id), await store.pending(Selection, "s1")) == (None, None)

    async def test_an_offered_token_is_kept_sealed_and_opens_again(self, opener: Opener) -> None:
        store = await opener.open()
        await store.put_pending(store.seal_offer(OFFER, Token("an-offered-token")), NOW)
        await opener.crash()
        store = await opener.open()
        offer = await store.pending(OfferedToken, OFFER.id)
        assert offer is not None
        assert replace(offer, sealed_token="") == OFFER
        assert "an-offered-token" not in repr(offer)
        assert store.token_of(offer) == Token("an-offered-token")
        assert store.token_of(replace(offer, id="another")) is None
        newer = replace(OFFER, id="o2")
        await store.put_pending(newer, NOW)
        assert await store.pending(OfferedToken, OFFER.id) is None
        assert await store.take_pending(OfferedToken, "o2") == newer
        assert await store.pending(OfferedToken, "o2") is None

    async def test_searches_stay_beside_each_other_until_they_expire_or_the_chat_is_unlinked(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        await linked(store)
        for item in (SEARCH, replace(SEARCH, id="f2", text="März"), replace(SEARCH, id="f3", place=Place(OTHER))):
            await store.put_pending(item, NOW)
        await opener.crash()
        store = await opener.open()
        assert await store.pending(SearchText, "f1") == SEARCH
        await store.put_pending(replace(SEARCH, expires_at=NOW + 120 * MINUTE), NOW)
        await store.drop_expired(NOW + 60 * MINUTE)
        kept = [await store.pending(SearchText, number) for number in ("f1", "f2", "f3")]
        assert kept == [replace(SEARCH, expires_at=NOW + 120 * MINUTE), None, None]
        await store.unlink(CHAT)
        assert await store.pending(SearchText, "f1") is None

    async def test_what_has_expired_can_be_deleted(self, opener: Opener) -> None:
        store = await opener.open()
        for item in (OFFER, PAUSE, INVITATION, SELECTION):
            await store.put_pending(item, NOW)
        await store.drop_expired(NOW + 10 * MINUTE)
        assert [await store.pending(OfferedToken, "o1"), await store.pending(Selection, "s1")] == [None, None]
        assert await store.pending(Invitation, INVITATION.id) == INVITATION
        assert await store.pending(TokenPause, PAUSE.id) == PAUSE

    async def test_a_persons_pause_outlives_the_chat_and_nothing_else_does(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        for item in (OFFER, PAUSE):
            await store.put_pending(item, NOW)
        await store.unlink(CHAT)
        assert await store.pending(TokenPause, PAUSE.id) == PAUSE
        assert await store.pending(OfferedToken, OFFER.id) is None

    async def test_unlinking_deletes_the_chats_items(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        mine = replace(INVITATION, id="mine", user_id=CHAT)
        here = replace(INVITATION, id="here", place=Place(CHAT))
        for invitation in (INVITATION, mine, here):
            await store.put_pending(invitation, NOW)
        await store.put_pending(SELECTION, NOW)
        await store.put_pending(replace(SELECTION, id="s2", place=Place(OTHER)), NOW)
        await store.unlink(CHAT)
        assert [await store.pending(Invitation, number) for number in ("mine", "here")] == [None, None]
        assert await store.pending(Invitation, INVITATION.id) == INVITATION
        assert await store.pending(Selection, "s1") is None
        assert await store.pending(Selection, "s2") is not None

    async def test_a_persons_items_in_a_chat_are_found(self, opener: Opener) -> None:
        store = await opener.open()
        others = [
            replace(SELECTION, id="s2", user_id=8),
            replace(SELECTION, id="s3", place=Place(OTHER)),
            replace(SELECTION, id="s4", message_id=5),
        ]
        for item in (SELECTION, *others):
            await store.put_pending(item, NOW)
        await store.put_pending(OFFER, NOW)
        found = await store.pending_of(Selection, CHAT, SELECTION.user_id)
        assert sorted(item.id for item in found) == ["s1", "s4"]
        assert list(await store.pending_of(OfferedToken, CHAT, OFFER.user_id)) == [OFFER]
        assert list(await store.pending_of(Selection, CHAT, 99)) == []

"""Contract of payers, of the wait for a token, and of the export and journal of a chat."""

from __future__ import annotations

import json
from dataclasses import replace

from bot.domain.chats import Member, Place
from bot.domain.payments import State
from bot.ports import Store
from tests.store.examples import CHAT, MINUTE, NOW, OTHER, Opener, linked, new_link, new_payment, with_alerts

ADA, BOB = Member(7, "Ada"), Member(8, "Bob <b>")


async def payers(store: Store, chat_id: int = CHAT) -> tuple[Member, ...]:
    link = (await store.chat(chat_id)).link
    assert link is not None
    return link.payers


class PayerContract:
    """Payers belong to a chat's link. Export and journal show one chat."""

    async def test_an_owner_and_payers_come_back_as_they_were_stored(self, opener: Opener) -> None:
        store = await opener.open()
        await store.link(new_link(store, owner_name="Ada <b>", payers=(ADA,)), {})
        await store.add_payer(CHAT, BOB)
        await opener.crash()
        store = await opener.open()
        link = (await store.chat(CHAT)).link
        assert link is not None
        assert (link.owner_name, link.payers) == ("Ada <b>", (ADA, BOB))

    async def test_a_person_is_a_payer_once_and_under_the_newest_name(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        for payer in (BOB, ADA, replace(BOB, name="Bobby")):
            await store.add_payer(CHAT, payer)
        assert await payers(store) == (ADA, Member(8, "Bobby"))
        await store.remove_payer(CHAT, 8)
        await store.remove_payer(CHAT, 99)
        assert await payers(store) == (ADA,)

    async def test_without_a_link_there_are_no_payers(self, opener: Opener) -> None:
        store = await opener.open()
        await store.set_language(CHAT, "de")
        for chat_id in (CHAT, OTHER):
            await store.add_payer(chat_id, BOB)
            assert (await store.chat(chat_id)).link is None

    async def test_payers_move_with_the_chat(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await store.add_payer(CHAT, BOB)
        await store.move_chat(CHAT, OTHER)
        assert await payers(store, OTHER) == (BOB,)

    async def test_a_wait_for_a_token_remembers_its_invitation(self, opener: Opener) -> None:
        store = await opener.open()
        await store.await_token(CHAT, NOW + MINUTE, "an-invitation")
        await opener.crash()
        store = await opener.open()
        chat = await store.chat(CHAT)
        assert (chat.awaiting_token_until, chat.awaiting_for) == (NOW + MINUTE, "an-invitation")
        await store.await_token(CHAT, NOW + MINUTE)
        assert (await store.chat(CHAT)).awaiting_for == ""

    async def test_the_export_holds_all_of_a_chat_but_neither_other_chats_nor_the_token(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1, 2)
        await store.add_payer(CHAT, BOB)
        await store.set_language(CHAT, "de")
        await store.add_payment(new_payment("mine", link.account))
        await store.add_payment(new_payment("theirs", link.account, place=Place(OTHER)))
        everything = await store.everything_of(CHAT)
        text = json.dumps(everything)
        assert [payment["id"] for payment in everything["payments"]] == ["mine"]
        assert everything["chat"]["language"] == "de"
        assert set(everything["known"]) == {"1", "2"}
        assert len(everything["alerts"]) == 2
        assert list(everything["link"]["payers"]) == [{"id": 8, "name": "Bob <b>"}]
        assert "sealed_token" not in text
        assert link.token.reveal() not in text

    async def test_an_unknown_chat_has_an_empty_export(self, opener: Opener) -> None:
        store = await opener.open()
        everything = await store.everything_of(CHAT)
        assert (everything["link"], everything["payments"]) == (None, [])

    async def test_the_journal_holds_only_the_chats_payments_newest_first(self, opener: Opener) -> None:
        store = await opener.open()
        for number, account in enumerate(("a" * 64, "b" * 64, "a" * 64)):
            since = NOW + number * MINUTE
            await store.add_payment(new_payment(f"p{number}", account, invoice_id=number, since=since))
        await store.add_payment(new_payment("other", "a" * 64, place=Place(OTHER)))
        moved = new_payment("p0", state=State.ENDED, invoice_id=0, since=NOW + 9 * MINUTE, user_name="Ada")
        assert await store.advance_payment(moved, State.ASKED)
        journal = await store.payments_of_chat(CHAT)
        assert [payment.id for payment in journal] == ["p0", "p2", "p1"]
        assert journal[0] == moved
        assert await store.payments_of_chat(99) == []

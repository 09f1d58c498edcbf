"""Contract of chats and their links."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from bot.domain.alerts import KnownInvoice
from bot.domain.answers import Awaited, Question
from bot.domain.chats import Chat, Place, Preferences, Silence, Token, Trouble, Watch
from bot.domain.credit import Credit, CreditWatch, CreditWish
from bot.domain.documents import SentDocument
from bot.domain.einvoices import Check, EInvoice
from bot.domain.live_messages import LiveMessage
from bot.domain.service_names import Service, ServiceName
from bot.domain.standings import Standing
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    URL,
    Opener,
    checked,
    claim_check,
    claim_message,
    find,
    knowledge,
    known_invoice,
    linked,
    message_about,
    new_alert,
    new_link,
    with_alerts,
    with_messages,
)


class ChatContract:
    """Chats and their links."""

    async def test_a_chat_that_is_not_stored_is_empty(self, opener: Opener) -> None:
        store = await opener.open()
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_the_linked_ones_among_some_chats_are_told_apart(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await store.set_language(OTHER, "de")
        assert await store.linked_among([CHAT, OTHER, OTHER + 1]) == {CHAT}
        await store.rest(CHAT, "blocked")
        assert await store.linked_among([CHAT]) == {CHAT}
        assert await store.linked_among([]) == set()
        await store.unlink(CHAT)
        assert await store.linked_among([CHAT, OTHER]) == set()

    async def test_live_messages_are_kept_replaced_and_removed_and_end_with_the_link(self, opener: Opener) -> None:
        first, second = LiveMessage(1, None, "show:1", "a"), LiveMessage(2, 3, "list:all.any.0.0", "b")
        store = await opener.open()
        assert not await store.set_live_message(CHAT, None, first)
        await linked(store)
        assert await store.set_live_message(CHAT, None, first)
        assert await store.set_live_message(CHAT, None, second)
        await opener.crash()
        store = await opener.open()
        assert (await store.chat(CHAT)).live == (first, second)
        newer = replace(first, state="c")
        assert await store.set_live_message(CHAT, first, newer)
        assert not await store.set_live_message(CHAT, first, first)
        assert (await store.chat(CHAT)).live == (second, newer)
        assert await store.set_live_message(CHAT, second, None)
        await linked(store)
        assert (await store.chat(CHAT)).live == ()

    async def test_sent_documents_are_kept_by_account_replaced_and_end_with_the_link(self, opener: Opener) -> None:
        einvoice = EInvoice("ZUGFeRD (EN 16931)", Check.VALID, "2", Decimal("11.90"), None, credit_note=True)
        first, second = SentDocument(1, "a", "file 1"), SentDocument(2, "b", "file 2", einvoice)
        store = await opener.open()
        await store.keep_document(CHAT, "account", first)
        assert (await store.chat(CHAT)).documents == ()
        link = await linked(store)
        await store.keep_document(CHAT, "another account", first)
        await store.keep_document(CHAT, link.account, first)
        await store.keep_document(CHAT, link.account, second)
        await opener.crash()
        store = await opener.open()
        assert (await store.chat(CHAT)).documents == (first, second)
        newer = replace(first, mark="c", file_id="file 3")
        await store.keep_document(CHAT, link.account, newer)
        assert (await store.chat(CHAT)).documents == (second, newer)
        await store.unlink(CHAT)
        assert (await store.chat(CHAT)).documents == ()

    async def test_a_link_comes_back_as_it_was_stored_even_after_a_crash(self, opener: Opener) -> None:
        store = await opener.open()
        watch = Watch(
            NOW,
            Trouble.PERMISSION_MISSING,
            NOW - HOUR,
            outage_told=True,
            digest_told=date(2026, 3, 23),
            whole_at=NOW - HOUR,
            next_page="page=7&per_page=15",
        )
        link = new_link(store, place=Place(CHAT, 99), watch=watch)
        await store.link(link, knowledge(1, 2))
        assert (await store.chat(CHAT)).link == link
        await opener.crash()
        store = await opener.open()
        assert (await store.chat(CHAT)).link == link
        assert (await claim_check(store)).known == knowledge(1, 2)

    async def test_what_is_known_of_the_credit_is_kept_by_checks_and_by_who_looked(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        seen = CreditWatch(Credit(Decimal("5.02"), "EUR"), NOW)
        await store.note_credit(CHAT, "another account", seen)
        assert (await store.chat(CHAT)).link == link
        await store.note_credit(CHAT, link.account, seen)
        await opener.crash()
        store = await opener.open()
        await find(store)  # this check did not ask
        stored = (await store.chat(CHAT)).link
        assert stored is not None
        assert stored.credit == seen
        await find(store, credit=seen.denied_at(NOW + HOUR))
        stored = (await store.chat(CHAT)).link
        assert stored is not None
        assert stored.credit == CreditWatch(None, NOW + HOUR, denied=True)

    async def test_a_wish_for_credit_is_kept_until_a_check_ends_it(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        assert not await store.wish_for_credit(CHAT, "another account", 1, NOW)
        assert await store.wish_for_credit(CHAT, link.account, 1, NOW)
        assert await store.wish_for_credit(CHAT, link.account, 2, NOW + MINUTE)
        await opener.crash()
        store = await opener.open()
        await find(store, ended_wishes=[1])
        stored = (await store.chat(CHAT)).link
        assert stored is not None
        assert stored.credit_wishes == (CreditWish(2, NOW + MINUTE),)

    async def test_the_reference_of_transfers_is_awaited_and_kept_with_the_link(self, opener: Opener) -> None:
        store = await opener.open()
        link, until = await linked(store), NOW + MINUTE
        await store.await_token(CHAT, until)
        asked = Awaited(Question.REFERENCE, until, "4711:earlier")
        assert not await store.await_answer(CHAT, "another account", asked)
        assert await store.await_answer(CHAT, link.account, asked)
        await opener.crash()
        store = await opener.open()
        chat = await store.chat(CHAT)
        assert (chat.awaits(NOW), chat.awaits(until)) == (asked, None)
        await store.await_token(CHAT, None)
        assert (await store.chat(CHAT)).asked is None
        await store.await_answer(CHAT, link.account, asked)
        assert not await store.set_reference(CHAT, "another account", "K-1")
        assert await store.set_reference(CHAT, link.account, "K-4711 „Größe“")
        await opener.crash()
        chat = await (await opener.open()).chat(CHAT)
        assert chat.link is not None
        assert chat.link.reference == "K-4711 „Größe“"
        assert chat.asked is None

    async def test_a_service_is_called_by_its_name_until_that_is_taken_away(self, opener: Opener) -> None:
        store = await opener.open()
        link, shop, other = await linked(store), Service("hosting", 1), Service("domain", 1)
        await store.await_answer(CHAT, link.account, Awaited(Question.NAME, NOW + MINUTE, "1:hosting"))
        assert not await store.name_service(CHAT, "another account", shop, "shop")
        assert await store.name_service(CHAT, link.account, shop, "my „shop“ 🛒")
        assert await store.name_service(CHAT, link.account, other, "domain")
        await opener.crash()
        store = await opener.open()
        chat = await store.chat(CHAT)
        assert chat.link is not None
        assert chat.asked is None
        assert chat.link.names == (ServiceName(shop, "my „shop“ 🛒"), ServiceName(other, "domain"))
        assert await store.name_service(CHAT, link.account, shop, "")
        chat = await store.chat(CHAT)
        assert chat.link is not None
        assert chat.link.names == (ServiceName(other, "domain"),)

    async def test_the_reference_outlives_a_new_token_only_with_the_same_invoices(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.set_reference(CHAT, link.account, "K-4711")
        for token, known, reference in (
            ("secret-token-2", {1: known_invoice(1)}, "K-4711"),
            ("secret-token-3", {}, None),
        ):
            await store.link(new_link(store, token=token), known)
            stored = (await store.chat(CHAT)).link
            assert stored is not None
            assert stored.reference == reference

    async def test_a_payment_makes_what_was_known_of_the_credit_outdated(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.note_credit(CHAT, link.account, CreditWatch(Credit(Decimal("5.02"), "EUR"), NOW))
        await store.hasten_checks(link.account, NOW)
        stored = (await store.chat(CHAT)).link
        assert stored is not None
        assert stored.credit.is_due(NOW, HOUR)

    async def test_money_and_dates_come_back_exactly(self, opener: Opener) -> None:
        store = await opener.open()
        known = {
            1: replace(known_invoice(1), total=Decimal("0.00"), left=Decimal("1E+3"), due=date(2020, 2, 29), told=-14),
            2: replace(known_invoice(2), total=Decimal("12345678901234567890.01"), left=None, due=None),
        }
        await linked(store, known=known)
        found = (await claim_check(store)).known
        assert found == known
        assert [str(found[1].total), str(found[1].left)] == ["0.00", "1E+3"]

    async def test_all_fields_of_a_known_invoice_come_back(self, opener: Opener) -> None:
        store = await opener.open()
        known = {
            number: KnownInvoice(
                id=number,
                standing=standing,
                due=date(2026, 4, 4),
                left=Decimal("6.95"),
                total=Decimal("7.95"),
                title="KVM",
                gross=Decimal("9.4605"),
                announced=True,
                told_gross=Decimal("9.46"),
                told_due=date(2026, 4, 3),
                told=-3,
                told_earlier=((date(2026, 3, 1), 7), (date(2026, 3, 2), -1)),
                woken=NOW,
                settled_told=True,
            )
            for number, standing in enumerate(Standing, start=1)
        }
        await linked(store, known=known)
        await opener.crash()
        assert (await claim_check(await opener.open())).known == known

    async def test_a_chosen_language_is_kept_for_a_chat_that_is_not_linked(self, opener: Opener) -> None:
        store = await opener.open()
        await store.set_language(CHAT, "de")
        await opener.crash()
        store = await opener.open()
        assert await store.chat(CHAT) == Chat(CHAT, language="de")
        await store.set_language(CHAT, None)
        assert (await store.chat(CHAT)).language is None

    async def test_telegrams_language_is_noted_for_stored_chats_only(self, opener: Opener) -> None:
        store = await opener.open()
        await store.note_telegram_language(CHAT, "de")
        assert await store.chat(CHAT) == Chat(CHAT)
        await linked(store)
        await store.note_telegram_language(CHAT, "de")
        assert (await store.chat(CHAT)).telegram_language == "de"

    async def test_waiting_for_a_token_survives_a_crash_and_can_be_ended(self, opener: Opener) -> None:
        store = await opener.open()
        await store.await_token(CHAT, NOW + 10 * MINUTE)
        await opener.crash()
        store = await opener.open()
        assert (await store.chat(CHAT)).awaiting_token_until == NOW + 10 * MINUTE
        await store.await_token(CHAT, None)
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_linking_ends_the_wait_for_a_token_and_wakes_the_chat(self, opener: Opener) -> None:
        store = await opener.open()
        await store.set_language(CHAT, "de")
        await store.note_telegram_language(CHAT, "en")
        await store.await_token(CHAT, NOW + MINUTE)
        await store.rest(CHAT, "blocked")
        link = await linked(store)
        assert await store.chat(CHAT) == Chat(CHAT, language="de", telegram_language="en", link=link)

    async def test_a_new_link_keeps_settings_and_what_was_said_of_the_same_invoices(self, opener: Opener) -> None:
        store = await opener.open()
        old = await with_messages(store, message_about(1, 2))
        await store.set_language(CHAT, "de")
        await store.set_preferences(CHAT, Preferences(hour=7), NOW)
        assert await store.silence(CHAT, old.account, dict.fromkeys((1, 2), Silence(muted=True)), NOW)
        link = new_link(store, token="secret-token-2")
        await store.link(link, {1: known_invoice(1), 2: known_invoice(2, due=date(2030, 1, 1))})
        assert await store.chat(CHAT) == Chat(
            CHAT, language="de", preferences=Preferences(hour=7), link=link, silences={1: Silence(muted=True)}
        )
        assert [[s.resolved for s in m.shown] for m in await store.sent_messages(CHAT)] == [[False, True]]
        await store.link(new_link(store, token="secret-token-3"), knowledge(3))
        assert (await store.chat(CHAT)).silences == {}
        assert list(await store.sent_messages(CHAT)) == []

    async def test_a_new_link_replaces_the_knowledge_and_alerts_of_the_old_one(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1, 2)
        link = new_link(store, token="secret-token-2")
        await store.link(link, knowledge(3))
        assert (await store.chat(CHAT)).link == link
        assert await store.claim_alerts(NOW + HOUR, 10, LEASE) == []
        assert (await store.waiting_alerts(CHAT)).waiting == 0
        assert (await claim_check(store)).known == knowledge(3)

    async def test_what_a_new_list_of_the_same_account_lacks_stays_known_as_far_as_it_was_told(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        link = await linked(store)
        await find(store, new_alert(link, 1, "untold"))
        await store.link(link, knowledge(3))
        left_out = replace(knowledge(2)[2], unread_since=link.linked_at, settled_told=True)
        assert (await claim_check(store)).known == {2: left_out, **knowledge(3)}

    async def test_linking_again_voids_work_under_way_for_the_old_link(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        check, delivery = await claim_check(store, NOW + HOUR), await claim_message(store)
        await store.link(new_link(store, token="secret-token-2"), knowledge(3))
        assert not await store.finish_check(check.claim, checked(check, new_alert(link, 1, "late")))
        assert not await store.alerts_sent(delivery.claim, None, ())
        assert (await claim_check(store)).known == knowledge(3)

    async def test_the_same_token_has_the_same_account_in_every_chat_and_after_a_crash(self, opener: Opener) -> None:
        store = await opener.open()
        account = store.account_of(URL, Token("secret-token-1"))
        assert store.account_of(URL + "/", Token("secret-token-1")) == account
        assert store.account_of(URL, Token("secret-token-2")) != account
        assert store.account_of("https://other.example", Token("secret-token-1")) != account
        assert "secret-token-1" not in account
        await opener.crash()
        assert (await opener.open()).account_of(URL, Token("secret-token-1")) == account

    async def test_unlinking_deletes_the_chat_and_voids_its_work(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        check, delivery = await claim_check(store, NOW + HOUR), await claim_message(store)
        assert await store.unlink(CHAT)
        assert await store.chat(CHAT) == Chat(CHAT)
        assert not await store.finish_check(check.claim, checked(check))
        assert not await store.alerts_failed(delivery.claim, NOW, uncertain=True, counts=True)
        assert await store.claim_checks(NOW + 24 * HOUR, 10, LEASE) == []
        assert await store.claim_alerts(NOW + 24 * HOUR, 10, LEASE) == []
        assert list(await store.sent_messages(CHAT)) == []
        assert not await store.unlink(CHAT)

    async def test_unlinking_one_chat_leaves_another_of_the_same_account_linked(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store, CHAT)
        link = await linked(store, OTHER)
        await store.unlink(CHAT)
        assert (await store.chat(OTHER)).link == link

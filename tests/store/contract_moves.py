"""Contract of chats that rest, and of chats that move to a new id."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.chats import Chat, Closure, Member, Place, Preferences, Silence, Token
from bot.domain.invitations import Invitation, id_of
from bot.domain.selections import Selection
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    SECOND,
    Opener,
    checked,
    claim_alert,
    claim_check,
    claim_message,
    find,
    invoices_in,
    knowledge,
    linked,
    message_about,
    new_alert,
    new_link,
    new_payment,
    with_alerts,
    with_messages,
)

INVITATION = Invitation(id_of("nonce"), Place(CHAT), "Friends", 7, NOW + HOUR)


class RestAndMoveContract:
    """Chats that rest, and chats that get a new id."""

    async def test_a_resting_chat_is_neither_checked_nor_alerted_and_keeps_its_data(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        await store.rest(CHAT, "Forbidden: bot was blocked by the user")
        await opener.crash()
        store = await opener.open()
        assert await store.claim_checks(NOW + 24 * HOUR, 10, LEASE) == []
        assert await store.claim_alerts(NOW + 24 * HOUR, 10, LEASE) == []
        chat = await store.chat(CHAT)
        assert chat.resting == "Forbidden: bot was blocked by the user"
        assert chat.link is not None
        assert chat.link.token == link.token
        assert (await store.waiting_alerts(CHAT)).waiting == 1

    async def test_a_woken_chat_is_checked_at_once_and_gets_its_alerts(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await store.rest(CHAT, "blocked")
        assert await store.wake(CHAT, NOW + 2 * MINUTE)
        assert (await store.chat(CHAT)).resting is None
        assert (await claim_check(store, NOW + 2 * MINUTE)).chat.id == CHAT
        assert invoices_in(await claim_message(store, NOW + 3 * MINUTE)) == [1]

    async def test_the_alerts_of_a_woken_chat_wait_for_its_check(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        await store.rest(CHAT, "blocked")
        await store.wake(CHAT, NOW + HOUR)
        assert await store.claim_alerts(NOW + HOUR + 10 * SECOND, 10, LEASE) == []
        await find(store, new_alert(link, 1, "newer"), now=NOW + HOUR + 10 * SECOND)
        (alert,) = (await claim_message(store, NOW + HOUR + 10 * SECOND)).alerts
        assert alert.id == "newer"

    async def test_a_check_that_never_ends_does_not_keep_the_alerts_of_a_woken_chat(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await store.rest(CHAT, "blocked")
        await store.wake(CHAT, NOW + HOUR)
        await claim_check(store, NOW + HOUR)
        assert await store.claim_alerts(NOW + HOUR + 29 * SECOND, 10, LEASE) == []
        assert invoices_in(await claim_message(store, NOW + HOUR + 30 * SECOND)) == [1]

    async def test_waking_a_closed_chat_frees_its_alerts_at_once_and_changes_no_check(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await store.close_chat((await claim_message(store)).claim, Closure("no rights", NOW, NOW + HOUR))
        assert await store.wake(CHAT, NOW + 2 * MINUTE)
        assert invoices_in(await claim_message(store, NOW + 2 * MINUTE)) == [1]
        assert await store.claim_checks(NOW + 2 * MINUTE, 10, LEASE) == []
        assert not await store.wake(CHAT, NOW + 2 * MINUTE)

    async def test_a_closed_chat_is_not_closed_under_its_new_id(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await store.close_chat((await claim_message(store)).claim, Closure("no rights", NOW, NOW + HOUR))
        await store.move_chat(CHAT, OTHER)
        assert (await store.chat(OTHER)).closure is None
        assert invoices_in(await claim_message(store, NOW + 2 * MINUTE)) == [1]

    async def test_waking_does_not_shorten_a_wait_that_telegram_asked_for(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        claim, _ = await claim_alert(store)
        await store.alerts_failed(claim, NOW + HOUR, uncertain=False, counts=False)
        await store.rest(CHAT, "blocked")
        await store.wake(CHAT, NOW + 2 * MINUTE)
        assert await store.claim_alerts(NOW + HOUR - SECOND, 10, LEASE) == []
        assert invoices_in(await claim_message(store, NOW + HOUR)) == [1]

    async def test_a_check_under_way_when_a_chat_goes_to_rest_is_void_once_it_wakes(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        check = await claim_check(store)
        await store.rest(CHAT, "blocked")
        await store.wake(CHAT, NOW + 2 * MINUTE)
        assert not await store.finish_check(check.claim, checked(check, known=knowledge(7)))
        assert (await claim_check(store, NOW + 2 * MINUTE)).known == knowledge(1, 2)

    async def test_only_a_resting_chat_can_be_woken(self, opener: Opener) -> None:
        store = await opener.open()
        assert not await store.wake(CHAT, NOW)
        await linked(store)
        assert not await store.wake(CHAT, NOW)
        assert await store.claim_checks(NOW, 10, LEASE) == []

    async def test_work_under_way_when_a_chat_goes_to_rest_can_still_be_reported(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        check, delivery = await claim_check(store, NOW + HOUR), await claim_message(store, NOW + HOUR)
        await store.rest(CHAT, "blocked")
        assert await store.alerts_failed(delivery.claim, NOW + HOUR, uncertain=False, counts=False)
        assert await store.finish_check(check.claim, checked(check, now=NOW + HOUR))
        assert await store.claim_checks(NOW + 24 * HOUR, 10, LEASE) == []
        await store.wake(CHAT, NOW + 2 * HOUR)
        assert not (await claim_message(store, NOW + 3 * HOUR)).again

    async def test_a_moved_chat_keeps_all_its_data(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        await store.set_language(CHAT, "de")
        await store.add_payment(new_payment(account=link.account))
        await store.move_chat(CHAT, OTHER)
        await opener.crash()
        store = await opener.open()
        chat = await store.chat(OTHER)
        assert chat.language == "de"
        assert chat.link is not None
        assert (chat.link.place, chat.link.token, chat.link.account) == (Place(OTHER), link.token, link.account)
        delivery = await claim_message(store, NOW + HOUR)
        assert [alert.place for alert in delivery.alerts] == [Place(OTHER)]
        assert delivery.known == knowledge(1)
        check = await claim_check(store, NOW + HOUR)
        assert (check.chat.id, check.known) == (OTHER, knowledge(1))
        payment = await store.payment("p1")
        assert payment is not None
        assert payment.place == Place(OTHER, 12)

    async def test_preferences_and_silences_move_with_the_chat(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.set_preferences(CHAT, Preferences(hour=7), NOW)
        await store.silence(CHAT, link.account, {1: Silence(muted=True), 2: Silence(NOW + HOUR)}, NOW)
        await store.move_chat(CHAT, OTHER)
        chat = await store.chat(OTHER)
        assert chat.preferences == Preferences(hour=7)
        assert chat.silences == {1: Silence(muted=True), 2: Silence(NOW + HOUR)}

    async def test_sent_messages_move_without_their_ids(self, opener: Opener) -> None:
        """The same ids belong to other messages in the new chat."""
        store = await opener.open()
        await with_messages(store, message_about(1), message_about(2, message_id=71))
        await store.move_chat(CHAT, OTHER)
        expected = [message_about(number, message_id=None, place=Place(OTHER)) for number in (1, 2)]
        assert list(await store.sent_messages(OTHER)) == expected

    async def test_an_alert_that_is_being_sent_while_its_chat_moves_can_be_reported(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        claim, _ = await claim_alert(store)
        await find(store, new_alert(link, 2, "behind"), now=NOW + 2 * MINUTE)
        await store.move_chat(CHAT, OTHER)
        assert await store.claim_alerts(NOW + 2 * MINUTE, 10, LEASE) == []
        assert await store.alerts_sent(claim, message_about(1, place=Place(CHAT)), ())
        assert list(await store.sent_messages(OTHER)) == [message_about(1, message_id=None, place=Place(OTHER))]
        assert invoices_in(await claim_message(store, NOW + 2 * MINUTE)) == [2]

    async def test_moving_twice_equals_moving_once(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await store.move_chat(CHAT, OTHER)
        before = await store.chat(OTHER)
        await store.move_chat(CHAT, OTHER)
        await store.move_chat(OTHER, OTHER)
        assert await store.chat(OTHER) == before
        await store.unlink(OTHER)
        await store.move_chat(CHAT, OTHER)
        assert await store.chat(OTHER) == Chat(OTHER)

    async def test_a_moved_chat_is_found_and_changed_under_its_old_id_too(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        await store.move_chat(CHAT, OTHER)
        await opener.crash()
        store = await opener.open()
        await store.set_language(CHAT, "de")
        await store.add_payer(CHAT, Member(8, "Bob"))
        assert await store.silence(CHAT, link.account, {2: Silence(muted=True)}, NOW)
        chat = await store.chat(CHAT)
        assert chat == await store.chat(OTHER)
        assert (chat.id, chat.language, chat.silences) == (OTHER, "de", {2: Silence(muted=True)})
        assert await store.known_invoices(CHAT) == knowledge(1)
        assert (await store.waiting_alerts(CHAT)).waiting == 1
        assert await store.everything_of(CHAT) == await store.everything_of(OTHER)
        assert await store.overview(CHAT) == await store.overview(OTHER)
        assert [overview.chat_id for overview in await store.overviews()] == [OTHER]
        await store.link(replace(link, token=Token("secret-token-2")), knowledge(9))
        renewed = (await store.chat(OTHER)).link
        assert renewed is not None
        assert (renewed.place, renewed.token, renewed.payers) == (
            Place(OTHER),
            Token("secret-token-2"),
            (Member(8, "Bob"),),
        )

    async def test_what_is_asked_under_the_old_id_belongs_to_the_new_one(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.move_chat(CHAT, OTHER)
        await store.add_payment(new_payment(account=link.account))
        await store.put_pending(INVITATION, NOW)
        assert [payment.place for payment in await store.payments_of_chat(OTHER)] == [Place(OTHER, 12)]
        invitation = await store.pending(Invitation, INVITATION.id)
        assert invitation == replace(INVITATION, place=Place(OTHER))

    async def test_that_nobody_can_write_under_the_old_id_means_nothing_for_the_new_one(self, opener: Opener) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        await store.rest(CHAT, "bot is no member")
        await store.move_chat(CHAT, OTHER)
        await store.rest(CHAT, "bot is no member")
        assert (await store.chat(OTHER)).resting is None
        await store.rest(OTHER, "blocked")
        assert not await store.wake(CHAT, NOW)
        assert (await store.chat(OTHER)).resting == "blocked"

    @pytest.mark.parametrize("named", [CHAT, OTHER])
    async def test_unlinking_forgets_a_moved_chat_under_both_ids(self, opener: Opener, named: int) -> None:
        store = await opener.open()
        await linked(store)
        await store.move_chat(CHAT, OTHER)
        assert await store.unlink(named)
        await opener.crash()
        store = await opener.open()
        assert (await store.chat(CHAT), await store.chat(OTHER)) == (Chat(CHAT), Chat(OTHER))

    async def test_the_old_id_is_remembered_across_a_new_link_and_forgotten_with_it(self, opener: Opener) -> None:
        store = await opener.open()
        await linked(store)
        await store.move_chat(CHAT, OTHER)
        await store.link(new_link(store, OTHER, "secret-token-2"), knowledge(9))
        assert (await store.chat(CHAT)).id == OTHER
        await store.unlink(OTHER)
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_invitations_and_selections_move_with_the_chat(self, opener: Opener) -> None:
        store = await opener.open()
        selection = Selection("s1", Place(CHAT), "a" * 64, 7, NOW + HOUR, ())
        others = replace(INVITATION, id="other", place=Place(-5))
        for item in (INVITATION, others, selection):
            await store.put_pending(item, NOW)
        await store.move_chat(CHAT, OTHER)
        assert await store.pending(Invitation, INVITATION.id) == replace(INVITATION, place=Place(OTHER))
        assert await store.pending(Invitation, "other") == others
        assert await store.pending(Selection, "s1") == replace(selection, place=Place(OTHER))
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_an_invitation_links_the_chat_under_its_new_id(self, opener: Opener) -> None:
        store = await opener.open()
        await store.put_pending(INVITATION, NOW)
        await store.move_chat(CHAT, OTHER)
        link = new_link(store)
        assert await store.link(link, knowledge(1), INVITATION.id)
        assert await store.chat(OTHER) == Chat(OTHER, link=replace(link, place=Place(OTHER)))
        assert await store.chat(CHAT) == Chat(CHAT)

    async def test_an_invitation_into_a_chat_that_only_looked_unlinked_is_void(self, opener: Opener) -> None:
        store = await opener.open()
        link = await linked(store)
        await store.put_pending(replace(INVITATION, place=Place(OTHER), user_id=8), NOW)
        await store.move_chat(CHAT, OTHER)
        taking = new_link(store, OTHER, "secret-token-2", linked_by=8)
        assert not await store.link(taking, knowledge(9), INVITATION.id)
        assert await store.chat(OTHER) == Chat(OTHER, link=replace(link, place=Place(OTHER)))

    async def test_nobody_takes_a_chat_over_by_linking_it_under_its_new_id_first(self, opener: Opener) -> None:
        store = await opener.open()
        old = await with_messages(store, message_about(1))
        await find(store, new_alert(old, 1, "old"))
        await store.add_payment(new_payment("mine", account=old.account))
        taking = new_link(store, OTHER, "secret-token-2", linked_by=8)
        await store.link(taking, knowledge(9))
        await find(store, new_alert(taking, 9, "of another"), chat_id=OTHER)
        await store.add_payment(replace(new_payment("theirs", account=taking.account), place=Place(OTHER)))
        check = await store.claim_check(OTHER, NOW, LEASE)
        await store.move_chat(CHAT, OTHER)
        await opener.crash()
        store = await opener.open()
        link = (await store.chat(OTHER)).link
        assert link is not None
        assert (link.linked_by, link.account, link.token) == (old.linked_by, old.account, old.token)
        assert [each.id for each in await store.payments_of_chat(OTHER)] == ["mine"]
        assert check is not None
        assert not await store.finish_check(check.claim, checked(check, known=knowledge(9)))
        delivery = await claim_message(store, NOW + HOUR)
        assert ([alert.id for alert in delivery.alerts], delivery.known) == (["old"], knowledge(1, 2))

    async def test_a_link_that_the_owner_has_made_under_the_new_id_stays_as_it_is(self, opener: Opener) -> None:
        store = await opener.open()
        old = await with_messages(store, message_about(1))
        await store.silence(CHAT, old.account, {1: Silence(muted=True)}, NOW)
        await find(store, new_alert(old, 1, "old"))
        link = new_link(store, OTHER, "secret-token-2")
        await store.link(link, knowledge(9))
        await store.move_chat(CHAT, OTHER)
        assert await store.chat(OTHER) == Chat(OTHER, link=link)
        assert list(await store.sent_messages(OTHER)) == []
        assert await store.claim_alerts(NOW + HOUR, 10, LEASE) == []
        assert (await claim_check(store, NOW + HOUR)).known == knowledge(9)

    async def test_an_unlinked_chat_under_the_new_id_gets_the_link_and_keeps_its_settings(self, opener: Opener) -> None:
        store = await opener.open()
        link = await with_alerts(store, 1)
        await store.set_language(CHAT, "en")
        await store.set_preferences(CHAT, Preferences(hour=6), NOW)
        await store.set_language(OTHER, "de")
        await store.set_preferences(OTHER, Preferences(hour=7), NOW)
        await store.move_chat(CHAT, OTHER)
        chat = await store.chat(OTHER)
        assert (chat.language, chat.preferences) == ("de", Preferences(hour=7))
        assert chat.link is not None
        assert chat.link.token == link.token
        _, alert = await claim_alert(store, NOW + HOUR)
        assert alert.place == Place(OTHER)

    async def test_a_wait_that_telegram_asked_for_goes_on_under_an_id_that_is_stored_already(
        self, opener: Opener
    ) -> None:
        store = await opener.open()
        await with_alerts(store, 1)
        claim, _ = await claim_alert(store)
        await store.alerts_failed(claim, NOW + HOUR, uncertain=False, counts=False)
        await store.set_language(OTHER, "de")
        await store.move_chat(CHAT, OTHER)
        assert await store.claim_alerts(NOW + 59 * MINUTE, 10, LEASE) == []
        assert invoices_in(await claim_message(store, NOW + HOUR)) == [1]

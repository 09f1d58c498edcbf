"""Search a chat's invoices by what somebody typed, and keep the search for the buttons of its result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, tzinfo
from functools import cache

from bot.domain.chats import Chat, Place
from bot.domain.invoices import Listing
from bot.domain.queries import ListPage, Query
from bot.domain.schedule import is_over
from bot.domain.search.conditions import Condition, Numbered, Vocabulary
from bot.domain.search.finding import Found, find
from bot.domain.search.kept import SearchText, kept
from bot.domain.search.parsing import conditions_in, text_of
from bot.errors import SearchOver, SearchTooLong
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import Clock, PendingStore
from bot.services.browsing import Browsing

MAX_CONDITIONS = 10
MAX_LETTERS = 200
"""More is no search, but a text that somebody wants to tell."""


class Searching:
    """Searches in the list of a linked chat. ``zone`` is the provider's.

    ``vocabulary`` returns the words that mean something. It is not called before somebody searches.
    """

    def __init__(
        self, browsing: Browsing, store: PendingStore, clock: Clock, vocabulary: Callable[[], Vocabulary], zone: tzinfo
    ) -> None:
        self._browsing = browsing
        self._store = store
        self._clock = clock
        self._vocabulary = cache(vocabulary)
        self._zone = zone

    def read(self, text: str, today: date) -> tuple[Condition, ...]:
        """Return the conditions in what somebody typed, or none. Raise :class:`SearchTooLong`."""
        conditions = conditions_in(" ".join(text.split()), self._vocabulary(), today)
        if len(text) > MAX_LETTERS or len(conditions) > MAX_CONDITIONS:
            raise SearchTooLong
        return conditions

    async def keep(
        self, place: Place, user_id: int, conditions: tuple[Condition, ...], today: date
    ) -> SearchText | None:
        """Keep a search. ``today`` is the reader's day, which stays that of the search. None: there is no condition."""
        if not conditions:
            return None
        now = self._clock()
        search = kept(place, user_id, text_of(conditions), today, now)
        await self._store.put_pending(search, now)
        return search

    async def kept(self, chat: Chat, search_id: str) -> SearchText:
        """Return a search of this chat. Raise :class:`SearchOver`."""
        search = await self._store.pending(SearchText, search_id)
        if search is None or search.place.chat_id != chat.id or not search.holds(self._clock()):
            raise SearchOver
        return search

    async def without(self, search: SearchText, user_id: int, order: int) -> SearchText | None:
        """Take a condition away, and keep what is left. None: nothing is left."""
        conditions = self.conditions(search)
        rest = conditions[:order] + conditions[order + 1 :]
        return await self.keep(search.place, user_id, rest, search.asked_on)

    async def run(
        self, chat: Chat, conditions: tuple[Condition, ...], today: date, query: Query
    ) -> tuple[Listing, Found]:
        """Return the list with the invoices that are found in it, and how the conditions were understood.

        Raise :class:`NotLinked` or a :class:`bot.errors.ProviderError`.
        """
        listing = await self._browsing.listing(chat, query)
        now = self._clock()
        found = await off_loop(
            len(listing.invoices) > HEAVY_COUNT,
            find,
            listing.invoices,
            conditions,
            self._vocabulary(),
            similar,
            today,
            lambda due: is_over(due, self._zone, now),
            {each.service: each.name for each in chat.link.names} if chat.link is not None else {},
        )
        return replace(listing, invoices=found.invoices), found

    async def listed(self, chat: Chat, page: ListPage) -> Listing:
        """Return the whole list that a page is of, which may be the result of a search. Raise :class:`SearchOver`."""
        if not page.search:
            return await self._browsing.listing(chat, page.query)
        search = await self.kept(chat, page.search)
        listing, _ = await self.run(chat, self.conditions(search), search.asked_on, page.query)
        return listing

    def conditions(self, search: SearchText) -> tuple[Condition, ...]:
        return conditions_in(search.text, self._vocabulary(), search.asked_on)


def invoice_meant(conditions: tuple[Condition, ...]) -> int | None:
    """Return the number of the one invoice that is surely meant. None: it can be a year, or there is more."""
    match conditions:
        case (Numbered() as only,) if not only.may_be_year:
            return only.number
    return None


def similar(word: str, words: Iterable[str], typos: int) -> list[str]:
    """Return the nearest of these words, if they are at most so many typing errors away.

    A letter too much, a missing one, a wrong one, and two that are swapped are one error each.
    """
    from rapidfuzz import process  # a search needs it only where a word is unknown
    from rapidfuzz.distance import OSA

    near = process.extract_iter(word, words, scorer=OSA.distance, score_cutoff=typos)
    found = {choice: distance for choice, distance, _ in near}
    nearest = min(found.values(), default=0)
    return sorted(choice for choice, distance in found.items() if distance == nearest)

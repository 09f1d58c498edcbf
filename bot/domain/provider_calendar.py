"""What the provider does with an unpaid service, and when: the operator's settings, since other providers differ.

Unset settings claim nothing. All days are the provider's. The bot knows the rule, not the service.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

DAY = timedelta(days=1)

EVENING = 18
"""The hour at the provider from which an unpaid service may be suspended on its last day. No document names one."""


LONGEST_HOLIDAYS = 30
"""How many days in a row without a banking day are looked through at most. No holidays last longer."""

IsBankingDay = Callable[[date], bool]
"""Return whether banks work on a day. None in its place: the operator has set no holidays."""


class Service(StrEnum):
    """What an invoice is for, as far as the words about it differ."""

    DOMAIN = "domain"
    SERVER = "server"
    OTHER = "other"


_SERVICES = {"domain": Service.DOMAIN, "hosting": Service.SERVER}
_WITHOUT_SERVICE = frozenset({"donation"})
"""Item types for which nothing can be suspended."""


class Phase(StrEnum):
    """How far the consequences of an unpaid invoice have gone by a certain day."""

    AHEAD = "ahead"
    LAST_DAY = "last_day"
    SUSPENDED = "suspended"
    LAST_CHANCE = "last_chance"
    LAST_HOURS = "last_hours"
    DELETED = "deleted"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows if an invoice stays unpaid.

    The service is suspended on the evening of ``suspended_on``. It is deleted some time on ``deleted_on``. ``lost``: it
    is gone with the suspension. None: the operator has not said that it happens.
    """

    service: Service
    suspended_on: date | None
    deleted_on: date | None
    lost: bool

    @property
    def last_day(self) -> date | None:
        """The last day on which a payment keeps the data, if they are deleted at all."""
        return self.deleted_on - DAY if self.deleted_on is not None else None

    def phase(self, today: date) -> Phase:
        """Return how far it has gone on a day of the provider's."""
        suspended, deleted = self.suspended_on, self.deleted_on
        if deleted is not None and today > deleted:
            return Phase.DELETED
        if deleted is not None and today == deleted:
            return Phase.LAST_HOURS
        if suspended is not None and today == suspended:
            return Phase.LAST_DAY
        if today == self.last_day:
            return Phase.LAST_CHANCE
        if suspended is not None and today > suspended:
            return Phase.LOST if self.lost else Phase.SUSPENDED
        return Phase.AHEAD


@dataclass(frozen=True, slots=True)
class ProviderCalendar:
    """The provider's rules. ``suspend_after`` and ``delete_after`` are days after the due date.

    Services of the item types in ``no_grace`` (in lower case) are lost with the suspension. A bank transfer takes
    ``transfer_days`` banking days. ``is_banking_day`` None: banks work from Monday to Friday.
    """

    suspend_after: int | None = None
    delete_after: int | None = None
    no_grace: frozenset[str] = frozenset()
    transfer_days: int | None = None
    is_banking_day: IsBankingDay | None = None

    @property
    def announces(self) -> bool:
        """Whether last days are known, and so announced."""
        return self.suspend_after is not None or self.delete_after is not None

    def last_transfer_day(self, due: date) -> date | None:
        """Return the last day on which a transfer can leave, to be there by the due date. None: nothing is known.

        It is there on the ``transfer_days``-th banking day after the one on which it leaves.
        """
        if self.transfer_days is None:
            return None
        day = self._banking_day_until(due)
        for _ in range(self.transfer_days):
            day = self._banking_day_until(day - DAY)
        return day

    def _banking_day_until(self, day: date) -> date:
        is_open = self.is_banking_day or is_weekday
        return next((day - n * DAY for n in range(LONGEST_HOLIDAYS) if is_open(day - n * DAY)), day)

    def consequences(self, due: date, types: Collection[str]) -> Consequences | None:
        """Return what follows if an invoice with items of these types stays unpaid. None: nothing is known."""
        kinds = {kind.casefold() for kind in types}
        if not self.announces or (kinds and kinds <= _WITHOUT_SERVICE):
            return None
        lost = bool(kinds) and kinds <= self.no_grace and self.suspend_after is not None
        suspended_on = None if self.suspend_after is None else due + self.suspend_after * DAY
        deleted_on = None if self.delete_after is None or lost else due + self.delete_after * DAY
        services = {_SERVICES.get(kind, Service.OTHER) for kind in kinds}
        service = services.pop() if len(services) == 1 else Service.OTHER
        return Consequences(service, suspended_on, deleted_on, lost)

    def last_days(self, due: date, types: Collection[str]) -> tuple[date, ...]:
        """Return the last day before the suspension, and the last one before the deletion."""
        follows = self.consequences(due, types)
        if follows is None:
            return ()
        return tuple(sorted({day for day in (follows.suspended_on, follows.last_day) if day is not None}))

    def warning_days(self, due: date, types: Collection[str]) -> tuple[date, ...]:
        """Return the days whose reminder comes whatever was chosen: the last days, and the day of the deletion."""
        follows = self.consequences(due, types)
        deleted_on = follows.deleted_on if follows is not None else None
        return (*self.last_days(due, types), *([deleted_on] if deleted_on is not None else []))


def is_weekday(day: date) -> bool:
    """Return whether a day is one from Monday to Friday."""
    return day.isoweekday() <= 5  # noqa: PLR2004  # Friday

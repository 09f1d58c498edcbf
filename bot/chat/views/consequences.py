"""What an unpaid invoice leads to, in the words of the operator's settings: suspended, deleted, lost.

The bot knows the provider's rule, not the service. So it says "will" and "probably".
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time

from markupsafe import Markup

from bot.chat.texts import Texts
from bot.domain.provider_calendar import DAY, EVENING, Consequences, Phase

AFTERNOON = range(15, 24)
"""Hours of the reader's clock at which the provider's evening can be called one."""


def consequences(t: Texts, due: date | None, types: Collection[str], now: datetime) -> list[Markup]:
    """Return what happens, or has probably happened, while an invoice is unpaid. Nothing if no settings say so."""
    follows = t.calendar.consequences(due, types) if due is not None else None
    return [] if follows is None else [Markup(" ").join(_sentences(t, follows, now))]


def unwarned(t: Texts, due: date | None, types: Collection[str], now: datetime) -> list[Markup]:
    """Return what a person will not be warned of if they mute an invoice."""
    follows = t.calendar.consequences(due, types) if due is not None else None
    today = now.astimezone(t.provider_zone).date()
    if follows is None:
        return []
    days = {"lost" if follows.lost else "suspended": follows.suspended_on, "deleted": follows.deleted_on}
    ahead = [t.plain(f"unwarned.{word}", date=t.day(day)) for word, day in days.items() if day and day >= today]
    return [t("unwarned", what=t.listing(ahead))] if ahead else []


def _sentences(t: Texts, follows: Consequences, now: datetime) -> list[Markup]:
    what = t.plain(f"consequences.what.{follows.service}")
    facts = {"what": what, "What": what[:1].upper() + what[1:]}
    if follows.suspended_on is not None:
        facts |= {"when": _evening(t, follows.suspended_on, now), "since": _since(t, follows.suspended_on, now)}
    if follows.deleted_on is not None:
        facts |= {"deleted": t.day(follows.deleted_on), "last": t.day(follows.deleted_on - DAY)}
    phase = follows.phase(now.astimezone(t.provider_zone).date())
    return [t(f"consequences.{sentence}", **facts) for sentence in _sentence_keys(follows, phase)]


def _sentence_keys(follows: Consequences, phase: Phase) -> list[str]:
    """Return the keys of the sentences, in their order."""
    deletion = ["deletion"] if follows.deleted_on is not None else []
    match phase:
        case Phase.AHEAD if follows.suspended_on is None:
            return ["ahead.deleted"]
        case Phase.AHEAD:
            return ["ahead.lost" if follows.lost else "ahead.suspended", *deletion]
        case Phase.LAST_DAY:
            return ["last_day.lost" if follows.lost else "last_day.suspended", *deletion]
        case Phase.SUSPENDED:
            return ["suspended", *(["last_chance_on"] if deletion else [])]
        case Phase.LAST_CHANCE:
            return [*([] if follows.suspended_on is None else ["suspended"]), "last_chance"]
        case Phase.LAST_HOURS | Phase.DELETED | Phase.LOST:
            return [phase.value]


def _evening(t: Texts, day: date, now: datetime) -> str:
    """Write when the provider's evening of a day is, on the reader's clock: ``tonight``."""
    begins = datetime.combine(day, time(EVENING), t.provider_zone)
    if begins.astimezone(t.zone).hour not in AFTERNOON:
        return t.plain("consequences.from", moment=t.moment(begins))
    local = t.date_of(begins)
    return t.plain("consequences.tonight" if local == t.date_of(now) else "consequences.evening", date=t.day(local))


def _since(t: Texts, day: date, now: datetime) -> str:
    """Write since when a service is suspended: ``since last night``."""
    key = "consequences.since_last_night" if day + DAY == t.date_of(now) else "consequences.since"
    return t.plain(key, date=t.day(day))

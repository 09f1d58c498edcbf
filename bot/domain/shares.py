"""Sums that are split up so that the parts make the whole again, to the last digit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

from bot.domain.invoices import CENT


def split(whole: Decimal, ideals: Sequence[Decimal]) -> list[Decimal]:
    """Return a part of the whole for each ideal one, as near to it as whole cents allow.

    A whole that is finer than a cent has parts as fine as itself. What rounding takes goes to the parts that lost most.
    """
    if not ideals:
        return []
    unit = min(CENT, Decimal(1).scaleb(int(whole.as_tuple().exponent)))
    floors = [ideal.quantize(unit, ROUND_FLOOR) for ideal in ideals]
    each, more = divmod(int((whole - sum(floors, start=Decimal(0))) / unit), len(ideals))
    if each and more < 0:
        each, more = each - 1, more + len(ideals)
    by_loss = sorted(range(len(ideals)), key=lambda at: floors[at] - ideals[at])
    units = dict.fromkeys(by_loss[:more], each + 1)
    return [floor + unit * units.get(at, each) for at, floor in enumerate(floors)]

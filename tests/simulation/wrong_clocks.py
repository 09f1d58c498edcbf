"""The bot's clock is wrong for a while: it is put forward or back, or a process starts with it. Then it is right."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from tests.simulation.people import NOT_SILENCED, SILENCE_UNKNOWN
from tests.simulation.world import HOUR, World

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
STEPS = [
    *(3 * MINUTE, 20 * MINUTE, 2 * HOUR, 2 * HOUR, 26 * HOUR, 9 * DAY, 40 * DAY, 400 * DAY),
    *(-3 * MINUTE, -2 * HOUR, -30 * HOUR, -40 * DAY, -20_000 * DAY),
]
"""How far the clock is ahead. The last one is that of a machine without a battery, which boots in the seventies."""
LASTS = [0.01, 0.3, 3, 30]
"""Hours."""
EVERY = 45 * DAY


def plan_wrong_clocks(world: World, rng: Random, *, kills: bool) -> None:
    """Plan when the clock is wrong. ``kills``: the process may die as it is set."""
    at = world.start
    while (at := at + rng.expovariate(1) * EVERY) < world.end:
        world.at(at, lambda: _set(world, rng, kills=kills))


def _set(world: World, rng: Random, *, kills: bool) -> None:
    if world.skew:
        return
    step, hours = rng.choice(STEPS), rng.choice(LASTS) * rng.random()
    restarts = [kills and rng.random() < 0.3 for _ in range(2)]
    since = world.clock()

    def put_right() -> None:
        world.set_clock(timedelta())
        world.wrong.append((since, world.clock()))
        if restarts[1]:
            _kill(world)

    world.set_clock(step)
    _doubt_snoozes(world)
    if restarts[0]:
        _kill(world)
    world.after(hours, put_right)


def _doubt_snoozes(world: World) -> None:
    """A snooze that was pressed before may end with the wrong clock. One that is pressed meanwhile may be void."""
    for person in world.people:
        for silence in person.silences.values():
            if silence.last != NOT_SILENCED and not silence.last.muted:
                silence.set(world.clock(), SILENCE_UNKNOWN)


def _kill(world: World) -> None:
    if world.process is not None:
        world.process.kill_switch.trigger("while the clock was set")

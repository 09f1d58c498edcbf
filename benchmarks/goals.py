"""What the figures should be, and which benchmarks `make bench` runs, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.figures import Figure, rounded

PARTS: Mapping[str, str] = {
    "checks": "Checks of accounts",
    "lateness": "Many chats in one process",
    "holds": "Turns of the event loop",
    "answers": "Answers to people",
    "weight": "Heavy accounts",
    "start": "Start and memory",
    "delivery": "Many alerts at once",
    "postgres": "PostgreSQL",
    "replicas": "Several replicas",
    "transport": "The transport of HTTP",
    "store": "The embedded store",
    "searching": "Searches",
    "tables": "Tables",
}
"""The modules, and what they measure."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be at least, or at most: its ratio to the baseline, or else its median."""

    at_least: float | None = None
    at_most: float | None = None
    of_ratio: bool = False

    def value_of(self, figure: Figure) -> float:
        """Return what is judged."""
        if not self.of_ratio:
            return figure.median
        if figure.ratio is None:
            raise ValueError(f"{figure.name} has no baseline")
        return figure.ratio

    def is_met(self, figure: Figure) -> bool:
        value = self.value_of(figure)
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def reached(self, figure: Figure) -> float:
        """Return how many times over the goal is reached: at 1 it is just met. Of a figure of zero, nothing is left."""
        value = self.value_of(figure)
        if self.at_least is not None:
            return value / self.at_least
        assert self.at_most is not None
        return self.at_most / value if value else float("inf")

    def words(self, figure: Figure) -> str:
        """Return the goal as it stands in the table."""
        unit = "×" if self.of_ratio else figure.unit
        sign, bound = ("≤", self.at_most) if self.at_least is None else ("≥", self.at_least)
        return f"{sign} {rounded(bound or 0.0)} {unit}".strip()


def at_least(value: float) -> Goal:
    return Goal(at_least=value)


def at_most(value: float) -> Goal:
    return Goal(at_most=value)


def times(value: float) -> Goal:
    """Return the goal to be so many times the baseline at least."""
    return Goal(at_least=value, of_ratio=True)


def within(value: float) -> Goal:
    """Return the goal to be so many times the baseline at most."""
    return Goal(at_most=value, of_ratio=True)


BEFORE: Mapping[str, float] = {"checks.changed": 0.59, "checks.changed_open": 1.0, "checks.told_open": 0.9}
"""Ratios of the version before checks were made faster (da4e764b). Changed accounts are to be half as fast again.

They are medians of seven rounds by processor time, in turns with the present version, with the accounts and the
provider of `checks.py`. In both, each check of a changed account was saved.
"""

GOALS: Mapping[str, Goal] = {
    "checks.unchanged": times(3),
    "checks.unchanged_open": times(3),
    "checks.few_open": times(2.5),
    **{name: times(round(1.5 * ratio, 2)) for name, ratio in BEFORE.items()},
    "checks.stand_in": at_most(0.8),
    "lateness.small.rate": times(0.95),
    "lateness.small.p99": at_most(2),
    "lateness.large.rate": times(0.95),
    "lateness.large.p99": at_most(5),
    "lateness.large.core": at_most(0.5),
    "lateness.large.answers.p99": at_most(150),
    "lateness.large.provider": at_most(0.5),
    "lateness.large.telegram": at_most(0.5),
    "lateness.settled.rate": times(0.95),
    "lateness.settled.p99": at_most(5),
    "lateness.settled.core": at_most(0.5),
    "lateness.settled.answers.p99": at_most(150),
    "holds.first": at_most(50),
    "holds.second": at_most(50),
    "answers.help": within(2),
    "answers.stranger": within(2),
    "weight.longest": at_most(50),
    "start.0.seconds": at_most(0.9),
    "start.0.size": at_most(80),
    "start.10000.seconds": at_most(1.8),
    "start.100000.seconds": at_most(12),
    "start.chat": at_most(1),
    "delivery.fraction": at_least(0.95),
    "delivery.refused": at_most(0),
    "delivery.wrong": at_most(0),
    "delivery.answer.p99": at_most(3),
    "postgres.checks finished, nothing new": times(3),
    "postgres.checks finished, one alert": times(3),
    "postgres.messages noted as sent": times(3),
    "postgres.payment_step": within(1),
    "replicas.rate": times(2.5),
}
"""By the names of the figures. The others are there to be known."""

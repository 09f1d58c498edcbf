"""Metrics for Prometheus, counted from log events: their names are constant, and their fields hold what varies.

So the code that does the work knows nothing of metrics. An event counts even if its level is not printed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from structlog.typing import EventDict

from bot import __version__
from bot.domain.alerts import AlertKind
from bot.domain.payments import Action, Outcome
from bot.health import Report
from bot.loop_watch import TELL_EVERY

PREFIX = "invoice_bot"
DURATION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LAG_BUCKETS = (1, 5, 15, 30, 60, 300, 900, 3600)
ALERT_ENDS = ("sent", "dropped", "set aside")

Fields = Mapping[str, Any]


class Metrics:
    """All metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._checks = self._counter("checks", "Checks of accounts, by result.", "end")
        self._check_seconds = self._histogram("check_seconds", "How long a check takes.", DURATION_BUCKETS)
        self._check_lag = self._histogram("check_lag_seconds", "How late a check begins.", LAG_BUCKETS)
        self._alerts = self._counter("alerts", "Alerts, by result.", "kind", "end")
        self._failures = self._counter("delivery_failures", "Messages of alerts that could not be sent.", "reason")
        self._payments = self._counter("payments", "Payments and credits taken back, by result.", "action", "end")
        self._provider = self._counter("provider_errors", "Calls to the provider that failed.", "reason")
        self._telegram = self._counter("telegram_errors", "Calls to Telegram that failed.", "reason")
        self._conflicts = self._counter("token_conflicts", "How often another program used the bot's token.")
        self._updates = self._counter("updates", "Updates from Telegram, by result.", "end")
        self._waits = self._counter("budget_wait_seconds", "Seconds spent waiting for a shared limit.", "budget")
        self._clock_steps = self._counter("clock_steps", "How often a clock was put forward or back.", "direction")
        self._void_waits = self._counter("void_waits", "Waits that were ended because a wrong clock had set them.")
        self._log_dropped = self._counter("log_lines_dropped", "Log lines dropped: nobody read standard error.")
        self._holds = deque[float](maxlen=round(60 / TELL_EVERY))
        self._begin_at_zero()
        self._gauges()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._rules: Mapping[str, Callable[[Fields], None]] = {
            "check ended": self._check_ended,
            "alerts sent": lambda fields: self._count_alerts(fields, "sent"),
            "alerts dropped": lambda fields: self._count_alerts(fields, "dropped"),
            "alerts set aside": lambda fields: self._count_alerts(fields, "set aside"),
            "delivery failed": lambda fields: self._failures.labels(fields["reason"]).inc(),
            "payment ended": lambda fields: self._payments.labels(fields["action"], fields["outcome"]).inc(),
            "provider answered": self._provider_answered,
            "provider call failed": lambda fields: self._provider.labels(fields["reason"]).inc(),
            "Telegram call failed": lambda fields: self._telegram.labels(fields["reason"]).inc(),
            "clock was set": lambda fields: self._clock_steps.labels(_direction(fields["seconds"])).inc(),
            "clock is behind what is stored": lambda _: self._clock_steps.labels("back").inc(),
            "clocks compared": lambda fields: self._clock_difference.set(fields["seconds"]),
            "waits of a wrong clock ended": lambda fields: self._void_waits.inc(fields["waits"]),
            "bot token conflict began": self._conflict_began,
            "bot token conflict ended": lambda _: self._conflict.set(0),
            "update ended": lambda fields: self._updates.labels(fields["end"]).inc(),
            "event loop watched": lambda fields: self._loop_watched(fields["longest"]),
            "log lines dropped": lambda fields: self._log_dropped.inc(fields["count"]),
            "waited for a rate limit": lambda fields: self._waits.labels(fields["limit"]).inc(fields["seconds"]),
        }

    @property
    def events(self) -> frozenset[str]:
        """The names of the log events that are counted."""
        return frozenset(self._rules)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count log events while the context lasts."""
        before = structlog.get_config()["processors"]
        structlog.configure(processors=[self._read, *before])
        try:
            yield
        finally:
            structlog.configure(processors=before)

    def render(self, report: Report, now: datetime) -> bytes:
        """Return everything in Prometheus' text format, with the process's present health."""
        self._ready.set(report.is_ready)
        backlog = report.backlog
        self._store_up.set(backlog is not None)
        if backlog is not None:
            self._waiting.set(backlog.waiting)
            self._set_aside.set(backlog.set_aside)
            self._message_age.set(_age(backlog.message_due_since, now))
            self._check_age.set(_age(backlog.check_due_since, now))
        for gauge, at in ((self._updates_at, report.updates_at), (self._check_at, report.check_at)):
            gauge.set(at.timestamp() if at else 0)
        return generate_latest(self._registry)

    def _read(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        rule = self._rules.get(str(event.get("event")))
        if rule is not None:
            rule(event)
        return event

    def _check_ended(self, fields: Fields) -> None:
        self._checks.labels(fields["end"]).inc()
        self._check_seconds.observe(max(0.0, fields["seconds"]))  # the clock may have been put back
        if fields["lag"] is not None:
            self._check_lag.observe(max(0.0, fields["lag"]))

    def _loop_watched(self, longest: float) -> None:
        self._holds.append(longest)
        self._loop_hold.set(max(self._holds))

    def _begin_at_zero(self) -> None:
        """Create rare series at once: Prometheus sees no increase in a series that begins at 1."""
        for action in Action:
            for outcome in Outcome:
                self._payments.labels(action, outcome)
        for kind in AlertKind:
            for end in ALERT_ENDS:
                self._alerts.labels(kind, end)
        for seconds in (1, -1):
            self._clock_steps.labels(_direction(seconds))

    def _conflict_began(self, _: Fields) -> None:
        self._conflicts.inc()
        self._conflict.set(1)

    def _count_alerts(self, fields: Fields, end: str) -> None:
        for kind in fields["kinds"]:
            self._alerts.labels(kind, end).inc()

    def _provider_answered(self, fields: Fields) -> None:
        if fields["status"] >= 400:  # noqa: PLR2004  # statuses from here on are errors
            self._provider.labels(str(fields["status"])).inc()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", meaning, registry=self._registry, buckets=buckets)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", meaning, registry=self._registry)

    def _gauges(self) -> None:
        self._ready = self._gauge("ready", "1 if /readyz says so.")
        self._store_up = self._gauge("store_up", "1 if the store answers.")
        self._conflict = self._gauge("token_conflict", "1 while another program uses the bot's token.")
        self._waiting = self._gauge("alerts_waiting", "Alerts still to be delivered, now or later.")
        self._set_aside = self._gauge("alerts_set_aside", "Alerts that could not be delivered, and are not retried.")
        self._message_age = self._gauge("message_due_seconds", "Age of the longest-overdue message of alerts.")
        self._check_age = self._gauge("check_due_seconds", "Age of the longest-overdue check.")
        self._updates_at = self._gauge("updates_good_timestamp_seconds", "When receiving updates last worked.")
        self._clock_difference = self._gauge(
            "clock_difference_seconds", "How far ahead of the database's clock we are."
        )
        self._check_at = self._gauge("check_ended_timestamp_seconds", "When a check last ended in this process.")
        self._loop_hold = self._gauge(
            "loop_longest_hold_seconds", "The longest time in the last minute in which the event loop had no turn."
        )
        build = Gauge(f"{PREFIX}_build", "The running version.", ("version",), registry=self._registry)
        build.labels(__version__).set(1)


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _direction(seconds: float) -> str:
    return "forward" if seconds > 0 else "back"

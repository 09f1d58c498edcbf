"""Write docs/grafana-dashboard.json: `PYTHONPATH=. python scripts/dashboard.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "docs" / "grafana-dashboard.json"
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT = 8, 7


def rate(counter: str, *labels: str) -> dict[str, str]:
    """Return the query for a counter's rate by its labels, with the name of each line."""
    query = f"sum by ({', '.join(labels)}) (rate(invoice_bot_{counter}_total[5m]))"
    return {query: " ".join(f"{{{{{label}}}}}" for label in labels)}


def quantile(histogram: str, part: float, name: str) -> dict[str, str]:
    """Return the query for a quantile: this part of the observations is smaller."""
    return {f"histogram_quantile({part}, sum by (le) (rate(invoice_bot_{histogram}_bucket[5m])))": name}


# The title, the unit, and the expressions with their names.
PANELS: list[tuple[str, str, dict[str, str]]] = [
    ("Ready", "short", {"invoice_bot_ready": "{{instance}}"}),
    ("Store answers", "short", {"invoice_bot_store_up": "{{instance}}"}),
    ("Updates handled", "ops", rate("updates", "end")),
    ("Checks", "ops", rate("checks", "end")),
    ("Check duration", "s", quantile("check_seconds", 0.5, "half") | quantile("check_seconds", 0.99, "99 %")),
    (
        "Check delay",
        "s",
        quantile("check_lag_seconds", 0.99, "99 %") | {"max(invoice_bot_check_due_seconds)": "longest overdue"},
    ),
    ("Alerts", "ops", rate("alerts", "kind", "end")),
    (
        "Outbox",
        "short",
        {"max(invoice_bot_alerts_waiting)": "waiting", "max(invoice_bot_alerts_set_aside)": "set aside"},
    ),
    ("Longest-overdue message", "s", {"max(invoice_bot_message_due_seconds)": "age"}),
    ("Messages that could not be sent", "ops", rate("delivery_failures", "reason")),
    ("Telegram errors", "ops", rate("telegram_errors", "reason")),
    ("Provider errors", "ops", rate("provider_errors", "reason")),
    ("Payments", "ops", rate("payments", "action", "end")),
    ("Waiting for shared limits", "s", rate("budget_wait_seconds", "budget")),
    (
        "Bot token conflicts",
        "short",
        {
            "sum(increase(invoice_bot_token_conflicts_total[1h]))": "last hour",
            "max(invoice_bot_token_conflict)": "now",
        },
    ),
    (
        "Clock: set, and waits ended for it, in the last hour",
        "short",
        {
            "sum by (direction) (increase(invoice_bot_clock_steps_total[1h]))": "put {{direction}}",
            "sum(increase(invoice_bot_void_waits_total[1h]))": "waits",
        },
    ),
    ("Clock: ahead of the database's", "s", {"invoice_bot_clock_difference_seconds": "{{instance}}"}),
    ("Event loop: longest time without a turn", "s", {"invoice_bot_loop_longest_hold_seconds": "{{instance}}"}),
    ("Memory", "bytes", {"process_resident_memory_bytes": "{{instance}}"}),
    ("CPU", "percentunit", {"rate(process_cpu_seconds_total[5m])": "{{instance}}"}),
    ("Log lines dropped", "ops", {"rate(invoice_bot_log_lines_dropped_total[5m])": "{{instance}}"}),
    (
        "Seconds since the last good poll",
        "s",
        {"time() - invoice_bot_updates_good_timestamp_seconds": "{{instance}}"},
    ),
]


def panel(number: int, title: str, unit: str, expressions: dict[str, str]) -> dict[str, Any]:
    """Return one graph. Three stand side by side."""
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"x": number % 3 * WIDTH, "y": number // 3 * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + place), "datasource": SOURCE, "expr": expression, "legendFormat": name}
            for place, (expression, name) in enumerate(expressions.items())
        ],
    }


def dashboard() -> dict[str, Any]:
    """Return what Grafana imports. Grafana then asks for the data source."""
    source = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "title": "Invoice bot",
        "uid": "invoice-bot",
        "schemaVersion": 39,
        "tags": ["invoice-bot"],
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [source]},
        "panels": [panel(number, *content) for number, content in enumerate(PANELS)],
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(dashboard(), indent=1) + "\n", encoding="utf-8")

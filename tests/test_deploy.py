"""Files for operators: dashboard and alert rules, compose file, systemd unit, Dockerfile."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
import sysconfig
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from ruamel.yaml import YAML

from bot import application
from bot.chat import background_jobs, polling
from bot.domain.alerts import AlertKind
from bot.domain.payments import Action, Outcome
from bot.health import Report
from bot.metrics import Metrics
from bot.web import MAX_CONNECTIONS, REQUEST_GRACE

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
NAME = re.compile(r"\b(?:invoice_bot|process)_\w+")
STOPS_WITHIN = (
    application.GRACE_PERIOD + background_jobs.CUT_OFF_TIMEOUT + polling.FINAL_CONFIRM_TIMEOUT + REQUEST_GRACE
)
"""Seconds."""


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def yaml_of(name: str) -> Any:
    return YAML(typ="safe").load(text_of(name))


# --- Metrics --------------------------------------------------------------------------------------------------------


def exported() -> set[str]:
    text = Metrics().render(Report(()), datetime.now(UTC)).decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    ends = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("",), "gauge": ("",)}
    return {name + end for name, kind in kinds.items() for end in ends[kind] if not name.endswith("_created")}


def test_alert_rules_and_dashboard_use_only_exported_metrics() -> None:
    names = exported()
    rules = [rule for group in yaml_of("docs/alert-rules.yml")["groups"] for rule in group["rules"]]
    asked = [name for rule in rules for name in NAME.findall(rule["expr"])]
    board = json.loads(text_of("docs/grafana-dashboard.json"))
    asked += [name for p in board["panels"] for target in p["targets"] for name in NAME.findall(target["expr"])]
    assert len(asked) > 20
    assert set(asked) <= names


def test_every_metric_of_the_bot_is_on_the_dashboard() -> None:
    shown = set(NAME.findall(text_of("docs/grafana-dashboard.json")))
    left_out = {"invoice_bot_build", "invoice_bot_check_ended_timestamp_seconds"}
    ours = {re.sub("_(bucket|count|sum)$", "", name) for name in exported() if name.startswith("invoice_bot")}
    assert ours - {re.sub("_bucket$", "", name) for name in shown} <= left_out


def test_every_alert_rule_has_a_summary_and_a_severity() -> None:
    for group in yaml_of("docs/alert-rules.yml")["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"]["summary"]
            assert rule["labels"]["severity"] in {"warning", "critical"}


def test_every_counted_event_is_logged_somewhere() -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py") if path.name != "metrics.py"
    )
    for event in Metrics().events:
        assert f'"{event}"' in code, event


def test_an_event_counts_at_any_log_level() -> None:
    metrics = Metrics()
    structlog.configure(wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.ReturnLoggerFactory())
    with metrics.counting():
        structlog.get_logger().debug("delivery failed", reason="TelegramDown")
    structlog.get_logger().debug("delivery failed", reason="TelegramDown")
    shown = metrics.render(Report(()), datetime.now(UTC)).decode()
    assert 'invoice_bot_delivery_failures_total{reason="TelegramDown"} 1.0' in shown


def test_rare_series_exist_from_the_start_so_that_their_first_event_is_an_increase() -> None:
    shown = Metrics().render(Report(()), datetime.now(UTC)).decode()
    assert "invoice_bot_token_conflicts_total 0.0" in shown
    for action in Action:
        for outcome in Outcome:
            assert f'invoice_bot_payments_total{{action="{action}",end="{outcome}"}} 0.0' in shown
    for kind in AlertKind:
        assert f'invoice_bot_alerts_total{{end="set aside",kind="{kind}"}} 0.0' in shown


def test_the_gauge_of_a_token_conflict_is_set_while_it_lasts() -> None:
    metrics = Metrics()

    def gauge() -> str:
        shown = metrics.render(Report(()), datetime.now(UTC)).decode()
        return next(line for line in shown.splitlines() if line.startswith("invoice_bot_token_conflict "))

    seen = [gauge()]
    with metrics.counting():
        for event in (polling.CONFLICT.began, polling.CONFLICT.ended):
            structlog.get_logger().warning(event)
            seen.append(gauge())
    assert [line[-3:] for line in seen] == ["0.0", "1.0", "0.0"]


def test_a_gone_process_and_a_lasting_conflict_are_alerts() -> None:
    rules = {
        rule["alert"]: rule["expr"] for group in yaml_of("docs/alert-rules.yml")["groups"] for rule in group["rules"]
    }
    assert rules["InvoiceBotProcessGone"].startswith("up{")
    assert "invoice_bot_token_conflict == 1" in rules["InvoiceBotTokenConflict"]


# --- CI --------------------------------------------------------------------------------------------------------------


def test_ci_gets_the_browser_without_questions_and_then_calls_the_readmes_test_command() -> None:
    commands = [line.split(" </dev/null")[0] for line in text_of(".ci/run").splitlines() if line.startswith("make ")]
    assert [command for command in commands if " demo" not in command] == ["make browser", "make test"]
    assert '"--yes"' in text_of("tests/programs.py")


# --- Compose, systemd, Dockerfile ------------------------------------------------------------------------------------


def test_the_compose_file_is_valid() -> None:
    command = [str(SCRIPTS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_workflow_is_valid_runs_what_ci_runs_and_pins_foreign_actions_by_their_commit() -> None:
    path = "deploy/github-workflow.yml"
    command = [str(SCRIPTS / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    jobs = yaml_of(path)["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert ".ci/run" in [step.get("run") for step in jobs["test"]["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", name) for name in used)


def test_three_replicas_share_one_database_and_no_disk() -> None:
    services = yaml_of("compose.yaml")["services"]
    replica = services["replica"]
    assert replica["deploy"]["replicas"] == 3
    assert replica["depends_on"]["database"]["condition"] == "service_healthy"
    assert "volumes" not in replica
    assert services["database"]["profiles"] == replica["profiles"] == ["replicas"]
    assert services["bot"]["profiles"] == ["single"]


def test_foreign_images_are_pinned_to_a_digest() -> None:
    services = yaml_of("compose.yaml")["services"]
    assert all("@sha256:" in service["image"] for service in services.values() if "build" not in service)


def test_every_supervisor_waits_longer_than_a_stop_may_take() -> None:
    for service in ("bot", "replica"):
        assert float(yaml_of("compose.yaml")["services"][service]["stop_grace_period"].rstrip("s")) > STOPS_WITHIN
    assert float(unit()["Service"]["TimeoutStopSec"]) > STOPS_WITHIN
    assert f"--stop-timeout {30}" in text_of("Dockerfile")


def test_every_supervisor_lets_the_bot_open_far_more_files_than_it_takes_connections() -> None:
    limits = [yaml_of("compose.yaml")["services"][service]["ulimits"]["nofile"] for service in ("bot", "replica")]
    for limit in [*limits, unit()["Service"]["LimitNOFILE"]]:
        assert int(limit) > 10 * MAX_CONNECTIONS


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # as the standard library advises
    parser.read(ROOT / "deploy" / "invoice-bot.service")
    return parser


def test_the_units_instructions_name_a_file_of_the_clone() -> None:
    (source,) = re.findall(r"install --mode=600 (\S+) /etc/invoice-bot.env", text_of("deploy/invoice-bot.service"))
    assert (ROOT / source).is_file()


def test_the_unit_allows_the_bot_its_folder_and_little_else() -> None:
    service = unit()["Service"]
    assert service["ExecStart"].endswith("-m bot run")
    assert f"DATA_DIR=/var/lib/{service['StateDirectory']}" in service["Environment"]
    for setting in ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "PrivateDevices"):
        assert service[setting] == "yes"
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = text_of("deploy/invoice-bot.service").replace("/opt/invoice-bot/.venv/bin/python", sys.executable)
    (tmp_path / "invoice-bot.service").write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "invoice-bot.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "invoice-bot.service:" not in done.stderr, done.stderr


def test_the_dockerfile_passes_its_linter() -> None:
    done = subprocess.run([SCRIPTS / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_image_runs_without_privileges_and_has_a_health_check() -> None:
    lines = text_of("Dockerfile")
    assert re.search(r"^USER 10001$", lines, re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .* CMD \["python", "-m", "bot", "health"\]$', lines, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", lines, re.MULTILINE)
    assert all("@sha256:" in line for line in re.findall("^FROM .*$", lines, re.MULTILINE))

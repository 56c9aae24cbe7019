from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import observability
from chalicelib.domain.errors import Misconfigured

IN_LAMBDA = {"AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000", "LAMBDA_TASK_ROOT": "/var/task"}


@pytest.fixture(autouse=True)
def _nothing_before(capsys: pytest.CaptureFixture[str]) -> None:
    """Forget what other tests have measured in this process."""
    observability.flush_metrics()
    capsys.readouterr()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_is_a_line_with_its_fields_and_those_of_its_unit_of_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with observability.unit_of_work(function="api", route="GET /x"):
        observability.event("step_decided", msgid="m", targets=3)
        observability.log.warning("aws_busy")
        observability.event("request_served", **observability.bound("route", "source"))
    observability.event("later")
    decided, busy, served, later = lines(capsys)
    del decided["timestamp"]
    assert decided == {
        "level": "INFO",
        "message": "step_decided",
        "function": "api",
        "msgid": "m",
        "targets": 3,
    }
    assert set(busy) == {*decided, "timestamp", "location", "service", "route"} - {
        "msgid",
        "targets",
    }
    assert (served["route"], "source" in served) == ("GET /x", False)
    assert "function" not in later


def test_an_event_cannot_replace_what_every_line_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in IN_LAMBDA.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd86;Parent=a;Sampled=1")
    monkeypatch.setattr(observability, "_trace_aws_calls", lambda: None)
    with observability.unit_of_work(service="other", function=None):
        fields = {"level": "low", "left_out": None, "kinds": {1}, "kind": int}
        observability.log.warning("\u53d1", extra=fields)
    monkeypatch.setenv("AWS_XRAY_SDK_ENABLED", "false")
    observability.event("untraced")
    line, untraced = lines(capsys)
    assert "xray_trace_id" not in untraced
    timestamp, location = line.pop("timestamp"), line.pop("location")
    assert datetime.fromisoformat(timestamp).tzinfo is UTC
    assert location.startswith("test_an_event_cannot")
    assert line == {
        "level": "WARNING",
        "message": "\u53d1",
        "service": "openums",
        "kinds": [1],
        "kind": "<class 'int'>",
        "xray_trace_id": "1-5759e988-bd86",
    }


def test_providers_log_through_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    observability.set_up()
    logging.getLogger("chalicelib.providers.base").warning(
        "provider code unknown", extra={"provider_code": "7"}
    )
    (line,) = lines(capsys)
    assert (line["message"], line["provider_code"]) == ("provider code unknown", "7")


NAMES = [
    "phone",
    "email",
    "mail",
    "contact",
    "contacts",
    "content",
    "contents",
    "recipient",
    "recipients",
    "master_secret",
    "secret",
    "password",
    "credentials",
    "authorization",
    "sealed_credentials",
    "template_para",
    "body",
    "token",
    "Phone",
    "url",
]


@pytest.mark.parametrize("name", NAMES)
def test_telling_fields_are_masked_at_any_depth(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with observability.unit_of_work(**{name: "13800138000"}):
        observability.event(
            "e", **{name: "13800138000"}, nested={"ok": [{name: {"x": "13800138000"}}]}
        )
    out = capsys.readouterr().out
    assert "13800138000" not in out
    assert observability.MASK in out


@pytest.mark.parametrize(
    "error",
    [
        ValueError("13800138000"),
        KeyError("13800138000"),
        UnicodeEncodeError("utf-8", "13800138000", 0, 1, "13800138000"),
    ],
)
def test_an_exceptions_message_is_not_written(
    capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    observability.set_up()
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("13800138000") from cause
    except RuntimeError:
        observability.log.exception("failed")
    out = capsys.readouterr().out
    assert "13800138000" not in out
    line = json.loads(out)
    assert type(error).__name__ in line["exception"]
    assert "RuntimeError at test_observability.py:" in line["exception"]


def test_our_own_and_aws_errors_say_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    from botocore.exceptions import ClientError

    assert "Misconfigured: 1004 at" in observability.describe(Misconfigured("1004"))
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no right"}}, "PutItem")
    assert "no right" in observability.describe(denied)


def test_metrics_are_summed_and_written_once_for_their_stage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "prod")
    with observability.unit_of_work(function="x"):
        observability.metric("job_failed")
        observability.metric("job_failed", 2)
    with observability.unit_of_work(function="x"):
        pass
    (line,) = lines(capsys)
    assert line["job_failed"] == 3
    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert described == {
        "Namespace": "OpenUMS",
        "Dimensions": [["stage"]],
        "Metrics": [{"Name": "job_failed"}],
    }
    assert line["stage"] == "prod"


def test_measured_values_are_written_by_their_dimensions_and_bounded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "prod")
    with observability.unit_of_work(function="x"):
        for value in (1.23456, 2):
            observability.measure("provider_ms", value, channel="sms1")
        for _ in range(observability.MAX_VALUES + 1):
            observability.measure("provider_ms", 3, channel="mail1")
    of_sms, of_mail = lines(capsys)
    assert of_sms["provider_ms"] == [1.235, 2]
    assert (of_sms["stage"], of_sms["channel"]) == ("prod", "sms1")
    (described,) = of_sms["_aws"]["CloudWatchMetrics"]
    assert described["Dimensions"] == [["stage", "channel"]]
    assert len(of_mail["provider_ms"]) == observability.MAX_VALUES


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"AWS_XRAY_DAEMON_ADDRESS": "a:1"}, False),
        ({"LAMBDA_TASK_ROOT": "/var/task"}, False),
        (IN_LAMBDA, True),
        ({**IN_LAMBDA, "AWS_XRAY_SDK_ENABLED": "False"}, False),
    ],
)
def test_tracing_is_on_where_lambda_has_a_daemon(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], on: bool
) -> None:
    for name in (*IN_LAMBDA, "AWS_XRAY_SDK_ENABLED"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert observability.tracing_is_on() is on

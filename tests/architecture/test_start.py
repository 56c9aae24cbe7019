"""A function's start imports what every invocation needs. Other modules come when first used."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROVIDERS = sorted((ROOT / "chalicelib" / "providers").glob("*/__init__.py"))

LAMBDAS = "from chalicelib.entrypoints.lambdas import"
BLUEPRINTS = ("imports", "queues", "schedules", "steps", "streams")
STARTS = {"api": "import app"} | {name: f"{LAMBDAS} {name}" for name in BLUEPRINTS}
# As a container begins: the code, then logs, then the ports. The first AWS call imports boto3.
BEGIN = "from chalicelib import observability, wiring; observability.set_up(); wiring.world()"

LATER = {
    # for the first AWS call, and for the first request to a provider
    *("boto3", "requests", "urllib3", "ssl", "http.client", "idna"),
    # for a sealed contact, a number abroad, a traced deployment
    *("cryptography", "phonenumbers", "aws_xray_sdk"),
    # for a body, a file or a mail
    *("pydantic", "python_multipart", "xlsxwriter", "zipfile", "xml", "email", "smtplib"),
    *("chalicelib.entrypoints.http.schemas", "chalicelib.entrypoints.http.openapi.document"),
    # for a call: its provider, of all channel types
    *("chalicelib.providers.registry", "chalicelib.providers.base", "chalicelib.web"),
    *(f"chalicelib.providers.{path.parent.name}" for path in PROVIDERS),
}
# Modules that one function leaves to others.
NOT_FOR_JOBS = {"chalicelib.entrypoints.http", "chalicelib.manage", "chalicelib.reports", "csv"}
OF_OTHERS = {
    "api": {"chalicelib.flow.deliver", "chalicelib.flow.poll"}
    | {"chalicelib.flow.clicks", "chalicelib.flow.webhooks", "chalicelib.domain.user_agents"}
    | {"chalicelib.manage.imports", "chalicelib.manage.schedules", "chalicelib.reports"}
    | {f"chalicelib.entrypoints.lambdas.{name}" for name in BLUEPRINTS},
    "imports": {"chalicelib.entrypoints.http.route", "chalicelib.reports"},
    "queues": NOT_FOR_JOBS,
    "schedules": NOT_FOR_JOBS,
    "steps": NOT_FOR_JOBS,
    "streams": NOT_FOR_JOBS,
}
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "STAGE": "test",
    "CHANNEL_TYPES": "app",
    **dict.fromkeys(
        ("PUBLIC_URL", "QUEUE_URL_PREFIX", "CLOCK_ARN", "FILES_BUCKET", "KMS_KEY"), "x"
    ),
}
IN_LAMBDA = {**ENVIRONMENT, "AWS_LAMBDA_FUNCTION_NAME": "a-function"}


def printed(statement: str, environment: Mapping[str, str] = IN_LAMBDA) -> list[str]:
    """Return the words that a statement prints in a new process."""
    ended = subprocess.run(
        [sys.executable, "-c", statement],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.split()


def imported(statement: str) -> set[str]:
    return set(printed(f"{statement}; import sys; print(*sys.modules)"))


@pytest.mark.parametrize("function", STARTS)
def test_a_start_leaves_heavy_modules_for_later(function: str) -> None:
    modules = imported(f"{STARTS[function]}; {BEGIN}")
    assert "chalicelib.aws.world" in modules
    assert modules & (LATER | OF_OTHERS[function]) == set()


def test_nothing_happens_at_import_but_definitions() -> None:
    """Import the wiring without the AWS SDK: adapters are made when needed."""
    modules = imported("import chalicelib.wiring")
    assert "chalicelib.ports" in modules
    assert modules & (LATER | {"botocore", "chalicelib.aws"}) == set()


@pytest.mark.parametrize("name", sorted(LATER | set().union(*OF_OTHERS.values())))
def test_a_module_that_is_left_for_later_exists(name: str) -> None:
    assert importlib.util.find_spec(name) is not None


def test_the_api_in_lambda_has_every_route_and_leaves_functions_to_their_handlers() -> None:
    count = "from app import app; print(len(app.routes), len(app.event_sources))"
    in_lambda, packaged = printed(count), printed(count, ENVIRONMENT)
    assert in_lambda[0] == packaged[0]
    assert in_lambda[1] == "0"
    assert int(packaged[1]) > 2

"""Every route asks who is there, or is on the short list that need not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from infra.package import ROOT

# Providers prove themselves by the token in the path and their signature, links by their signature.
# The documentation is public. UMS's bare callback address refuses everybody.
OPEN = {
    "/receipts/{code}/{token}": "WEBHOOK",
    "/v1/{type}/callback/{code}/{token}": "WEBHOOK",
    "/v1/{type}/callback": "NOBODY",
    "/l/{token}": "NOBODY",
    "/u/{token}": "NOBODY",
    "/p/{token}": "NOBODY",
    "/o/{token}": "NOBODY",
    "/openapi.json": "NOBODY",
    "/docs": "NOBODY",
}

SCRIPT = """
import json
from chalice.test import Client
from app import app
from chalicelib.entrypoints.http.route import Auth
routes = []
for path, methods in app.routes.items():
    for method, route in methods.items():
        routes.append((path, method, getattr(route.view_function, "auth", None)))
answers = []
json_type = {"Content-Type": "application/json"}
with Client(app) as client:
    for path, method, auth in routes:
        status = None
        if auth not in (Auth.WEBHOOK, Auth.NOBODY):
            body = b"" if method == "GET" else b"{}"
            url = path.replace("{", "").replace("}", "")
            answer = client.http.request(method, url, headers=json_type, body=body)
            status = answer.status_code
        answers.append([path, method, auth and auth.name, status])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def routes(functions: Mapping[str, Any]) -> list[tuple[str, str, str, int | None]]:
    """Return path, method, authentication, and status without credentials of every route.

    The app has the environment of the template, and cannot reach AWS.
    """
    variables = functions["api"]["Environment"]["Variables"]
    environment = {
        name: value if isinstance(value, str) else "-" for name, value in variables.items()
    }
    nowhere = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_XRAY_SDK_ENABLED": "false",
    }
    environment |= {
        **nowhere,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [tuple(each) for each in json.loads(done.stdout.splitlines()[-1])]


def test_the_template_has_the_routes_of_the_app(
    routes: list[Any], template: Mapping[str, Any]
) -> None:
    paths = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    packaged = {
        (path, method.upper())
        for path, methods in paths.items()
        for method in methods
        if method != "options"
    }
    assert packaged == {(path, method) for path, method, _, _ in routes}


def test_the_routes_that_need_no_credentials_are_the_ones_on_the_list(routes: list[Any]) -> None:
    assert {
        path: auth for path, _, auth, _ in routes if auth in ("WEBHOOK", "NOBODY", None)
    } == OPEN


def test_every_other_route_refuses_who_brings_none(routes: list[Any]) -> None:
    answers = {f"{method} {path}": status for path, method, _, status in routes if path not in OPEN}
    assert len(answers) >= 8
    assert {route: status for route, status in answers.items() if status != 401} == {}


def test_what_is_for_administrators_lies_under_admin(routes: list[Any]) -> None:
    """The exception is a path of UMS."""
    below = {path for path, _, _, _ in routes if re.match("/admin/", path)}
    assert {path for path, _, auth, _ in routes if auth == "ACCESS"} == below | {"/v1/user/delete"}

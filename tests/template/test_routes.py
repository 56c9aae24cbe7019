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

# Providers identify themselves by the token in the path and their signature, links by the signature
# in them. The documentation is public. UMS's bare callback address refuses every request.
OPEN = {
    "/receipts/{code}/{token}": "WEBHOOK",
    "/v1/{type}/callback/{code}/{token}": "WEBHOOK",
    "/v1/{type}/callback": "NOBODY",
    "/l/{token}": "NOBODY",
    "/u/{token}": "NOBODY",
    "/o/{token}": "NOBODY",
    "/openapi.json": "NOBODY",
    "/docs": "NOBODY",
}

SCRIPT = """
import json
from chalice.test import Client
from app import app
from chalicelib.entrypoints.http.route import Auth
routes = [
    (path, method, getattr(route.view_function, "auth", None))
    for path, by_method in app.routes.items()
    for method, route in by_method.items()
]
found = []
with Client(app) as client:
    for path, method, auth in routes:
        status = None
        if auth not in (Auth.WEBHOOK, Auth.NOBODY):
            body = b"" if method == "GET" else b"{}"
            url = path.replace("{", "").replace("}", "")
            headers = {"Content-Type": "application/json"}
            status = client.http.request(method, url, headers=headers, body=body).status_code
        found.append([path, method, auth and auth.name, status])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def routes(functions: Mapping[str, Any]) -> list[tuple[str, str, str, int | None]]:
    """Return (path, method, allowed callers, status without credentials) for every route.

    The routes run with the environment of the template and without AWS.
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
    """But for what UMS has elsewhere."""
    below = {path for path, _, _, _ in routes if re.match("/admin/", path)}
    assert {path for path, _, auth, _ in routes if auth == "ACCESS"} == below | {"/v1/user/delete"}

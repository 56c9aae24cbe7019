"""Every header gets an answer that does not blame the server, at every route."""

from __future__ import annotations

import re
from typing import Any

import pytest

import app
from chalicelib.entrypoints.http.contract import Auth
from tests.entrypoints.conftest import OPERATOR, SENDER, Api
from tests.entrypoints.http import any_headers

ROUTES = [
    (method, route, entry.view_function.contract)
    for route, entries in sorted(app.app.routes.items())
    for method, entry in entries.items()
]
BODY = b"--b\r\n\r\nx"


def ask(api: Api, method: str, path: str, **sent: Any) -> None:
    """Ask in a second of its own, so that the rate limit does not answer."""
    api.fake.clock.advance(1)
    reply = api(method, path, **sent)
    assert 200 <= reply.status < 500, (method, path, reply.body)
    assert reply.status != 429


def auth_of(contract: Any) -> str | None:
    if contract.auth in (Auth.NOBODY, Auth.WEBHOOK):
        return None
    return OPERATOR if contract.auth is Auth.ACCESS else SENDER


@pytest.mark.parametrize("value", any_headers.VALUES, ids=range(len(any_headers.VALUES)))
def test_no_header_is_our_fault(configured: Api, value: str) -> None:
    for method, route, contract in ROUTES:
        path = re.sub(r"\{\w+\}", "1", route)
        headers = any_headers.all_with(value)
        ask(configured, method, path, auth=auth_of(contract), headers=headers)


@pytest.mark.parametrize("media", any_headers.MEDIA, ids=range(len(any_headers.MEDIA)))
def test_no_media_type_is_our_fault(configured: Api, media: str) -> None:
    for method, route, contract in ROUTES:
        path, headers = re.sub(r"\{\w+\}", "1", route), {"Content-Type": media}
        auth = auth_of(contract)
        if method not in ("GET", "HEAD"):
            ask(configured, method, path, auth=auth, headers=headers, raw=BODY)


@pytest.mark.parametrize("value", any_headers.VALUES, ids=range(len(any_headers.VALUES)))
def test_no_login_is_our_fault(configured: Api, value: str) -> None:
    for method, path in (("POST", "/v1/sent"), ("GET", "/admin/v1/channels")):
        ask(configured, method, path, headers={"Authorization": value})

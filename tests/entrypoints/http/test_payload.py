"""Events of payload 2.0 reach the routes whole, and answers fit them."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

import pytest

from app import app
from chalicelib.entrypoints.http.contract import Auth
from chalicelib.entrypoints.http.payload import App, Matcher, is_payload_2, payload_2
from chalicelib.entrypoints.http.route import VIEWS
from tests.entrypoints import http_api

ROUTES: dict[str, dict[str, Any]] = {
    "/v1/users": {"GET": 1},
    "/v1/users/{userid}": {"GET": 1, "PUT": 1},
    "/v1/{type}/callback": {"POST": 1},
    "/v1/lists/{number}/members/{userid}": {"DELETE": 1},
    "/v1/lists/{number}/targets/{target}": {"GET": 1},
    "/v1/lists/{number}/targets/{target}/contacts": {"POST": 1},
}


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        ("/v1/users", "GET", ("/v1/users", {})),
        ("/v1/users/", "GET", ("/v1/users", {})),
        ("/v1/users", "POST", None),
        ("/v1/users/李 4", "PUT", ("/v1/users/{userid}", {"userid": "李 4"})),
        ("/v1/users/a\nb", "GET", ("/v1/users/{userid}", {"userid": "a\nb"})),
        ("/v1/users/a/b", "GET", ("/v1/users/{userid}", {"userid": "a/b"})),
        ("/v1/users/%25", "GET", ("/v1/users/{userid}", {"userid": "%25"})),
        ("/v1/sms/callback", "POST", ("/v1/{type}/callback", {"type": "sms"})),
        ("/v1/sms/x/callback", "POST", None),
        (
            "/v1/lists/7/members/a/b",
            "DELETE",
            ("/v1/lists/{number}/members/{userid}", {"number": "7", "userid": "a/b"}),
        ),
        (
            "/v1/lists/7/targets/a/b/contacts",
            "POST",
            ("/v1/lists/{number}/targets/{target}/contacts", {"number": "7", "target": "a/b"}),
        ),
        (
            "/v1/lists/7/targets/a/contacts",
            "GET",
            ("/v1/lists/{number}/targets/{target}", {"number": "7", "target": "a/contacts"}),
        ),
        ("/", "GET", None),
        ("", "GET", None),
    ],
)
def test_a_path_finds_its_route(
    path: str, method: str, expected: tuple[str, dict[str, str]] | None
) -> None:
    assert Matcher(ROUTES).match(path, method) == expected


def test_every_route_of_the_app_is_found() -> None:
    for route, methods in app.routes.items():
        path = route.replace("{", "").replace("}", "")
        for method in methods:
            assert Matcher({route: methods}).match(path, method) is not None, route


@pytest.fixture
def echo() -> App:
    app = App("echo", configure_logs=False)

    @app.route("/echo/{name}", methods=["POST"], content_types=["*/*"])  # type: ignore[misc]
    def answer(name: str) -> dict[str, Any]:
        request = app.current_request
        return {
            "name": name,
            "query": {key: request.query_params.getlist(key) for key in request.query_params or ()},
            "cookie": request.headers.get("cookie"),
            "body": request.raw_body.decode(errors="replace"),
            "source": request.context["identity"]["sourceIp"],
        }

    return app


def test_a_view_sees_what_was_sent(echo: App) -> None:
    event = http_api.event("POST", "/echo/a?x=1&x=2&y=", {"Content-Type": "image/png"}, b"\xe4")
    event["cookies"] = ["a=1", "b=2"]
    answer = json.loads(echo(event, None)["body"])
    assert answer == {
        "name": "a",
        "query": {"x": ["1", "2"], "y": [""]},
        "cookie": "a=1; b=2",
        "body": "\ufffd",
        "source": "192.0.2.1",
    }


def test_an_event_of_a_rest_api_is_left_to_chalice() -> None:
    assert not is_payload_2({"requestContext": {"resourcePath": "/"}, "httpMethod": "GET"})
    assert not is_payload_2({"version": "2.0", "requestContext": {}})
    assert not is_payload_2([])


def answer(size: int, **headers: str) -> dict[str, Any]:
    media = {"Content-Type": "application/json"} | headers
    return {"statusCode": 200, "headers": media, "body": "x" * size, "multiValueHeaders": {}}


@pytest.mark.parametrize("accepted", ["gzip", "deflate, GZIP;q=0.5", "gzip, br"])
def test_a_large_answer_is_compressed_for_those_who_take_it(accepted: str) -> None:
    compressed = payload_2(answer(1024), accepted)
    assert compressed["isBase64Encoded"] is True
    assert compressed["headers"]["Content-Encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(compressed["body"])) == b"x" * 1024


@pytest.mark.parametrize(
    ("size", "headers", "accepted"),
    [
        (1023, {}, "gzip"),
        (2000, {}, ""),
        (2000, {}, "br"),
        (2000, {}, "gzip;q=0, br"),
        (2000, {"Content-Type": "image/gif"}, "gzip"),
        (2000, {"Content-Encoding": "br"}, "gzip"),
    ],
)
def test_other_answers_stay_as_they_are(size: int, headers: dict[str, str], accepted: str) -> None:
    assert payload_2(answer(size, **headers), accepted)["body"] == "x" * size


def test_cookies_stand_apart_and_repeated_headers_are_joined() -> None:
    several = {"Set-Cookie": ["a=1", "b=2"], "Vary": ["Accept", "Cookie"]}
    shaped = payload_2({**answer(1), "multiValueHeaders": several}, "")
    assert shaped["cookies"] == ["a=1", "b=2"]
    assert shaped["headers"]["Vary"] == "Accept, Cookie"
    assert "multiValueHeaders" not in shaped


@pytest.mark.parametrize(
    ("function", "path", "status"),
    [
        ("receipts", "/receipts/sms1/token", 200),
        ("receipts", "/echo/a", 404),
        ("receipts", "/nothing", 404),
        ("api", "/receipts/sms1/token", 404),
        ("api", "/echo/a", 404),
        ("api", "/nothing", 404),
    ],
)
def test_a_function_url_serves_few_routes(
    echo: App, monkeypatch: pytest.MonkeyPatch, function: str, path: str, status: int
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", f"openums-prod-{function}")

    @echo.route("/receipts/{code}/{token}", methods=["POST"])  # type: ignore[misc]
    def taken(code: str, token: str) -> dict[str, str]:
        return {"code": code, "token": token}

    event = http_api.event("POST", path, {}, b"")
    event["requestContext"]["domainName"] = "abc.lambda-url.eu-central-1.on.aws"
    assert echo(event, None)["statusCode"] == status


def test_the_url_of_the_api_serves_those_who_know_the_secret_of_an_access_channel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody can guess passwords there, and pages of the public and of members are not there."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "openums-prod-api")
    served: dict[str, set[Auth]] = {}
    for name, (_, contract) in VIEWS.items():
        method, path = name.split(" ", 1)
        event = http_api.event(method, re.sub(r"\{\w+\}", "1", path), {}, b"{}")
        event["requestContext"]["domainName"] = "abc.lambda-url.eu-central-1.on.aws"
        answer = app(event, None)
        kind = "hidden" if json.loads(answer["body"] or "{}").get("code") == 4004 else "served"
        served.setdefault(kind, set()).add(contract.auth)
    assert served["served"] == {Auth.CHANNEL}
    assert served["hidden"] == set(Auth) - {Auth.CHANNEL}

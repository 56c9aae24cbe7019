"""The door answers as MiniStack's own way to an HTTP API does, and leaves the rest to it.

A header sends a request the long way. A function answers with the event that it gets.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import re
import socket
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from infra.local import door
from infra.local.emulator import AT_ONCE, _read
from tests.contracts import emulator

LONG = {"x-forwarded-proto": "http"}
FUNCTION = """
import base64, json

def handler(event, context):
    event["headers"].pop("x-forwarded-proto", None)
    if event["rawPath"] == "/raw":
        body = base64.b64encode(bytes(range(256))).decode()
        headers = {"content-type": "image/png", "date": "Mon, 30 Nov 2026 00:00:00 GMT"}
        return {"statusCode": 201, "headers": headers, "body": body, "isBase64Encoded": True}
    if event["rawPath"] == "/fails":
        raise ValueError("no")
    if event["rawPath"] == "/nonsense":
        return {"statusCode": 200, "body": "a", "isBase64Encoded": True}
    return {"statusCode": 200, "body": json.dumps(event), "cookies": ["a=1", "b=2"]}
"""
ROUTES = ("ANY /{proxy+}", "GET /users/{userid}", "GET /raw", "ANY /fails", "ANY /closed")
OF_THE_TIME = ("time", "timeEpoch", "requestId")  # of a request, in its context


class Answer(NamedTuple):
    status: int
    headers: Sequence[tuple[str, str]]
    body: Any


class Api:
    """An HTTP API in an emulator."""

    def __init__(self, address: str, port: int) -> None:
        self._address, self.port = address, port
        self.gateway = self._client("apigatewayv2")
        self.id = self.gateway.create_api(Name="door", ProtocolType="HTTP")["ApiId"]
        integration = self.gateway.create_integration(
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=self._function(),
            PayloadFormatVersion="2.0",
        )["IntegrationId"]
        for key in ROUTES:
            more = {"AuthorizationType": "AWS_IAM"} if key.endswith("closed") else {}
            target = f"integrations/{integration}"
            self.gateway.create_route(ApiId=self.id, RouteKey=key, Target=target, **more)
        self.gateway.create_stage(ApiId=self.id, StageName="$default", AutoDeploy=True)

    def _client(self, service: str) -> Any:
        return emulator.root_client(self._address, service)

    def _function(self) -> str:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("index.py", FUNCTION)
        made = self._client("lambda").create_function(
            FunctionName="openums-test-echo",
            Runtime="python3.11",
            Role=f"arn:aws:iam::{emulator.ACCOUNT}:role/echo",
            Handler="index.handler",
            Code={"ZipFile": code.getvalue()},
        )
        return str(made["FunctionArn"])

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body or None, dict(headers or {}))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        lines = [(name.lower(), _timeless(name, value)) for name, value in response.getheaders()]
        return Answer(response.status, sorted(lines), _event(content))


def _timeless(name: str, value: str) -> str:
    """Return a header's value without what each answer has of its own."""
    if name.lower() == "apigw-requestid":
        return re.sub(r"[\w+/]{15}=", "<id>", value)
    return re.sub(r"\d\d:\d\d:\d\d", "<time>", value) if name.lower() == "date" else value


def _event(content: bytes) -> Any:
    try:
        body = json.loads(content)
    except ValueError:
        return content
    if "requestContext" in body:
        for name in OF_THE_TIME:
            del body["requestContext"][name]
    return body


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("door")
    with (
        emulator.in_environment({"NO_PROXY": "127.0.0.1"}),
        emulator.running(folder) as address,
    ):
        ports = re.search(r"on ports \(\d+, (\d+)\)", (folder / "emulator.log").read_text())
        assert ports
        yield Api(address, int(ports[1]))


REQUESTS: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "a parameter": ("GET", "/users/u1", b"", {}),
    "a query": ("GET", "/users/u1?a=1&a=2&b=&c=%E4%B8%AD", b"", {}),
    "escapes": ("GET", "/users/a%20b%2Fc%252E%E4%B8%AD", b"", {}),
    "slashes": ("POST", "//users//u1/", b"", {}),
    "json": ("POST", "/any", '{"a":"日本"}'.encode(), {"content-type": "application/json"}),
    "a form": ("PUT", "/any", b"a=1", {"content-type": "application/x-www-form-urlencoded"}),
    "bytes": ("POST", "/any", bytes(range(256)), {}),
    "headers": ("DELETE", "/any", b"", {"cookie": "a=1; b=2", "authorization": "Basic YTpi"}),
    "an answer in bytes": ("GET", "/raw", b"", {}),
    "a failure": ("GET", "/fails", b"", {}),
    "no route": ("POST", "/", b"", {}),
    "an authorizer": ("GET", "/closed", b"", {}),
    "options": ("OPTIONS", "/any", b"", {"origin": "https://shop.example"}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_both_ways_answer_the_same(api: Api, name: str) -> None:
    method, path, body, headers = REQUESTS[name]
    short = api.ask(method, path, body, headers)
    assert short == api.ask(method, path, body, headers | LONG)
    assert short.status in {200, 201, 204, 403, 404, 500, 502}


def scope(method: str = "POST", **headers: str | bytes) -> dict[str, Any]:
    lines = [
        (name.replace("_", "-").encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in headers.items()
    ]
    return {"method": method, "headers": lines}


def test_what_goes_the_short_way() -> None:
    assert door.headers_of(scope(authorization="Basic YTpi")) == {"authorization": "Basic YTpi"}
    repeated = scope(cookie="a=1")
    repeated["headers"] *= 2
    for other in (
        *(scope("OPTIONS"), scope("HEAD"), repeated, scope(cookie=b"\xff")),
        *(scope(x_forwarded_proto="http"), scope(transfer_encoding="chunked")),
        scope(authorization="AWS4-HMAC-SHA256 Credential=x"),
    ):
        assert door.headers_of(other) is None


def test_an_answer_of_a_function_that_is_none_fails_alike(api: Api) -> None:
    short, long = (api.ask("GET", "/nonsense", headers=more) for more in ({}, LONG))
    assert (short.status, short.body) == (long.status, long.body)
    assert short.status == 500
    assert ("content-type", "application/json") in short.headers


def test_whoever_stops_half_way_holds_nobody_up(api: Api) -> None:
    half = b"POST /any HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            stalled = stack.enter_context(socket.create_connection(("127.0.0.1", api.port)))
            stalled.sendall(half)
        assert api.ask("GET", "/any").status == 200


def test_a_body_that_breaks_off_does_so_on_the_long_way() -> None:
    events = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b", "more_body": True},
        {"type": "http.disconnect"},
    ]
    left = [*events, {"type": "later"}]

    async def receive() -> Any:
        return left.pop(0)

    async def twice() -> tuple[bytes, list[Any]]:
        body, again = await _read(receive)
        return body, [await again() for _ in range(4)]

    assert asyncio.run(twice()) == (b"ab", [*events, {"type": "later"}])


def test_an_api_gets_requests_from_its_stage_on(api: Api) -> None:
    other = api.gateway.create_api(Name="later", ProtocolType="HTTP")["ApiId"]
    assert api.ask("GET", "/any").status == 200
    api.gateway.create_stage(ApiId=other, StageName="$default", AutoDeploy=True)
    assert api.ask("GET", "/any").status == 404
    api.gateway.delete_api(ApiId=other)
    assert api.ask("GET", "/any").status == 200


class Gateway:
    """A gateway whose routes need an authorization, and that answers everything."""

    def __init__(self, authorization: str) -> None:
        self.authorization = authorization

    def route_authorization_type(self, *request: str) -> str:
        return self.authorization

    async def handle_execute(self, *request: Any, **more: Any) -> door.Answer:
        return 200, {}, b"answered"


@pytest.mark.parametrize(
    ("authorization", "length", "is_short"),
    [("NONE", "2", True), ("AWS_IAM", "2", False), ("NONE", "3", False)],
)
def test_a_plain_request_is_passed_to_the_gateway_at_once(
    authorization: str, length: str, is_short: bool
) -> None:
    passing: Any = door.Door.__new__(door.Door)
    passing._gateway, passing._is_reset = Gateway(authorization), asyncio.Lock
    passing._decoded = str
    request = {**scope(), "raw_path": b"/any", "query_string": b""}
    answer = asyncio.run(passing.answer("api", request, {"content-length": length}, b"{}"))
    assert (answer is not None and answer[2] == b"answered") == is_short


def test_a_function_gets_a_request_as_it_came(api: Api) -> None:
    answer = api.ask("GET", "/users/a%2Fb?x=1&x=2", headers={"cookie": "c=1"})
    event = answer.body
    assert (event["rawPath"], event["rawQueryString"]) == ("/users/a/b", "x=1&x=2")
    assert event["requestContext"]["apiId"] == api.id
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]

"""Callers of every door while AWS throttles, from each of a request's calls on.

A throttled request ends soon, with 503 and `Retry-After`. Its repeat goes on, and does nothing
twice.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

import app
from chalicelib import wiring
from chalicelib.aws import retries
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import callers
from chalicelib.manage import members
from chalicelib.ports import World
from infra.console.build import build
from tests import own_thread
from tests.console.conftest import Browser, a_member
from tests.contracts.conftest import real_container
from tests.entrypoints import http_api
from tests.entrypoints.conftest import CONTENTS, JPUSH, JSMS

SERVICES = ("dynamodb", "sqs", "kms", "stepfunctions", "scheduler", "s3")
MOST = 60  # AWS calls of a request here


class Throttle:
    """An AWS that throttles everything after some calls."""

    def __init__(self, aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self._clients = [aws(service) for service in SERVICES]
        self.calls, self.free, self.refused, self.slept = 0, MOST, 0, 0.0
        own_thread.replace(monkeypatch, "time.sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds

    def _call(self, **_: Any) -> None:
        self.calls += 1

    def _send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        if self.calls <= self.free:
            return None
        self.refused += 1
        error = {"__type": "ThrottlingException", "message": "slow"}
        status = 503 if ".s3." in event_name else 400
        headers = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, status, headers, _Body(json.dumps(error).encode()))

    @contextmanager
    def after(self, free: int) -> Iterator[None]:
        self.calls, self.free, self.refused, self.slept = 0, free, 0, 0.0
        for client in self._clients:
            client.meta.events.register("before-call", self._call)
            client.meta.events.register_first("before-send", self._send)
        yield
        for client in self._clients:
            client.meta.events.unregister("before-call", self._call)
            client.meta.events.unregister("before-send", self._send)


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any) -> Iterator[bytes]:
        yield self._content


@pytest.fixture
def throttle(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Throttle:
    return Throttle(aws, monkeypatch)


class Door:
    """The API on the emulator, whose containers are always cold."""

    def __init__(self) -> None:
        build()
        member, secret = members.add(real_container(), secrets.token_hex(4), Role.ADMINISTRATOR)
        self.operator, self.codes = f"{member.key}:{secret}", dict[str, str]()
        made = self.ask("POST", "/admin/v1/access-channels", {"name": member.key})
        self.key, self.sender = (
            made["channel_key"],
            f"{made['channel_key']}:{made['master_secret']}",
        )
        for body in (JPUSH, JSMS):
            code = f"{body['code']}{secrets.token_hex(3)}"
            self.ask("POST", "/admin/v1/channels", {**body, "code": code, "name": code})
            path = f"/admin/v1/access-channels/{self.key}/channels/{code}"
            self.ask("PUT", path, {"enabled": True})
            self.codes[str(body["type"])] = code
        self.template = self.ask("POST", "/admin/v1/templates", self.named(contents=CONTENTS))
        steps = [
            {"channels": ["app"]},
            {"channels": ["sms"], "condition": {"missing": "delivered", "within": 300}},
        ]
        self.strategy = self.ask("POST", "/admin/v1/strategies", self.named(steps=steps))["rule_id"]
        self.people = [f"{self.key[:8]}{n}" for n in range(3)]
        self.ask("POST", "/v1/user/opt", [*map(self.user, self.people)], self.sender)

    def named(self, **body: Any) -> dict[str, Any]:
        return {"channel_key": self.key, "name": secrets.token_hex(4), **body}

    def user(self, name: str) -> dict[str, Any]:
        app_contact = {self.codes["app"]: [f"r{name}"]}
        return {"userid": name, "set": {"app": app_contact, "tag": {"all": ["vip"]}}}

    def message(self, number: int, **more: Any) -> dict[str, Any]:
        return {
            "aud_userid": self.people[:number],
            "template_id": self.template["template_id"],
            "template_para": {"name": "Li"},
            "app_para": {"platform": "all"},
            **more,
        }

    def request(
        self, method: str, path: str, body: Any, auth: str, once: str = ""
    ) -> http_api.Reply:
        """Ask a container that has cached nothing."""
        real_container()
        callers.GUESSES.forget()
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": "Basic " + base64.b64encode(auth.encode()).decode()}
        headers |= {"Idempotency-Key": once} if once else {}
        raw = b"" if body is None else json.dumps(body).encode()
        return http_api.request(app.app, method, path, headers, raw)

    def ask(self, method: str, path: str, body: Any = None, auth: str = "") -> Any:
        reply = self.request(method, path, body, auth or self.operator)
        assert reply.status_code < 300, (path, reply.body)
        return json.loads(reply.body)


Asked = tuple[str, str, Any, str]  # method, path, body, authentication


def one_send(door: Door) -> Asked:
    return "POST", "/v1/template/sent", door.message(1), door.sender


def send_in_steps(door: Door) -> Asked:
    return "POST", "/v1/template/sent", door.message(3, rule_id=door.strategy), door.sender


def send_to_a_tag(door: Door) -> Asked:
    body = {**door.message(0), "aud_tag": ["vip"]}
    del body["aud_userid"]
    return "POST", "/v1/template/sent", body, door.sender


def send_at_a_time(door: Door) -> Asked:
    schedule = {"at": "2037-02-01T18:00", "time_zone": "Asia/Shanghai"}
    body = door.message(1, option={"schedule": schedule})
    return "POST", "/v1/template/sent", body, door.sender


def users(door: Door) -> Asked:
    names = [secrets.token_hex(5) for _ in range(3)]
    return "POST", "/v1/user/opt", [*map(door.user, names)], door.sender


def contacts_of_growth(door: Door) -> Asked:
    body = [{"cuid": door.people[0], "channels": []}]
    return "PUT", "/smartop/api/v1/user/channel/batch", body, door.sender


def material(door: Door) -> Asked:
    body = {"name": "a.pdf", "time_to_live": 1}
    return "POST", "/v1/material/upload", body, door.sender


def report(door: Door) -> Asked:
    return "GET", f"/v1/messages/{'0' * 24}", None, door.sender


def delivery_channel(door: Door) -> Asked:
    code = f"x{secrets.token_hex(5)}"
    return "POST", "/admin/v1/channels", {**JSMS, "code": code, "name": code}, door.operator


def template(door: Door) -> Asked:
    return "POST", "/admin/v1/templates", door.named(contents=CONTENTS), door.operator


def access_channel(door: Door) -> Asked:
    return "POST", "/admin/v1/access-channels", {"name": secrets.token_hex(5)}, door.operator


def begun_import(door: Door) -> Asked:
    return "POST", "/admin/v1/imports", {"kind": "users", "format": "csv"}, door.operator


def search(door: Door) -> Asked:
    return "POST", "/admin/v1/users/search", {"contact": "r1", "type": "app"}, door.operator


def short_link(door: Door) -> Asked:
    return "GET", "/l/" + "A" * 36, None, ""


REQUESTS: tuple[Callable[[Door], Asked], ...] = (
    *(one_send, send_in_steps, send_to_a_tag, send_at_a_time, users, contacts_of_growth),
    *(material, report, delivery_channel, template, access_channel, begun_import, search),
    short_link,
)


@pytest.fixture(scope="module")
def doors() -> dict[str, Door]:
    return {}


@pytest.mark.parametrize("asked", REQUESTS, ids=lambda asked: asked.__name__)
def test_a_throttled_request_ends_soon_and_its_repeat_goes_on(
    throttle: Throttle, doors: dict[str, Door], asked: Callable[[Door], Asked]
) -> None:
    door = doors.setdefault("", Door()) if not doors else doors[""]
    refused = 0
    for free in range(MOST):
        method, path, body, auth = asked(door)
        once = secrets.token_hex(8)
        with throttle.after(free):
            reply = door.request(method, path, body, auth, once)
        assert throttle.slept <= retries.CALLER, free
        if throttle.refused and reply.status_code >= 300:
            assert reply.status_code == 503, (free, reply.body)
            assert int(reply.headers["Retry-After"]) > 0
            refused += 1
            again = door.request(method, path, body, auth, once)
            assert again.status_code in (200, 201, 404), (free, again.body)
        if not throttle.refused:
            break
    assert refused, "nothing was throttled"
    assert free < MOST - 1


def test_a_throttled_page_of_the_console_says_when_to_come_again(
    throttle: Throttle, real: World
) -> None:
    build()
    a_member(real, Role.ADMINISTRATOR, name := f"n{secrets.token_hex(4)}")
    browser = Browser(real)
    browser.sign_in(name)
    for free in range(4):
        with throttle.after(free), wiring.hurried():
            page = browser.get("/members")
        assert (page.status, page.headers["Retry-After"]) == (503, "5"), free
        assert throttle.slept <= retries.CALLER
    assert browser.get("/members").status == 200


def test_a_provider_is_answered_later_than_a_caller_because_it_may_not_come_again(
    throttle: Throttle, real: World
) -> None:
    """WeChat and others wait five seconds for the answer to a webhook."""
    with throttle.after(0):
        reply = http_api.request(app.app, "POST", "/receipts/wechat/a-token", {}, b"{}")
    assert reply.status_code == 503, reply.body
    assert retries.CALLER < throttle.slept <= retries.PROVIDER

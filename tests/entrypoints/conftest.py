"""The API as callers see it: Chalice's test client on fakes, with checks of real providers."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from chalice.test import Client

import app
from chalicelib import wiring
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.entrypoints.http import callers
from chalicelib.flow import single
from chalicelib.ports import Provider
from chalicelib.providers import registry
from chalicelib.web.egress import Policy
from tests import answered
from tests.entrypoints import http_api
from tests.entrypoints.checks import UMS_ERRORS, check_answer, check_taken
from tests.fakes.restored import Saved, built
from tests.fakes.world import FakeWorld, limits_of

KEY, SECRET = "7d431e42dfa6a6d693ac2d04", "5e987ac6d2e04d95a9d8f0d1"
OTHER_KEY, OTHER_SECRET = "0" * 24, "1" * 24
ADMIN, ADMIN_SECRET = "operator", "an access secret"

SENDER = f"{KEY}:{SECRET}"
OTHER = f"{OTHER_KEY}:{OTHER_SECRET}"
OPERATOR = f"{ADMIN}:{ADMIN_SECRET}"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class RealProviders:
    """The real providers, whose checks do not connect. `scripted`: providers of a test."""

    def __init__(self) -> None:
        self.scripted: dict[str, Provider] = {}

    def of(self, platform: str) -> Provider:
        if platform in self.scripted:
            return self.scripted[platform]
        try:
            return registry.load(platform, Policy())
        except Invalid as error:
            raise KeyError(platform) from error

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        return registry.platforms_of(channel_type)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> int:
        """The business code of a UMS-shaped reply, which has nothing else in an error."""
        body = self.json
        assert body["code"] == 0 or set(body) in UMS_ERRORS, body
        return int(body["code"])


class Api:
    """The API behind a REST API, or behind an HTTP API with events of payload 2.0."""

    def __init__(self, fake: FakeWorld, *, is_rest: bool) -> None:
        self.fake, self.is_rest = fake, is_rest
        self.world = replace(fake.ports, providers=RealProviders())
        self._client = Client(app.app)

    def has_sizes(self, **sizes: int) -> None:
        """Take smaller sizes from now on."""
        self.fake.limits = limits_of(**sizes)
        self.world = replace(self.world, limits=self.fake.limits)
        wiring.use(self.world)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        auth: str | None = None,
        raw: bytes | None = None,
        headers: Any = None,
    ) -> Reply:
        sent = {"Content-Type": "application/json", **(headers or {})}
        if auth is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(auth.encode()).decode()
        payload = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        if self.is_rest:
            reply = self._client.http.request(method, path, headers=sent, body=payload)
        else:
            reply = http_api.request(app.app, method, path, sent, payload)
        answered.count("api", reply.status_code)
        check_answer(method, path, reply.status_code, reply.body)
        check_taken(method, path, payload, reply.status_code, reply.body)
        return Reply(reply.status_code, reply.headers, reply.body)

    def send(
        self,
        body: Any = None,
        *,
        auth: str | None = SENDER,
        path: str = "/v1/template/sent",
        **options: Any,
    ) -> Reply:
        return self("POST", path, body, auth=auth, **options)

    def plan(self, msgid: str) -> Plan:
        """Return the plan of a message to one person, as its first job would store it."""
        message = self.world.messages.get(msgid)
        assert message is not None
        chunk = single.chunk_of(self.world, ChunkId(msgid, 0), message)
        assert chunk is not None
        return chunk.plan

    def users(self, body: Any = None, *, auth: str | None = SENDER, **options: Any) -> Reply:
        return self("POST", "/v1/user/opt", body, auth=auth, **options)

    def admin(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        auth: str | None = OPERATOR,
        **options: Any,
    ) -> Reply:
        return self(method, f"/admin/v1/{path}", body, auth=auth, **options)


@pytest.fixture
def fake() -> FakeWorld:
    return a_fake()


def a_fake() -> FakeWorld:
    fake = FakeWorld()
    fake.records.of(MEMBERS).unlisted[ADMIN] = Member(
        ADMIN, "", Role.ADMINISTRATOR, sha256(ADMIN_SECRET)
    )
    fake.settings.put_access_channel(AccessChannel(KEY, "shop", (sha256(SECRET),)))
    fake.settings.put_access_channel(AccessChannel(OTHER_KEY, "other", (sha256(OTHER_SECRET),)))
    lists, segments = (fake.records.of(GROUPS[family]) for family in (Family.LIST, Family.SEGMENT))
    for number in (5, 7, 8, 1000, 1234):
        lists.put(Group(Family.LIST, number, KEY, f"list {number}", "black"))
        segments.put(Group(Family.SEGMENT, number, KEY, f"segment {number}", "manual"))
    lists.put(Group(Family.LIST, 9, KEY, "the few", "white"))
    return fake


@pytest.fixture(params=["rest", "http"])
def api(fake: FakeWorld, request: pytest.FixtureRequest) -> Iterator[Api]:
    api = Api(fake, is_rest=request.param == "rest")
    callers.GUESSES.forget()
    wiring.use(api.world)
    yield api
    wiring.use(None)


JPUSH = {
    "name": "App push",
    "code": "app1",
    "type": "app",
    "platform": "jpush",
    "credentials": {"app_key": "key", "master_secret": "the secret of jpush"},
}
JSMS = {
    "name": "SMS",
    "code": "sms1",
    "type": "sms",
    "platform": "jsms",
    "credentials": {"app_key": "key", "master_secret": "the secret of jsms"},
}
CONTENTS = {
    "app": {"title": "Hello", "alert": "Hello {{name}}"},
    "sms": {"temp_id": 1, "temp_para": {"name": "{{name}}"}},
}


@pytest.fixture
def configured(api: Api) -> Api:
    """Two delivery channels, a template (1) of both and a strategy (1), made by an operator."""
    _configured(api.is_rest).restore(api.fake, api.world)
    return api


@cache
def _configured(is_rest: bool) -> Saved:
    api = Api(a_fake(), is_rest=is_rest)
    with built(api.world, "configured"):
        _configure(api)
        return Saved(api.fake)


def _configure(api: Api) -> None:
    for channel in (JPUSH, JSMS):
        assert api.admin("POST", "channels", channel).status == 201
        assert (
            api.admin(
                "PUT", f"access-channels/{KEY}/channels/{channel['code']}", {"enabled": True}
            ).status
            == 200
        )
    template = {"channel_key": KEY, "name": "greeting", "contents": CONTENTS}
    assert api.admin("POST", "templates", template).json["template_id"] == 1
    steps = [
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": 300}},
    ]
    assert (
        api.admin(
            "POST", "strategies", {"channel_key": KEY, "name": "push, then SMS", "steps": steps}
        ).json["rule_id"]
        == 1
    )


def message(**changes: Any) -> dict[str, Any]:
    body = {
        "aud_userid": ["user1", "user2"],
        "template_id": 1,
        "template_para": {"name": "Li"},
        "app_para": {"platform": "all"},
        "rule_id": 1,
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}

"""A shop with everything that a page of the console can show."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.console.conftest import Browser, a_fake, signed_in
from tests.entrypoints.conftest import RealProviders
from tests.fakes.restored import Saved, built
from tests.fakes.world import FakeWorld

CALLBACK = {"url": "https://shop.example.com/c", "auth": "both", "retries": "ums"}
MSGID = re.compile(r"/messages/([0-9a-z]{16})")


@pytest.fixture
def shop(fake: FakeWorld, world: Any) -> Browser:
    """An access channel with everything that a page can show, made by the console alone."""
    saved, browser = _built()
    saved.restore(fake, world)
    return replace(browser, world=world, cookies=dict(browser.cookies))


@cache
def _built() -> tuple[Saved, Browser]:
    fake = a_fake()
    world = replace(fake.ports, providers=RealProviders())
    with built(world, "shop"):
        browser = _with_channels(signed_in(world))
        return Saved(fake), browser


def _with_channels(browser: Browser) -> Browser:
    page = browser.post("/access/new", {"name": "shop"})
    found = re.search(r"/console/access/(\w{10,})", page.text)
    assert found is not None
    key = found[1]
    browser.key = key
    for code, platform in (("sms1", "jsms"), ("app1", "jpush")):
        fields = {"platform": platform, "name": f"channel {code}", "code": code}
        secrets = {"credentials.app_key": "k", "credentials.master_secret": "s"}
        assert browser.post("/channels/new", {**fields, **secrets}).status == 200
        assert browser.post(f"/access/{key}/channels", {"code": code, "do": "on"}).status == 200
    return _with_contents(browser, f"/c/{key}")


def _with_contents(browser: Browser, base: str) -> Browser:
    user = {"userid": "u1", "contact.sms.all": "13800000000", "contact.app.app1": "r1", "tags": "a"}
    contents = {
        "c.app.alert": "Hello {{name}}",
        "c.sms.temp_id": "1",
        "c.sms.temp_para": "n = {{name}}",
    }
    template = {"do": "save", "name": "greeting", "types": ["app", "sms"], **contents}
    steps = {"count": "2", "s0.channels": "app", "s1.channels": "sms", "s1.terms": "app"}
    condition = {"s1.app.number": "5", "s1.app.unit": "min", "s1.app.missing": "delivered"}
    for path, fields in (
        ("/users/new", user),
        ("/templates/new", template),
        ("/strategies/new", {"do": "save", "name": "push, then SMS", **steps, **condition}),
        ("/segments", {"name": "friends"}),
        ("/groups/segments/1/members", {"add": "u1, u2"}),
        ("/lists/black", {"name": "staff"}),
        ("/tags", {"name": "vip"}),
        ("/rules/topics", {"name": "Offers"}),
        ("/rules/words", {"words": "lottery", "enabled": "1"}),
        ("/rules/callbacks/addresses", {**CALLBACK, "secret": "s"}),
    ):
        page = browser.post(base + path, fields)
        assert page.status == 200, (path, page.plain)
    browser.msgid = sent(browser, base)
    return browser


def sent(browser: Browser, base: str) -> str:
    fields = {"do": "send", "once": "k", "kind": "template", "template": "1", "rule_id": "1"}
    more = {"audience": "users", "userids": "u1 \n u2", "v.name": "Li", "priority": "2"}
    page = browser.post(f"{base}/send", {**fields, **more})
    found = MSGID.search(page.path)
    assert found is not None, page.plain
    return found[1]

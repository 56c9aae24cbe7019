"""The sandbox's inbox and the band that says where messages go."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.console import mails
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, ChannelType
from chalicelib.domain.members import Role
from chalicelib.domain.sandbox import Screen, Simulated
from infra.console.build import CONSOLE
from tests.console.conftest import Browser, a_member
from tests.console.shops import shop as shop
from tests.fakes.sandbox import URL

BAND = "messages go to the sandbox, nobody receives them"
HOSTILE = (
    "<script>parent.alert(1)</script><base href=//evil.example>"
    "<img src=https://evil.example/x onerror=alert(2)>"
)

SCREENS = {
    ChannelType.APP: Screen("Sale", "Half price"),
    ChannelType.SMS: Screen(text="x" * 71),
    ChannelType.EMAIL: Screen("Bill", "Plain bill", HOSTILE, sender="Shop <a@b.cn>"),
    ChannelType.WECHATOA: Screen(template="T1", rows=(("thing1", "Tea"),), link="https://a.cn/"),
    ChannelType.WECHATMP: Screen(template="T2", rows=(("thing2", "Cup"),), link="pages/x"),
    ChannelType.ALIPAY_LIFE: Screen(template="T3", rows=(("keyword1", "Pot"),)),
    ChannelType.DINGTALK_CC: Screen("Head", "Notice"),
    ChannelType.WECHATWK: Screen(text="Hello", files=("media-1",)),
    ChannelType.WECHATWK_LINKEDCORP: Screen(text="Dear <b>all</b>"),
}


def fill(browser: Browser, fake: Any) -> None:
    fake.sandbox.url = URL
    fake.sandbox.taken = [
        Simulated(number, kind, "p", f"contact-{kind}", 1000, "", screen)
        for number, (kind, screen) in enumerate(SCREENS.items(), 1)
    ]


@pytest.fixture
def sandboxed(shop: Browser, fake: Any) -> Browser:
    fill(shop, fake)
    return shop


def test_a_deployment_for_people_has_neither_band_nor_inbox(shop: Browser) -> None:
    assert BAND not in shop.get(f"/c/{shop.key}").plain
    assert "Sandbox inbox" not in shop.get("/developer").plain
    page = shop.get("/inbox")
    assert page.status == 404
    assert "not attached to a sandbox" in page.plain


@pytest.mark.parametrize("path", ["/c/{key}", "/c/{key}/messages", "/settings", "/account"])
def test_the_band_is_on_every_page(sandboxed: Browser, path: str) -> None:
    page = sandboxed.get(path.format(key=sandboxed.key))
    assert page.status == 200
    assert '<aside class="sandbox"' in page.text
    assert "reach people" in page.plain


def test_the_band_says_which_channels_reach_people(sandboxed: Browser, fake: Any) -> None:
    assert BAND not in sandboxed.get("/developer").plain
    channels = fake.records.of(DELIVERY_CHANNELS)
    for channel in channels.list():
        channels.delete(channel)
    assert BAND in sandboxed.get("/developer").plain
    sandboxed.language = "zh"
    assert "消息发到沙箱，没有人会收到" in sandboxed.get("/developer").plain


def test_every_kind_of_message_is_shown_as_the_person_sees_it(sandboxed: Browser) -> None:
    page = sandboxed.get("/inbox")
    assert page.title == "Settings"
    for text in ("Half price", "Tea", "Cup", "Pot", "Notice", "Hello", "media-1", "71 characters"):
        assert text in page.plain, text
    assert "2 parts" in page.plain
    assert "Dear &lt;b&gt;all&lt;/b&gt;" in page.text
    assert "contact-email" in page.plain


def test_a_mail_stands_in_a_frame_of_its_own_in_which_nothing_runs(sandboxed: Browser) -> None:
    page = sandboxed.get("/inbox?type=email")
    assert "evil.example" not in page.text
    assert (
        '<iframe class="frame" sandbox="" loading="lazy" src="/console/inbox/3/mail"' in page.text
    )
    frame = sandboxed.get("/inbox/3/mail")
    assert frame.text == HOSTILE
    policy = frame.headers["Content-Security-Policy"]
    assert policy == mails.POLICY
    assert policy.startswith("sandbox; default-src 'none'; ")
    for forbidden in ("script-src", "https:", "allow-scripts", "connect-src"):
        assert forbidden not in policy
    assert "img-src data:;" in policy
    assert frame.headers["X-Content-Type-Options"] == "nosniff"


def test_messages_are_found_by_type_user_and_contact(sandboxed: Browser) -> None:
    assert "Half price" not in sandboxed.get("/inbox?type=sms").plain
    found = sandboxed.post("/inbox", {"type": "wechatwk", "contact": "contact-wechatwk"})
    assert "Hello" in found.plain
    assert "Half price" not in found.plain
    nobody = sandboxed.post("/inbox", {"type": "sms", "contact": "nobody"})
    assert "Nothing of this kind was sent" in nobody.plain
    assert sandboxed.get("/inbox?userid=nobody").status == 404


def test_a_sandbox_that_does_not_answer_is_said(sandboxed: Browser, fake: Any) -> None:
    fake.sandbox.is_silent = True
    page = sandboxed.get("/inbox")
    assert page.status == 503
    assert "sandbox does not answer" in page.plain


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.REVIEWER])
def test_only_operators_see_what_was_sent_of_all_access_channels(
    sandboxed: Browser, role: Role
) -> None:
    a_member(sandboxed.world, role, "other")
    other = Browser(sandboxed.world)
    other.sign_in("other")
    for path in ("/inbox", "/inbox?type=sms", "/inbox/3/mail"):
        page = other.get(path)
        assert page.status == 403
        assert "This page takes the role “operator”." in page.plain
        assert "contact-email" not in page.plain
    assert other.post("/inbox", {"type": "sms", "contact": "contact-sms"}).status == 403
    other.language = "zh"
    assert "打开此页面需要「运营」权限。" in other.get("/inbox").plain


def test_the_way_to_the_inbox_is_shown_to_those_who_may_open_it(sandboxed: Browser) -> None:
    operator, shops, reader = (
        a_member(sandboxed.world, role, name)
        for role, name in (
            (Role.OPERATOR, "operator"),
            (Role.READ_ONLY, "shops"),
            (Role.READ_ONLY, "reader"),
        )
    )
    fields = {"name": "x", "role": "read-only", "enabled": "1"}
    fields |= {f"at.{sandboxed.key}": "operator"}
    fields["version"] = sandboxed.get(f"/members/{shops}").field("version")
    assert sandboxed.post(f"/members/{shops}", fields).status == 200
    assert len({operator, shops, reader}) == 3
    for name, is_shown in (("operator", True), ("shops", False), ("reader", False)):
        browser = Browser(sandboxed.world)
        browser.sign_in(name)
        band, tabs = browser.get(f"/c/{sandboxed.key}"), browser.get("/developer")
        assert '<aside class="sandbox"' in band.text
        assert ("See what was sent" in band.plain) is is_shown, name
        assert ("Sandbox inbox" in tabs.plain) is is_shown, name
        assert (browser.get("/inbox").status == 200) is is_shown, name


def test_only_one_place_has_a_policy_of_its_own() -> None:
    files = [
        file for file in CONSOLE.rglob("*.py") if "Content-Security-Policy" in file.read_text()
    ]
    assert sorted(file.name for file in files) == ["app.py", "door.py", "mails.py"]

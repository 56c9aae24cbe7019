"""Where short links stand in each platform's contents: where people open them, by what is documented of the channel type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import ClickReport, OutgoingCall, Recipient
from chalicelib.domain.templates import map_texts
from chalicelib.domain.user_agents import is_bot
from chalicelib.flow.content import render
from chalicelib.providers import registry
from chalicelib.web.egress import Policy
from infra.demo.platforms import PLATFORMS
from tests.builders import a_channel, a_message, a_template, opened
from tests.fakes.world import FakeWorld
from tests.liveness import eventually
from tests.providers.contract import Bench
from tests.providers.sandboxes import Sandbox, running, webhook

BASE = "https://ums.example.com"
CAPABILITIES = registry.capabilities()


class Real:
    """Implements Providers: their checks and capabilities open no connection."""

    def of(self, platform: str) -> Any:
        return registry.load(platform, Policy(("127.0.0.1",)))

    def platforms(self, kind: Any) -> Any:
        return registry.platforms_of(kind)


def made(
    platform: str, given: Mapping[str, Any], base: str = BASE, **options: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of one person's message, and where its short links lead."""
    fake = FakeWorld()
    world = replace(fake.ports, providers=Real(), limits=replace(fake.limits, public_url=base))
    kind = CAPABILITIES[platform].type
    template = a_template(contents={kind: given}, links=frozenset({"url"}))
    channel = a_channel("c", type=kind, platform=platform, options=options)
    contents, links = render.prepare(
        world, template, {"name": "Ann", "url": "https://v.example/"}, opened(world, channel)
    )
    message = a_message(contents=contents, links=links, channels={"c": kind})
    personal = dict(
        render.personal(world, message, ChunkId(message.msgid, 0), DeliveryRef(0, "c", 0))
    )
    tokens = re.findall(re.escape(f"{base}/l/") + r"([\w-]{36})", str(personal))
    variables = [render.read_link(fake.vault, token).variable for token in tokens]
    return personal, {
        f"{base}/l/{token}": links[sorted(links)[number]]
        for token, number in zip(tokens, variables, strict=True)
    }


def shown(platform: str, given: Mapping[str, Any]) -> Any:
    """The person's message, with `<address>` for each short link."""
    personal, addresses = made(platform, given)

    def show(text: str) -> str:
        for link, address in addresses.items():
            text = text.replace(link, f"<{address}>")
        return text

    return map_texts(personal, show)


A, B, C = (f"https://{name}.example/?q=1" for name in "abc")
DATA = {"first": {"value": "{{name}} {{url}}"}}
FILLED = {"first": {"value": "Ann https://v.example/"}}
NOTICE = {"thing1": {"value": "{{name}}"}}
JUMP = {"appid": "wx1", "pagepath": "p"}


def dingtalk(kind: str, **fields: Any) -> dict[str, Any]:
    return {"msg": {"msgtype": kind, kind: fields}}


def wecom(kind: str, **fields: Any) -> dict[str, Any]:
    return {"msgtype": kind, kind: fields}


def card(**fields: Any) -> dict[str, Any]:
    return wecom("template_card", card_type="text_notice", **fields)


OFFICIAL = [
    (
        {"template_id": "t", "url": A, "data": DATA},
        {"template_id": "t", "url": f"<{A}>", "data": FILLED},
    ),
    (
        {"template_id": "t", "url": "{{url}}", "data": DATA},
        {"template_id": "t", "url": "<https://v.example/>", "data": FILLED},
    ),
    (
        {"template_id": "t", "url": A, **JUMP, "data": DATA},
        {"template_id": "t", "url": A, **JUMP, "data": FILLED},
    ),
    (
        {"template_id": "t", "url": A, "miniprogram": JUMP, "data": DATA},
        {"template_id": "t", "url": A, "miniprogram": JUMP, "data": FILLED},
    ),
    (
        {"template_id": "t", "url": A, "miniprogram": {"appid": "", "pagepath": ""}, "data": DATA},
        {
            "template_id": "t",
            "url": f"<{A}>",
            "miniprogram": {"appid": "", "pagepath": ""},
            "data": FILLED,
        },
    ),
    (
        {"type": 1, "template_id": "t", "page": A, "data": NOTICE},
        {"type": 1, "template_id": "t", "page": f"<{A}>", "data": {"thing1": {"value": "Ann"}}},
    ),
    (
        {"type": 1, "template_id": "t", "page": A, **JUMP, "data": NOTICE},
        {"type": 1, "template_id": "t", "page": A, **JUMP, "data": {"thing1": {"value": "Ann"}}},
    ),
]
LINKED = [
    (
        wecom("textcard", title=A, description="{{url}}", url=A),
        wecom("textcard", title=A, description="https://v.example/", url=f"<{A}>"),
    ),
    (
        wecom(
            "news",
            articles=[{"title": "t", "url": A, "picurl": B}, {"title": "t", "url": C, **JUMP}],
        ),
        wecom(
            "news",
            articles=[
                {"title": "t", "url": f"<{A}>", "picurl": B},
                {"title": "t", "url": C, **JUMP},
            ],
        ),
    ),
    (
        wecom(
            "mpnews",
            articles=[{"title": "t", "thumb_media_id": "m", "content": A, "content_source_url": B}],
        ),
        wecom(
            "mpnews",
            articles=[
                {"title": "t", "thumb_media_id": "m", "content": A, "content_source_url": f"<{B}>"}
            ],
        ),
    ),
    (
        wecom("text", content=f'{A} {{{{url}}}} <a href="{B}">{B}</a>'),
        wecom("text", content=f'{A} <https://v.example/> <a href="<{B}>">{B}</a>'),
    ),
    (
        wecom("markdown", content=f"# {A}\n[{{{{name}}}}]({B})"),
        wecom("markdown", content=f"# {A}\n[Ann](<{B}>)"),
    ),
    (wecom("image", media_id="{{url}}"), wecom("image", media_id="https://v.example/")),
    (wecom("video", media_id="m", description=A), wecom("video", media_id="m", description=A)),
    (
        wecom(
            "miniprogram_notice",
            appid="a",
            page="p",
            title="标题标题",
            content_item=[{"key": "k", "value": A}],
        ),
        wecom(
            "miniprogram_notice",
            appid="a",
            page="p",
            title="标题标题",
            content_item=[{"key": "k", "value": A}],
        ),
    ),
]
CASES: Mapping[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "wechatoa": OFFICIAL,
    "wechatoa_component": OFFICIAL,
    "wechatmp": [
        (
            {"template_id": "t", "page": A, "data": NOTICE},
            {"template_id": "t", "page": A, "data": {"thing1": {"value": "Ann"}}},
        )
    ],
    "alipay": [
        (
            {
                "template_id": "t",
                "context": {
                    "head_color": "#1",
                    "url": A,
                    "action_name": "Open",
                    "keyword1": {"value": "{{url}}"},
                },
            },
            {
                "template_id": "t",
                "context": {
                    "head_color": "#1",
                    "url": f"<{A}>",
                    "action_name": "Open",
                    "keyword1": {"value": "https://v.example/"},
                },
            },
        )
    ],
    "dingtalk": [
        (
            dingtalk(
                "action_card",
                title=A,
                markdown=f"[x]({B}) {{{{url}}}}",
                single_title="Open",
                single_url=C,
            ),
            dingtalk(
                "action_card",
                title=A,
                markdown=f"[x]({B}) https://v.example/",
                single_title="Open",
                single_url=f"<{C}>",
            ),
        ),
        (
            dingtalk(
                "action_card",
                title="t",
                markdown="m",
                btn_orientation="0",
                btn_json_list=[{"title": "x", "action_url": A}],
            ),
            dingtalk(
                "action_card",
                title="t",
                markdown="m",
                btn_orientation="0",
                btn_json_list=[{"title": "x", "action_url": f"<{A}>"}],
            ),
        ),
        (
            dingtalk("link", messageUrl=A, picUrl=B, title="t", text="{{name}}"),
            dingtalk("link", messageUrl=f"<{A}>", picUrl=B, title="t", text="Ann"),
        ),
        (
            dingtalk("oa", message_url=A, pc_message_url=B, body={"title": C, "image": C}),
            dingtalk(
                "oa", message_url=f"<{A}>", pc_message_url=f"<{B}>", body={"title": C, "image": C}
            ),
        ),
        (
            dingtalk(
                "link",
                messageUrl="dingtalk://dingtalkclient/page/link?url=https%3A%2F%2Fa.example",
                picUrl=B,
                title="t",
                text="x",
            ),
            dingtalk(
                "link",
                messageUrl="dingtalk://dingtalkclient/page/link?url=https%3A%2F%2Fa.example",
                picUrl=B,
                title="t",
                text="x",
            ),
        ),
        (
            dingtalk("text", content=f"{A} {{{{url}}}}"),
            dingtalk("text", content=f"{A} https://v.example/"),
        ),
        ({"text": "{{url}}"}, {"text": "https://v.example/"}),
        (
            dingtalk("markdown", title="t", text=f"[x]({A})"),
            dingtalk("markdown", title="t", text=f"[x]({A})"),
        ),
        (dingtalk("file", media_id="{{url}}"), dingtalk("file", media_id="https://v.example/")),
    ],
    "wecom": [
        *LINKED,
        (card(card_action={"type": 1, "url": A}), card(card_action={"type": 1, "url": f"<{A}>"})),
        (
            card(card_action={"type": 2, "url": A, **JUMP}),
            card(card_action={"type": 2, "url": A, **JUMP}),
        ),
        (
            card(
                jump_list=[{"type": 1, "title": "x", "url": A}],
                source={"icon_url": B},
                quote_area={"type": 1, "url": B},
            ),
            card(
                jump_list=[{"type": 1, "title": "x", "url": f"<{A}>"}],
                source={"icon_url": B},
                quote_area={"type": 1, "url": f"<{B}>"},
            ),
        ),
        (
            card(
                horizontal_content_list=[{"type": 1, "url": A}],
                image_text_area={"type": 1, "url": B, "image_url": C},
            ),
            card(
                horizontal_content_list=[{"type": 1, "url": f"<{A}>"}],
                image_text_area={"type": 1, "url": f"<{B}>", "image_url": C},
            ),
        ),
        (
            card(button_list=[{"text": "x", "type": 1, "url": A}]),
            card(button_list=[{"text": "x", "type": 1, "url": f"<{A}>"}]),
        ),
    ],
    "wecom_linkedcorp": LINKED,
    "jpush": [
        ({"title": "{{url}}", "alert": A}, {"title": "https://v.example/", "alert": A})
    ],  # reports clicks itself
    "jsms": [
        (
            {"temp_id": 1, "temp_para": {"a": "{{url}}", "b": A}},
            {"temp_id": 1, "temp_para": {"a": "<https://v.example/>", "b": A}},
        )
    ],
    "montnets": [({"content": f"{{{{url}}}} {A}"}, {"content": f"<https://v.example/> {A}"})],
}


@pytest.mark.parametrize(
    ("platform", "given", "wanted"),
    [(name, *case) for name, cases in CASES.items() for case in cases],
)
def test_short_links_stand_where_people_open_them(
    platform: str, given: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert shown(platform, given) == wanted


@pytest.mark.parametrize("platform", CASES)
def test_a_platform_takes_what_stands_in_its_table(platform: str) -> None:
    """The contents above, and with their short links."""
    provider = registry.load(platform, Policy())
    for given, _ in CASES[platform]:
        provider.check_content(given)
        provider.check_content(made(platform, given)[0])


@pytest.mark.parametrize("platform", CAPABILITIES)
def test_no_short_link_is_made_where_an_operator_wants_none_or_the_platform_counts_itself(
    platform: str,
) -> None:
    given, wants = (
        PLATFORMS[platform].content,
        CAPABILITIES[platform].click_report is ClickReport.LINK,
    )
    assert bool(made(platform, given)[1]) is wants
    assert made(platform, given, track_links=False)[1] == {}


# ---- and people do: over the wire to the sandbox, whose person opens the link that came


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "platform",
    [
        name
        for name, can in CAPABILITIES.items()
        if can.click_report is ClickReport.LINK and can.clickable
    ],
)
def test_a_person_opens_the_link_that_came(box: Sandbox, platform: str) -> None:
    with webhook() as hook:
        bench = Bench(box, platform, hook)
        base = hook.url.removesuffix("/hook?token=t")
        personal, addresses = made(platform, PLATFORMS[platform].content, base)
        contact = bench.contact("click")
        with bench.session() as session:
            session.send(
                OutgoingCall("m", [Recipient(contact, personal)], session.token_for(personal))
            )
        (link,) = addresses
        opened = eventually(lambda: [seen for seen in hook.seen if link.endswith(seen.path)])
        assert [(seen.method, is_bot(seen.headers)) for seen in opened] == [("GET", False)]

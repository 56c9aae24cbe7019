"""Contents of each platform, and the same contents with their short links as `<address>`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

ALL_CASES: list[tuple[str, Any, Any]] = []
for _platform, _cases in CASES.items():
    ALL_CASES += [(_platform, content, expected) for content, expected in _cases]

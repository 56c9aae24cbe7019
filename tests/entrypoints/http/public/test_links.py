"""Short links: only the sender decides their target, and clicks are counted as documented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.links import refusal
from chalicelib.domain.plans import ChunkId
from chalicelib.flow.content import render
from tests.builders import a_message
from tests.entrypoints.conftest import KEY, SENDER, Api
from tests.profiles import examples

SHOP = "https://shop.example/a?b=c#d"
EVIL = "https://evil.example/"


def linked(api: Api, address: str, number: int = 1) -> str:
    """The token of a link to the address."""
    message = a_message("ann", number=number, links={"url": address})
    api.fake.messages.has(message)
    return render.link_token(
        api.world.vault, message, ChunkId(message.msgid, 0), DeliveryRef(0, "push", 0), "url"
    )


HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Host",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "Forwarded",
            "Referer",
            "Origin",
            "X-Original-URL",
            "Cookie",
        ]
    ),
    st.sampled_from(["evil.example", EVIL, "host=evil.example", SHOP, "x"]),
)


@examples(150)
@given(
    at=st.integers(0, 35),
    other=st.sampled_from([*"ABab01-_=.%@/\\", "%2f", "é"]),
    rest=st.sampled_from(
        ["", "/", "//evil.example", "/..", "%2f..%2f", ";x", "@evil.example", "A"]
    ),
    query=st.sampled_from(
        ["", f"?url={EVIL}", f"?{EVIL}", f"?next={EVIL}&b=", "?", "?a=%0d%0aLocation:%20x"]
    ),
    headers=HEADERS,
)
def test_nothing_in_a_request_decides_where_it_leads(
    api: Api, at: int, other: str, rest: str, query: str, headers: dict[str, str]
) -> None:
    token = linked(api, SHOP)
    asked = token[:at] + other + token[at + 1 :] + rest
    for path in (asked, token + rest, token):
        reply = api("GET", f"/l/{path}{query}", headers=headers)
        if path.rstrip("/") == token:
            assert (reply.status, reply.headers["Location"]) == (302, SHOP)
        else:
            assert reply.status in (302, 403, 404)
            assert reply.headers.get("Location", SHOP) == SHOP


@pytest.mark.parametrize(
    "words",
    ["查看详情", "。", "，回T退订", "%E6%9F%A5%E7%9C%8B", "Details", "%20now", "）", "é", "."],
)
def test_words_that_a_phone_takes_into_a_link_are_ignored(api: Api, words: str) -> None:
    """Of `点击{{url}}查看详情` the phone makes one link."""
    reply = api("GET", f"/l/{linked(api, SHOP)}{words}")
    assert (reply.status, reply.headers["Location"]) == (302, SHOP)


@examples(150)
@given(
    path=st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#;"), max_size=60
    )
)
@example(path="0//")  # of two slashes at its end the gateway takes off one
def test_whatever_is_no_link_of_ours_leads_nowhere(api: Api, path: str) -> None:
    assert "Location" not in api("GET", f"/l/{path}").headers


@examples(150)
@given(
    host=st.from_regex(r"[a-z0-9商.-]{1,20}(:[0-9]{1,4})?", fullmatch=True),
    rest=st.text(max_size=60).map(lambda text: text and f"/{text}")
    | st.text(max_size=60).map("?{}".format),
)
def test_an_address_leads_to_its_own_host_and_writes_no_other_header(
    api: Api, host: str, rest: str
) -> None:
    address = f"https://{host}{rest}"
    if refusal(address) is not None:
        return
    location = api("GET", "/l/" + linked(api, address)).headers["Location"]
    assert location.isascii()
    assert location.isprintable()
    assert (urlsplit(location).scheme, unquote(urlsplit(location).netloc)) == (
        "https",
        urlsplit(address).netloc,
    )
    assert unquote(location) == unquote(address)


def test_an_older_address_that_would_not_be_taken_today_writes_no_header_either(api: Api) -> None:
    location = api("GET", "/l/" + linked(api, "https://a.cn/\r\nSet-Cookie: x=1")).headers[
        "Location"
    ]
    assert location == "https://a.cn/%0D%0ASet-Cookie:%20x=1"


def test_a_token_of_one_message_opens_no_other(api: Api) -> None:
    first, second = linked(api, SHOP, 1), linked(api, EVIL, 2)
    for cut in range(1, 36):
        assert api("GET", f"/l/{first[:cut]}{second[cut:]}").headers.get("Location") in (
            None,
            SHOP,
            EVIL,
        )
    mixed = [api("GET", f"/l/{first[:cut]}{second[cut:]}").status for cut in range(16, 26)]
    assert set(mixed) <= {404}


WECOM = {
    "name": "WeCom",
    "code": "wecom1",
    "type": "wechatwk",
    "platform": "wecom",
    "credentials": {"corp_id": "ww1", "agent_id": 7, "secret": "s"},
}
JSMS = {
    "name": "SMS",
    "code": "sms1",
    "type": "sms",
    "platform": "jsms",
    "credentials": {"app_key": "k", "master_secret": "s"},
}
CARD = {"msgtype": "textcard", "textcard": {"title": "t", "description": "d", "url": SHOP}}
CONTENTS = {"wechatwk": CARD, "sms": {"temp_id": 1, "temp_para": {"url": "{{url}}"}}}


def configure(api: Api, **options: Any) -> None:
    for channel in ({**WECOM, "options": options}, JSMS):
        assert api.admin("POST", "channels", channel).status == 201
        assert (
            api.admin(
                "PUT", f"access-channels/{KEY}/channels/{channel['code']}", {"enabled": True}
            ).status
            == 200
        )


def template(api: Api) -> int:
    made: int = api.admin(
        "POST", "templates", {"channel_key": KEY, "name": "t", "contents": CONTENTS}
    ).json["template_id"]
    return made


def sent(api: Api, people: int | str, rule_id: int = 0, **body: Any) -> Mapping[str, Any]:
    """Return the facts of a message, with the deliveries of its calls."""
    whom = (
        {"aud_userid": [f"u{n}" for n in range(people)]}
        if isinstance(people, int)
        else {"aud_tag": [people]}
    )
    wanted = body or {"template_id": template(api), "template_para": {"url": SHOP}}
    reply = api.send(
        {**whom, **wanted, "rule_id": rule_id}, path="/v1/sent" if body else "/v1/template/sent"
    )
    assert reply.code == 0, reply.body
    stored = api.world.messages.get(reply.json["msgid"])
    assert stored is not None
    told = api("GET", f"/v1/messages/{stored.msgid}", auth=SENDER).json
    return {
        "tracked": told["tracked"],
        "call": stored.call_sizes.get("wecom1"),
        "addresses": set(stored.links.values()),
    }


SHARED = {"tracked": ["sms"], "call": 1000, "addresses": {SHOP}}
PERSONAL = {"tracked": ["sms", "wechatwk"], "call": 1, "addresses": {SHOP}}


@pytest.mark.parametrize(
    ("people", "said"), [(1, PERSONAL), (100, PERSONAL), (101, SHARED), ("vip", SHARED)]
)
def test_a_link_for_each_person_is_for_few_people(api: Api, people: int | str, said: Any) -> None:
    """On a platform whose calls share a content, a link per person would need a call each."""
    configure(api)
    assert sent(api, people) == said


@pytest.mark.parametrize("people", [101, "vip"])
@pytest.mark.parametrize(("missing", "said"), [("clicked", PERSONAL), ("delivered", SHARED)])
def test_or_for_a_strategy_that_asks_who_clicked(
    api: Api, people: int | str, missing: str, said: Any
) -> None:
    configure(api)
    steps = [
        {"channels": ["wechatwk"]},
        {"channels": ["sms"], "condition": {"missing": missing, "within": 60}},
    ]
    number = api.admin(
        "POST", "strategies", {"channel_key": KEY, "name": "s", "steps": steps}
    ).json["rule_id"]
    assert sent(api, people, number) == said


@pytest.mark.parametrize(
    ("option", "people", "said"),
    [(True, 101, PERSONAL), (True, "vip", PERSONAL), (False, 1, SHARED)],
)
def test_or_as_an_operator_says(api: Api, option: bool, people: int | str, said: Any) -> None:
    configure(api, track_links=option)
    assert sent(api, people) == said


def test_ordinary_messages_are_counted_by_the_same_rules(api: Api) -> None:
    configure(api)
    card = {"tracked": ["wechatwk"], "call": 1, "addresses": {SHOP}}
    assert sent(api, 2, msg_wechatwk=[CARD]) == card
    assert sent(api, 101, msg_wechatwk=[CARD]) == {"tracked": [], "call": 1000, "addresses": set()}
    assert sent(api, 2, msg_sms=[{"temp_id": 1, "temp_para": {"url": SHOP}}])["tracked"] == []


@pytest.mark.parametrize(
    "address",
    [
        "https://bank.example@evil.example/",
        "https://shop.example/\r\nx",
        "https://",
        "//evil.example",
        "javascript:alert(1)",
        "https://a.example/".ljust(2049, "x"),
    ],
)
def test_an_address_that_nobody_may_be_led_to_is_refused_by_name(api: Api, address: str) -> None:
    configure(api)
    reply = api.send(
        {"aud_userid": ["u"], "template_id": template(api), "template_para": {"url": address}}
    )
    assert (reply.status, reply.code) == (400, 4004)
    assert reply.json["message"].startswith("template_para.url: ")

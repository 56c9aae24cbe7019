from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid
from chalicelib.providers.wechat import content
from chalicelib.providers.wechat.content import check_mini, check_official

DATA = {"thing1": {"value": "tea"}}
TEMPLATE = {
    "type": 0,
    "template_id": "tpl",
    "data": {"first": {"value": "", "color": "#173177"}, "keyword1": {"value": "x" * 100}},
}
NOTICE = {"type": 1, "template_id": "tpl", "data": DATA}
MINI = {"template_id": "tpl", "data": DATA}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"type": "0"},
        {"type": None},
        {"url": "https://a.example/{{id}}", "color": "#FF0000"},
        {"url": "{{url}}"},
        {"url": "https://" + "a" * 2040},
        {"template_id": "t" * 128},
        {"miniprogram": {"appid": "wxm"}, "url": "https://a.example"},
        {"miniprogram": {"appid": "wxm", "pagepath": "p" * 1024}},
        {"appid": "wxm", "pagepath": "index?a={{a}}"},
        {"data": {f"k{n}": {"value": "v" * 2048} for n in range(50)}},
        {"data": {"k": {"value": 39.8, "color": ""}, "l": {"value": 0}}},
        {"miniprogram": {}},
        {"miniprogram": {"app_id": "", "page_path": ""}, "url": "https://a.example"},
    ],
)
def test_template_messages_that_a_template_may_have(change: dict[str, Any]) -> None:
    check_official({**TEMPLATE, **change})


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"type": "1"},
        {"page": "https://a.example"},
        {"page": "{{url}}"},
        {"miniprogram": {"appid": "wxm"}},
    ],
)
def test_notices_that_a_template_may_have(change: dict[str, Any]) -> None:
    check_official({**NOTICE, **change})


@pytest.mark.parametrize(
    ("base", "change", "field"),
    [
        (TEMPLATE, {"type": 2}, "type"),
        (TEMPLATE, {"type": True}, "type"),
        (TEMPLATE, {"type": []}, "type"),
        (TEMPLATE, {"template_id": ""}, "template_id"),
        (TEMPLATE, {"template_id": 5}, "template_id"),
        (TEMPLATE, {"template_id": "{{id}}"}, "template_id"),
        (TEMPLATE, {"template_id": "t" * 129}, "template_id"),
        (TEMPLATE, {"page": "https://a.example"}, "page"),
        (TEMPLATE, {"client_msg_id": "x"}, "client_msg_id"),
        (TEMPLATE, {"touser": "x"}, "touser"),
        (TEMPLATE, {"url": "a.example"}, "url"),
        (TEMPLATE, {"url": "javascript:x"}, "url"),
        (TEMPLATE, {"url": "https://" + "a" * 2041}, "url"),
        (TEMPLATE, {"url": {}}, "url"),
        (TEMPLATE, {"color": "red"}, "color"),
        (TEMPLATE, {"miniprogram": "wxm"}, "miniprogram"),
        (TEMPLATE, {"miniprogram": {"app_id": "wxm"}}, "miniprogram.app_id"),
        (TEMPLATE, {"miniprogram": {"pagepath": "p"}}, "miniprogram.appid"),
        (TEMPLATE, {"miniprogram": {"appid": "a" * 33}}, "miniprogram.appid"),
        (
            TEMPLATE,
            {"miniprogram": {"appid": "wxm", "pagepath": "p" * 1025}},
            "miniprogram.pagepath",
        ),
        (TEMPLATE, {"miniprogram": {"appid": "wxm", "path": "p"}}, "miniprogram.path"),
        (TEMPLATE, {"pagepath": "p"}, "appid"),
        (TEMPLATE, {"data": {}}, "data"),
        (TEMPLATE, {"data": None}, "data"),
        (TEMPLATE, {"data": []}, "data"),
        (TEMPLATE, {"data": {f"k{n}": {"value": "v"} for n in range(51)}}, "data"),
        (TEMPLATE, {"data": {"1st": {"value": "v"}}}, "data"),
        (TEMPLATE, {"data": {"{{k}}": {"value": "v"}}}, "data"),
        (TEMPLATE, {"data": {"k": "v"}}, "data.k"),
        (TEMPLATE, {"data": {"k": {}}}, "data.k.value"),
        (TEMPLATE, {"data": {"k": {"value": None}}}, "data.k.value"),
        (TEMPLATE, {"data": {"k": {"value": True}}}, "data.k.value"),
        (TEMPLATE, {"data": {"k": {"value": "v" * 2049}}}, "data.k.value"),
        (TEMPLATE, {"data": {"k": {"value": "v", "color": "x"}}}, "data.k.color"),
        (TEMPLATE, {"data": {"k": {"value": "v", "size": 1}}}, "data.k.size"),
        (NOTICE, {"color": "black"}, "color"),
        (NOTICE, {"url": "https://a.example"}, "url"),
        (NOTICE, {"page": "pages/index"}, "page"),
        (NOTICE, {"data": {"thing1": {"value": "x", "color": "black"}}}, "data.thing1.color"),
        (NOTICE, {"data": {"thing1": {"value": ""}}}, "data.thing1.value"),
        (NOTICE, {"data": {"thing1": {"value": [7]}}}, "data.thing1.value"),
    ],
)
def test_contents_of_official_accounts_that_are_refused_by_name(
    base: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        check_official({**base, **change})
    assert error.value.field == field


LIMITS = {
    "thing1": ("字" * 20, "字" * 21),
    "number2": ("1" * 32, "1" * 33),
    "letter3": ("a" * 32, "a" * 33),
    "symbol1": ("#" * 5, "#" * 6),
    "character_string5": ("a-" * 16, "a-" * 16 + "b"),
    "phone_number1": ("+86-0766-66888866", "+86-0766-668888661"),
    "car_number1": ("粤A8Z888挂", "粤A8Z888挂12"),
    "name1": ("张" * 10, "张" * 11),
    "name2": ("a" * 20, "a" * 21),
    "phrase1": ("配送中了吗", "配送中了吗呀"),
    "const1": ("x" * 20, "x" * 21),
    "time1": ("2019年10月1日 15:01~16:00", "x" * 2049),
    "unheard_of1": ("x" * 2048, "x" * 2049),
}


@pytest.mark.parametrize("key", LIMITS)
def test_values_of_subscriptions_have_their_limits_on_both_sides(key: str) -> None:
    good, bad = LIMITS[key]
    for check, base in ((check_official, NOTICE), (check_mini, MINI)):
        check({**base, "data": {key: {"value": good}}})
        with pytest.raises(Invalid) as error:
            check({**base, "data": {key: {"value": bad}}})
        assert error.value.field == f"data.{key}.value"


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("number1", "-12.50", "12a"),
        ("letter1", "abC", "a1"),
        ("character_string1", "A-7 #", "号"),
        ("phone_number1", "0766-66888866", "call me"),
    ],
)
def test_values_have_their_characters(key: str, good: str, bad: str) -> None:
    check_mini({**MINI, "data": {key: {"value": good}}})
    with pytest.raises(Invalid):
        check_mini({**MINI, "data": {key: {"value": bad}}})


def test_placeholders_count_for_nothing() -> None:
    check_mini(
        {
            **MINI,
            "data": {
                "thing1": {"value": "字" * 20 + "{{a_long_name_of_a_variable}}"},
                "number1": {"value": "{{n}}"},
            },
        }
    )


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"page": "p" * 1024},
        {"miniprogram_state": "developer", "lang": "en_US"},
        {"page": "", "lang": None},
    ],
)
def test_contents_of_mini_programs(change: dict[str, Any]) -> None:
    check_mini({**MINI, **change})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"page": "p" * 1025}, "page"),
        ({"page": 1}, "page"),
        ({"miniprogram_state": "release"}, "miniprogram_state"),
        ({"miniprogram_state": ["formal"]}, "miniprogram_state"),
        ({"lang": "de"}, "lang"),
        ({"url": "https://a.example"}, "url"),
        ({"type": 0}, "type"),
        ({"data": {"thing1": {"value": "x", "color": "black"}}}, "data.thing1.color"),
    ],
)
def test_contents_of_mini_programs_that_are_refused_by_name(
    change: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        check_mini({**MINI, **change})
    assert error.value.field == field


NAMES = [
    "type",
    "template_id",
    "url",
    "page",
    "data",
    "miniprogram",
    "appid",
    "pagepath",
    "color",
    "value",
    "thing1",
    "lang",
]
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(NAMES), ANY))
def test_any_content_is_taken_or_refused(raw: dict[str, Any]) -> None:
    for check, body in ((check_official, content.notice_body), (check_mini, content.mini_body)):
        with contextlib.suppress(Invalid):
            check(raw)
            assert body(raw)["template_id"]


def test_a_notice_with_an_empty_address_and_colors_is_sent_without_them() -> None:
    """UMS's own example of a notice has both, and so does its public Go client."""
    values = {"thing1": {"value": "x", "color": "#173177"}}
    notice = {**NOTICE, "url": "", "color": "#173177", "data": values}
    check_official(notice)
    assert content.notice_body(notice) == {"template_id": "tpl", "data": {"thing1": {"value": "x"}}}
    check_mini({**MINI, "data": values})
    assert content.mini_body({**MINI, "data": values})["data"] == {"thing1": {"value": "x"}}

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Invalid,
    PlatformMissing,
    PlatformRepeated,
    PlatformWrong,
    Refusal,
)
from chalicelib.domain.pushes import PLATFORMS, one_push

ANDROID = {"platform": "android", "notification": {"android": {"alert": "A", "title": "T"}}}
IOS = {
    "platform": ["ios"],
    "notification": {"ios": {"alert": {"body": "B"}}},
    "options": {"apns_production": False},
}


def test_one_element_stays_as_it_is_without_what_is_said_elsewhere() -> None:
    push = {
        "platform": "all",
        "cid": "x",
        "notification": {"alert": "A"},
        "sms_message": {"temp_id": 1},
        "new_field": [1],
    }
    content, platform = one_push([push])
    assert platform == "all"
    assert content == {
        "notification": {"alert": "A"},
        "sms_message": {"temp_id": 1},
        "new_field": [1],
    }


def test_elements_of_several_platforms_become_one_push_with_a_part_for_each() -> None:
    content, platform = one_push([ANDROID, IOS])
    assert platform == ["android", "ios"]
    assert content == {
        "notification": {"android": {"alert": "A", "title": "T"}, "ios": {"alert": {"body": "B"}}},
        "options": {"apns_production": False},
    }


def test_a_common_alert_is_that_of_the_elements_own_platforms() -> None:
    quick = {
        "platform": ["quickapp", "hmos"],
        "notification": {"alert": "C", "hmos": {"category": "X"}, "ios": {"alert": "not mine"}},
    }
    content, _ = one_push([ANDROID, quick])
    assert content["notification"] == {
        "android": {"alert": "A", "title": "T"},
        "quickapp": {"alert": "C"},
        "hmos": {"alert": "C", "category": "X"},
    }


MESSAGE = {"msg_content": "M"}


def test_what_a_push_has_once_may_stand_in_every_element_if_it_is_the_same() -> None:
    content, _ = one_push(
        [
            {**ANDROID, "message": MESSAGE, "options": {"time_to_live": 5}},
            {**IOS, "message": MESSAGE},
        ]
    )
    assert content["message"] == MESSAGE
    assert content["options"] == {"time_to_live": 5, "apns_production": False}


@pytest.mark.parametrize(
    ("elements", "refusal", "field"),
    [
        ([{}], PlatformMissing, "msg_app[0].platform"),
        ([{"platform": ""}], PlatformMissing, "msg_app[0].platform"),
        ([ANDROID, {"platform": None}], PlatformMissing, "msg_app[1].platform"),
        ([{"platform": "amiga"}], PlatformWrong, "msg_app[0].platform"),
        ([{"platform": ["android", 1]}], PlatformWrong, "msg_app[0].platform"),
        ([ANDROID, ANDROID], PlatformRepeated, "msg_app[1].platform"),
        ([ANDROID, {**IOS, "platform": "all"}], PlatformRepeated, "msg_app[1].platform"),
        ([{**ANDROID, "audience": "all"}], Invalid, "msg_app[0].audience"),
        ([{**ANDROID, "callback": {}}], Invalid, "msg_app[0].callback"),
        ([{**ANDROID, "notification": "x"}], Invalid, "msg_app[0].notification"),
        ([{**ANDROID, "options": None}, IOS], Invalid, "msg_app[0].options"),
        (
            [{**ANDROID, "options": {"apns_production": True}}, IOS],
            Invalid,
            "msg_app[1].options.apns_production",
        ),
        ([ANDROID, {**IOS, "message": MESSAGE}], Invalid, "msg_app[1].message"),
        (
            [{**ANDROID, "message": MESSAGE}, {**IOS, "message": {"msg_content": "other"}}],
            Invalid,
            "msg_app[1].message",
        ),
    ],
)
def test_what_would_be_sent_twice_or_contradicts_itself_is_refused(
    elements: list[dict[str, Any]], refusal: type[Exception], field: str
) -> None:
    with pytest.raises(refusal) as error:
        one_push(elements)
    assert error.value.field == field  # type: ignore[attr-defined]


anything = st.recursive(
    st.none() | st.text(max_size=5) | st.integers() | st.sampled_from(["all", *PLATFORMS]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["alert", "android", "ios", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(["platform", "notification", "message", "options", "cid", "audience", "x"])


@given(st.lists(st.dictionaries(NAMES, anything, max_size=5), min_size=1, max_size=4))
def test_any_elements_are_one_push_or_refused(elements: list[dict[str, Any]]) -> None:
    try:
        content, platform = one_push(elements)
    except (Refusal, Invalid):
        return
    assert not {"platform", "cid", "audience"} & set(content)
    assert platform == "all" or set([platform] if isinstance(platform, str) else platform) <= set(
        PLATFORMS
    )

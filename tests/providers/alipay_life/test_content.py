"""Contents of a template message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid
from chalicelib.providers.alipay_life import alipay_content
from chalicelib.providers.alipay_life.alipay import Alipay
from tests.providers.alipay_life.calls import CONTENT
from tests.providers.scripted import ScriptedTransport, http


def changed(**context: Any) -> dict[str, Any]:
    return {
        **CONTENT,
        "context": {k: v for k, v in {**CONTENT["context"], **context}.items() if v is not ...},
    }  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "content",
    [
        CONTENT,
        changed(url="{{url}}", keyword1={"value": "{{a}}" + "x" * 128}),
        changed(first={"value": "f"}, keyword10={"value": "x"}),
        changed(action_name="查" * 8),
        changed(action_name="a" * 16),
        changed(url="u" * 256, head_color="c" * 10),
    ],
)
def test_contents_that_a_template_may_have(content: dict[str, Any]) -> None:
    Alipay(http(ScriptedTransport())).check_content(content)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "template_id"),
        ({**CONTENT, "template_id": "x" * 129}, "template_id"),
        ({**CONTENT, "template_id": "{{t}}"}, "template_id"),
        ({"template_id": "t"}, "context"),
        ({**CONTENT, "context": []}, "context"),
        ({**CONTENT, "other": 1}, "other"),
        (changed(url=...), "context.url"),
        (changed(url="u" * 257), "context.url"),
        (changed(head_color="c" * 11), "context.head_color"),
        (changed(action_name="查" * 9), "context.action_name"),
        (changed(action_name="a" * 17), "context.action_name"),
        (changed(keyword1=...), "context.keyword1"),
        (changed(keyword1="x"), "context.keyword1"),
        (changed(keyword1={"value": "x" * 129}), "context.keyword1.value"),
        (changed(keyword1={"value": "x", "color": "c" * 11}), "context.keyword1.color"),
        (changed(keyword1={"value": "x", "size": 1}), "context.keyword1.size"),
        (changed(keyword0={"value": "x"}), "context.keyword0"),
        (changed(image={"value": "x"}), "context.image"),
    ],
)
def test_contents_that_it_may_not_have(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        Alipay(http(ScriptedTransport())).check_content(content)
    assert error.value.field == field


@given(
    st.dictionaries(
        st.sampled_from(["template_id", "context", "x"]),
        st.text()
        | st.none()
        | st.dictionaries(
            st.sampled_from(["url", "head_color", "action_name", "keyword1"]),
            st.text() | st.just({"value": 1}),
        ),
    )
)
def test_any_content_is_taken_or_invalid(content: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        alipay_content.check(content)

"""Variables in templates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import ContentTooLarge, Invalid
from chalicelib.domain.limits import MAX_CONTENT
from chalicelib.domain.templates import (
    Template,
    placeholders,
    render,
    values_of,
    variables,
    without_placeholders,
)


def _template(**contents: dict[str, object]) -> Template:
    return Template(
        1, 1, "key", "hello", {ChannelType(k): v for k, v in contents.items()}, frozenset({"url"})
    )


def test_one_value_serves_every_channel() -> None:
    template = _template(
        app={"alert": "Hi {{user}}"}, sms={"temp_id": 1, "temp_para": {"name": "{{ user }}"}}
    )
    values = values_of(template, {"user": "Ann"})
    assert [render(c, values) for c in template.contents.values()] == [
        {"alert": "Hi Ann"},
        {"temp_id": 1, "temp_para": {"name": "Ann"}},
    ]


def test_a_variable_without_a_value_is_named() -> None:
    with pytest.raises(Invalid, match=r"template_para\.user"):
        values_of(_template(app={"alert": "Hi {{user}}"}), {})


@pytest.mark.parametrize("value", [None, ["a"], {"a": 1}])
def test_a_value_is_neither_a_list_nor_an_object(value: object) -> None:
    with pytest.raises(Invalid, match="must be a text, a number, true or false"):
        values_of(_template(app={"alert": "{{user}}"}), {"user": value})


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (7, "7"), ("x", "x")]
)
def test_a_value_becomes_the_text_that_json_has(value: object, text: str) -> None:
    assert values_of(_template(app={"alert": "{{user}}"}), {"user": value}) == {"user": text}


def test_values_that_never_fit_are_refused_before_they_are_filled_in() -> None:
    template = _template(app={"alert": "{{user}}" * 1000}, sms={"content": "{{user}}"})
    values_of(template, {"user": "x" * (MAX_CONTENT // 1000)})
    with pytest.raises(ContentTooLarge):
        values_of(template, {"user": "x" * (MAX_CONTENT // 1000 + 1)})


def test_placeholders_end_at_the_next_braces() -> None:
    text = "a {{b}} {c} {{{d}}} {{\n}} {{ }"
    assert placeholders(text) == ["{{b}}", "{{{d}}", "{{\n}}"]
    assert without_placeholders(text) == "a  {c} }  {{ }"


def test_a_link_is_an_address() -> None:
    with pytest.raises(Invalid, match="http"):
        values_of(_template(app={"alert": "{{url}}"}), {"url": "javascript:alert(1)"})


def test_values_are_not_read_for_variables_again() -> None:
    assert render({"alert": "{{a}} {{b}}"}, {"a": "{{b}}", "b": "x"}) == {"alert": "{{b}} x"}


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
        max_leaves=20,
    )
)
def test_a_content_without_variables_stays_as_it_is(content: object) -> None:
    if not variables(content):
        assert render({"c": content}, {"x": "y"}) == {"c": content}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("See {{url}}.", None),
        ("看{{url}}回T退订", None),
        ("链接:{{ url }}", None),
        ("{{url}}", None),
        ("{{url}}-", None),
        ("({{url}})", None),
        ("{{url}}?from=sms", "https://a.example?from=sms"),
        ("{{url}}/more", "https://a.example/more"),
        ("{{url}}1", "https://a.example1"),
        ("https://b.example/?to={{url}}", "https://b.example/?to=https://a.example"),
        ("{{url}} and {{url}}#top", "{{url}} and https://a.example#top"),
    ],
)
def test_a_variable_that_is_a_part_of_a_longer_address_is_filled_in(
    text: str, rendered: str | None
) -> None:
    made = render({"text": text}, {"url": "https://a.example"}, keep={"url"})
    assert made == {"text": text if rendered is None else rendered}

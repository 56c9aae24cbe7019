"""Personal values: placeholders, defaults, and calls of people with equal values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.rules import personal
from chalicelib.domain.rules.personal import Personal
from chalicelib.domain.templates import has_stray_braces, variables

NAME = '{{user.name|default:"friend"}}'


@pytest.mark.parametrize(
    ("text", "with_value", "without"),
    [
        ("Hi {{user.name}}", "Hi Ann", "Hi "),
        (f"Hi {NAME}", "Hi Ann", "Hi friend"),
        ("Hi {{ user.name | default: 'friend' }}", "Hi Ann", "Hi friend"),
        ("Hi {{user.name|default:&quot;friend&quot;}}", "Hi Ann", "Hi friend"),
        ('Hi{{user.name|default:""}}', "HiAnn", "Hi"),
        ("{{user.姓名}}{{user.$x-1}}", "", ""),
        ("{{user}} {{name}}", "{{user}} {{name}}", "{{user}} {{name}}"),
        ("{{user.name|upper}}", "{{user.name|upper}}", "{{user.name|upper}}"),
    ],
)
def test_an_attribute_or_its_default_stands_in_a_text(
    text: str, with_value: str, without: str
) -> None:
    content = {"text": text, "parts": [{"text": text}]}
    assert personal.fill(content, {"name": "Ann"}) == {
        "text": with_value,
        "parts": [{"text": with_value}],
    }
    assert personal.fill(content, {})["text"] == without


def test_an_attribute_is_no_variable_and_no_stray_braces() -> None:
    text = f"{NAME} {{{{user.points}}}} {{{{order}}}}"
    assert variables({"text": text}) == {"order"}
    assert not has_stray_braces(personal.without(text))
    assert has_stray_braces(personal.without("{{user.name|default:friend}}"))


def test_the_attributes_of_a_content_and_those_without_a_default() -> None:
    content = {"a": f"{NAME} {{{{user.points}}}}", "b": ["{{user.name}}"]}
    assert personal.names_in(content) == Personal(("name", "points"), ("name", "points"))
    assert personal.names_in({"a": NAME}) == Personal(("name",), ())


def test_values_are_escaped_and_kept_placeholders_stay() -> None:
    content = {"text": "{{user.name}} {{user.points}}"}
    filled = personal.fill(content, {"name": "<b>"}, escape=lambda v: "&lt;b>", keep=("points",))
    assert filled == {"text": "&lt;b> {{user.points}}"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ann", "Ann"),
        (" Ann ", "Ann"),
        (7, "7"),
        (1.5, "1.5"),
        (True, "true"),
        ("", None),
        ("  ", None),
        (["a"], None),
        (None, None),
    ],
)
def test_texts_and_numbers_are_values(value: object, text: str | None) -> None:
    assert personal.text_of(value) == text
    assert personal.values_of({"x": value}, ["x", "y"]) == ({} if text is None else {"x": text})


def test_a_value_that_hides_its_length_does_not_fit() -> None:
    assert personal.is_unfit({"a": "x" * 501}, ["a"])
    assert personal.is_unfit({"a": "{{name}}"}, ["a"])
    assert not personal.is_unfit({"a": "x" * 500, "b": "{{"}, ["a"])


@given(
    names=st.lists(st.sampled_from(["Ann", "Bob", None]), max_size=30),
    size=st.integers(1, 7),
    is_shared=st.booleans(),
)
def test_calls_have_everybody_once_and_equal_values_where_they_share(
    names: list[str | None], size: int, is_shared: bool
) -> None:
    refs = [DeliveryRef(n, "push", 0) for n in range(len(names))]
    values = [{} if name is None else {"name": name} for name in names]
    taken = Personal(("name",), (), is_shared)
    calls = [list(call) for call in personal.calls(refs, size, values, taken)]
    assert sorted(ref for call in calls for ref in call) == refs
    assert all(1 <= len(call) <= size for call in calls)
    if is_shared:
        assert all(len({names[ref.target] for ref in call}) == 1 for call in calls)
        assert len(calls) == sum(-(-names.count(name) // size) for name in set(names))
    else:
        assert len(calls) == -(-len(names) // size)

"""Advice on templates: links that phones would read wrong, and texts that are long."""

from __future__ import annotations

import pytest

from chalicelib.domain import template_advice
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.templates import Template
from chalicelib.domain.warnings import Code, Warning

APP, SMS = ChannelType.APP, ChannelType.SMS


def a_template(text: str) -> Template:
    return Template(1, 1, "key", "name", {APP: {"text": text}}, frozenset({"url"}))


@pytest.mark.parametrize(
    ("text", "is_warned"),
    [
        ("点击{{url}}查看详情", True),
        ("点击 {{url}}查看", True),
        ("详情{{url}} 退订TD", True),
        ("go to{{url}} now", True),
        ("{{url}}x", True),
        ("{{url}}。", True),
        ("{{url}}，回T退订", True),
        ("点击 {{url}} 查看详情", False),
        ("详情：{{url}}\n退订", False),
        ("{{url}}", False),
        ("({{url}}), {{url}}.", False),
        ("{{name}}你好", False),
        ('<a href="{{url}}">查看</a>', False),
        ("https://a.example/{{url}}?b=1", False),
        ("{{url}}\u3000查看", False),
    ],
)
def test_a_link_beside_a_letter_is_warned_of(text: str, is_warned: bool) -> None:
    warning = Warning("contents.app", Code.LINK_BESIDE_LETTER, {"name": "url"})
    assert template_advice.warnings(a_template(text)) == [warning] * is_warned


@pytest.mark.parametrize(("length", "is_warned"), [(500, False), (501, True)])
def test_a_text_that_is_long_for_its_channel_type_is_warned_of(
    length: int, is_warned: bool
) -> None:
    warning = Warning("contents.sms", Code.LONG_TEXT, {"length": length, "most": 500})
    texts = [{"text": "x"}, {"text": "x" * length}]
    assert list(template_advice.too_long({SMS: texts})) == [warning] * is_warned


def test_a_preview_warns_of_values_that_nothing_takes_and_of_attributes_that_lack() -> None:
    template = a_template("{{name}} {{user.points}}")
    values = {"name": "Li", "more": "x", "user.points": "3", "user.other": "y"}
    found = template_advice.of_preview(template, template.contents, values, {"points": "3"})
    assert [(field, code) for field, code, _ in found] == [
        ("more", Code.NOT_A_VARIABLE),
        ("user.other", Code.NOT_A_VARIABLE),
    ]
    lacking = template_advice.of_preview(template, template.contents, {"name": "Li"}, {})
    assert lacking == [Warning("user.points", Code.NO_DEFAULT)]

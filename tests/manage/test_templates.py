from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid, PlaceholderWrong
from chalicelib.manage import access_channels, templates
from chalicelib.ports import World
from tests.fakes.world import FakeWorld

APP, SMS = ChannelType.APP, ChannelType.SMS
CONTENTS = {APP: {"text": "{{name}} {{url}}"}, SMS: {"text": "{{shop_url}}"}}


@pytest.fixture
def world() -> World:
    return FakeWorld().ports


def test_a_template_has_a_number_and_its_links(world: World) -> None:
    key = access_channels.add(world, "shop")[0].key
    template = templates.add(world, key, "t", CONTENTS, None)
    assert (template.number, template.version, template.links) == (
        1,
        1,
        frozenset({"url", "shop_url"}),
    )
    assert templates.get(world, 1) == template
    assert list(templates.page(world, key)) == [template]
    assert templates.add(world, key, "t", CONTENTS, ["name"]).links == {"name"}


@pytest.mark.parametrize(
    ("contents", "links", "field"),
    [
        ({}, None, "contents"),
        ({APP: {}}, None, "contents.app.text"),
        ({ChannelType.WECHATOA: {"text": "x"}}, None, "contents.wechatoa"),
        ({APP: {"text": "x" * 100_000}}, None, "contents"),
        (CONTENTS, ["x"], "links[0]"),
        (CONTENTS, ["name", "nme"], "links[1]"),
    ],
)
def test_a_template_that_could_not_be_sent_is_refused(
    world: World, contents: Any, links: Any, field: str
) -> None:
    key = access_channels.add(world, "shop")[0].key
    with pytest.raises(Invalid) as invalid:
        templates.add(world, key, "t", contents, links)
    assert invalid.value.field == field
    assert list(templates.page(world, key)) == []


@pytest.mark.parametrize(
    "text",
    [
        "{{a b}}",
        "Hi {{name}",
        "Hi {name}}",
        "Hi {{name",
        "{{name} and {{x}}",
        "{{x}} {{",
        "{ name }}",
        "｛｛name｝｝",
        "{{}}",
        "{{" + "x" * 65 + "}}",
    ],
)
def test_braces_that_are_meant_as_a_variable_but_make_none_are_refused(
    world: World, text: str
) -> None:
    key = access_channels.add(world, "shop")[0].key
    with pytest.raises(PlaceholderWrong) as refusal:
        templates.add(world, key, "t", {APP: [{"text": "ok"}, {"text": text}]}, None)
    assert refusal.value.field == "contents.app[1]"
    assert list(templates.page(world, key)) == []


@pytest.mark.parametrize(
    "text",
    [
        "{name}",
        "{{{name}}}",
        "@media print{a{color:red}}",
        '{"a":{"b":{{n}}}}',
        "a}} b",
        "{ {{x}} }",
    ],
)
def test_other_braces_are_ordinary_text(world: World, text: str) -> None:
    key = access_channels.add(world, "shop")[0].key
    assert templates.add(world, key, "t", {APP: {"text": text}}, None).number == 1

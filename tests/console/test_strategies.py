"""The editor of strategies: conditions on any earlier step, and steps that choose a channel."""

from __future__ import annotations

import re

import pytest

from chalicelib.console.pages.strategies import editor
from chalicelib.console.pages.strategies.editor import Step, Term
from chalicelib.domain.strategies import Choice
from tests.console.conftest import Browser, Page
from tests.console.shops import shop as shop

EARLIER = [
    {"channels": ["app"]},
    {
        "channels": ["sms", "wechatoa"],
        "condition": {
            "operator": "and",
            "terms": [{"channel": "app", "missing": "delivered", "within": 300}],
        },
        "choose": "cheapest",
    },
    {
        "channels": ["email"],
        "condition": {
            "operator": "or",
            "terms": [
                {"channel": "app", "missing": "clicked", "within": 3600},
                {"channel": "sms", "missing": "delivered", "within": 600},
                {"channel": "wechatoa", "missing": "delivered", "within": 600},
            ],
        },
    },
]


def fields(page: Page) -> dict[str, list[str]]:
    """Return what the editor's form sends."""
    form = page.text[page.text.index('id="editor"') : page.text.index('id="result"')]
    sent: dict[str, list[str]] = {"name": [page.field("name")]}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form):
        sent.setdefault(name, []).append(value)
    for name, value in re.findall(r'name="([^"]+)" value="([^"]*)" inputmode', form):
        sent[name] = [value]
    for name, value in re.findall(r'type="radio" name="([^"]+)" value="([^"]*)" checked', form):
        sent[name] = [value]
    for name, box in re.findall(
        r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.search(r'value="([^"]*)" selected', box) or re.search(r'value="([^"]*)"', box)
        assert chosen is not None
        sent[name] = [chosen[1]]
    return sent


def pressed(shop: Browser, page: Page, button: str, path: str, **more: str) -> Page:
    return shop.post(path, {**fields(page), **more, "do": button})


def test_a_strategy_with_earlier_conditions_and_a_choice_survives_the_editor(
    shop: Browser,
) -> None:
    steps = editor.steps_of({"steps": EARLIER})
    assert editor.body(steps) == EARLIER
    assert editor.shows({"steps": EARLIER})


def test_conditions_are_added_for_earlier_steps_and_taken_away(shop: Browser) -> None:
    path = f"/c/{shop.key}/strategies/new"
    page = shop.get(path)
    page = pressed(shop, page, "add-step", path)
    page = pressed(shop, page, "add:2", path, **{"s2.add": "email"})
    assert page.text.count('name="s2.terms"') == 1
    page = pressed(shop, page, "term:2", path, **{"s2.term": "app"})
    assert re.findall(r'name="s2.terms" value="(\w+)"', page.text) == ["sms", "app"]
    page = pressed(shop, page, "drop-term:2:sms", path)
    assert re.findall(r'name="s2.terms" value="(\w+)"', page.text) == ["app"]
    page = pressed(shop, page, "show", path)
    assert re.findall(r'name="s2.terms" value="(\w+)"', page.text) == ["app"], "it stays away"


def test_a_step_of_several_channels_may_choose_one_for_each_person(shop: Browser) -> None:
    path = f"/c/{shop.key}/strategies/new"
    page = pressed(shop, shop.get(path), "drop:1:sms", path)
    page = pressed(shop, page, "drop-step:1", path)
    assert 'name="s0.choose"' not in page.text
    page = pressed(shop, page, "add:0", path, **{"s0.add": "sms"})
    saved = pressed(shop, page, "save", path, name="choose", **{"s0.choose": "best"})
    assert "Saved." in saved.plain, saved.plain
    assert 'value="best" selected' in saved.text


def test_every_way_to_choose_has_its_words() -> None:
    assert set(editor.CHOICES) == {choice.value for choice in Choice}


@pytest.mark.parametrize(("operator", "begin"), [("and", 4000), ("or", 700)])
def test_an_example_begins_a_step_when_its_earlier_conditions_are_judged(
    operator: str, begin: int
) -> None:
    terms = (Term("app", "4000", "s"), Term("sms", "600", "s"))
    steps = [
        Step(("app",)),
        Step(("sms",), (Term("app", "100", "s"),)),
        Step(("email",), terms, operator),
    ]
    drawn = editor.lanes(steps, "none")
    assert [seconds for _, seconds in drawn.times] == [0, 100, begin]

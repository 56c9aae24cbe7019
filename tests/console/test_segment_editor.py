"""The editor of a segment's rule saves what it shows, and its buttons do what they say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.console.forms import Form
from chalicelib.console.pages.segments import editor
from chalicelib.console.pages.segments.editor import Node
from chalicelib.domain import segment_rules

RULE = {
    "all": [
        {"tag": "vip"},
        {"not": {"contact": "email"}},
        {
            "any": [
                {"attribute": "points", "is": "at_least", "value": 100},
                {"attribute": "city", "is": "one_of", "value": ["杭州", "上海"]},
                {"attribute": "born", "is": "exists"},
            ]
        },
        {"event": "order", "days": 30, "at_least": 2},
        {"event": "visit", "where": [{"property": "page", "is": "begins_with", "value": "/a"}]},
        {"consent": "marketing", "contact": "sms"},
        {"message": "clicked", "days": 30, "template": 3},
        {"not": {"all": [{"tag": "old", "scope": "all"}]}},
    ]
}


def fields_of(node: Node, place: str = "0") -> dict[str, list[str]]:
    """Return the fields of a form as the page writes them."""
    fields: dict[str, list[str]] = {"nodes": []}
    for at, one in editor.places(node, place):
        fields["nodes"].append(at)
        fields[f"{at}.form"] = [one.form]
        fields[f"{at}.negated"] = ["1" if one.negated else ""]
        fields |= {f"{at}.f.{name}": [text] for name, text in one.fields.items()}
    return fields


def form_of(node: Node, **more: str) -> Form:
    return Form({**fields_of(node), **{name: [text] for name, text in more.items()}})


def test_a_rule_comes_back_as_it_was() -> None:
    assert editor.shows(RULE)
    root = editor.node_of(RULE)
    assert editor.body(root) == RULE
    assert editor.body(editor.read(form_of(root))) == RULE


@pytest.mark.parametrize(
    "rule",
    [
        {"tag": "vip"},
        {"all": [{"not": {"not": {"tag": "vip"}}}]},
        {"all": [{"event": "e", "where": [{"property": "a", "is": "exists"}] * 2}]},
        {"all": [{"attribute": "a", "is": "one_of", "value": ["x, y", "z"]}]},
    ],
)
def test_a_rule_that_the_editor_cannot_show_is_known(rule: dict[str, Any]) -> None:
    assert not editor.shows(rule)


LEAVES = st.sampled_from([part for part in RULE["all"] if "any" not in part])
RULES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, min_size=1, max_size=3).flatmap(
        lambda parts: st.sampled_from([{"all": parts}, {"any": parts}])
    ),
    max_leaves=8,
)


@given(st.lists(RULES, min_size=1, max_size=3))
def test_what_is_shown_is_saved_unchanged(parts: list[dict[str, Any]]) -> None:
    rule = {"any": parts}
    root = editor.read(form_of(editor.node_of(rule)))
    assert editor.body(root) == rule
    paths = {path for path, _ in segment_rules.conditions(rule)}
    shown = {editor.path_of(at, root) for at, one in editor.places(root) if not one.is_group}
    assert shown == paths, "errors stand beside their condition"


def test_conditions_and_groups_are_added_and_dropped() -> None:
    root = editor.fresh()
    root = editor.act(root, form_of(root, do="group:0"))
    root = editor.act(root, Form({"do": ["add:0.1"], "0.1.new": ["contact"]}))
    assert editor.body(root) == {"all": [{"tag": ""}, {"any": [{"tag": ""}, {"contact": "app"}]}]}
    assert not editor.is_complete(root)
    root = editor.act(root, Form({"do": ["drop:0.1.0"]}))
    root = editor.act(root, Form({"do": ["drop:0.0"]}))
    assert editor.body(root) == {"all": [{"any": [{"contact": "app"}]}]}
    assert editor.is_complete(root)


@pytest.mark.parametrize("do", ["", "drop:0", "drop:0.9", "add:0.0", "drop:0.²", "what:0"])
def test_a_button_that_is_not_there_changes_nothing(do: str) -> None:
    root = editor.fresh()
    assert editor.act(root, Form({"do": [do]})) == root


def test_a_form_has_a_limited_size() -> None:
    places = ["0", *(f"0.{n}" for n in range(1000))]
    assert len(editor.read(Form({"nodes": places})).parts) < editor.MAX_NODES
    deep = ["0" + ".0" * n for n in range(200)]
    assert len(list(editor.places(editor.read(Form({"nodes": deep}))))) < 20

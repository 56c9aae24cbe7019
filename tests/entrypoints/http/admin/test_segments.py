"""Segments by rules in the management API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.flow import segment_counts
from chalicelib.flow.interactions import RULE
from chalicelib.manage import access_channels
from tests.builders import a_template, a_user
from tests.entrypoints.conftest import KEY, OTHER_KEY, Api
from tests.entrypoints.http.admin.management import change, problem

RICH = {"attribute": "points", "is": "at_least", "value": 100}
NESTED = {
    "all": [
        {"any": [{"tag": "vip"}, RICH]},
        {"not": {"contact": "email"}},
        {"event": "order", "days": 30, "at_least": 2, "where": [{"property": "a", "is": "exists"}]},
        {"consent": "marketing", "contact": "sms"},
    ]
}


@pytest.fixture
def crowded(configured: Api) -> Api:
    for n in range(30):
        user = a_user(f"u{n:02d}", text=f"1390000{n:04d}", tags=["vip"] if n < 3 else [])
        configured.fake.users.has(replace(user, attributes={"points": 10 * n}))
    return configured


def a_segment(rule: Any = RICH, **fields: Any) -> dict[str, Any]:
    return {"channel_key": KEY, "name": "rich", "kind": "rules", "rule": rule, **fields}


def test_a_segment_by_rules_is_added_changed_and_deleted(crowded: Api) -> None:
    api = crowded
    added = api.admin("POST", "segments", a_segment(NESTED))
    assert added.status == 201, added.body
    path = f"segments/{added.json['id']}"
    assert added.json["rule"] == NESTED
    assert api.admin("GET", path).json == added.json
    changed = change(api, path, {"rule": RICH, "name": "richer"}, "PUT", 1)
    assert (changed.status, changed.json["rule"], changed.json["version"]) == (200, RICH, 2)
    assert change(api, path, {"name": "late"}, "PUT", 1).status == 412
    assert change(api, path, {"daily": True}, "PUT", 2).json["daily"] is True
    listed = api.admin("GET", f"segments?channel_key={KEY}").json["segments"]
    assert [segment["rule"] for segment in listed if segment["rule"]] == [RICH]
    assert api.admin("DELETE", path).status == 204
    assert api.admin("GET", path).status == 404
    entries = api.fake.audit.stored.values()
    logged = [entry.method for entry in entries if "segments" in entry.route]
    assert sorted(logged) == ["DELETE", "POST", "PUT", "PUT"]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({}, "rule"),
        ([], "rule"),
        ({"tag": "stranger"}, "rule.tag"),
        ({"tag": "vip", "scope": "bank"}, "rule.scope"),
        ({"tag": "vip", "value": 1}, "rule"),
        ({"all": [RICH, {"tag": "stranger"}]}, "rule.all[1].tag"),
        ({"attribute": "points"}, "rule"),
        ({"attribute": "points", "is": "more", "value": "many"}, "rule"),
        ({"attribute": "points", "is": "near", "value": 1}, "rule.is"),
        ({"attribute": "points", "is": "before", "value": "2026-02-30"}, "rule"),
        ({"any": [{"event": "order", "days": 91, "at_least": 2}]}, "rule.any[0]"),
        ({"event": "order", "at_least": 101, "days": 3}, "rule"),
        ({"message": "sent"}, "rule"),
        ({"message": "sent", "days": 91}, "rule"),
        ({"message": "sent", "days": 9, "template": 1, "topic": 1}, "rule"),
        ({"message": "read", "days": 9}, "rule.message"),
        ({"contact": "fax"}, "rule.contact"),
        ({"not": [RICH]}, "rule.not"),
        ({"all": [RICH, {"not": RICH}]}, "rule"),
        ({"all": [RICH, {"attribute": "points", "is": "less", "value": 9}]}, "rule"),
        ({"any": []}, "rule.any"),
        ({"any": [{"tag": "vip"}] * 51}, "rule.any"),
        ({"all": [{"any": [RICH] * 26}, {"any": [{"tag": "vip"}] * 25}]}, "rule"),
        ({"not": {"not": {"not": {"not": {"not": {"not": RICH}}}}}}, "rule"),
        ({"any": [{"consent": f"p{n}"} for n in range(6)]}, "rule"),
        ({"any": [{"attribute": "a", "is": "equals", "value": "x" * 250}] * 50}, "rule"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_with_its_field(
    crowded: Api, rule: Any, field: str
) -> None:
    api = crowded
    problem(api, "POST", "segments", a_segment(rule), field=field)
    problem(api, "POST", "segments/estimate", {"channel_key": KEY, "rule": rule}, field=field)


def test_a_rule_that_is_as_deep_as_possible_is_taken(crowded: Api) -> None:
    api = crowded
    rule: Any = {"event": "order", "where": [{"property": "a", "is": "one_of", "value": [1]}]}
    for _ in range(4):
        rule = {"all": [rule]}
    assert api.admin("POST", "segments", a_segment({"not": rule})).status == 201
    deep: Any = RICH
    for _ in range(12):
        deep = {"all": [deep]}
    problem(api, "POST", "segments", a_segment(deep), field="rule")


def test_only_the_kind_rules_has_a_rule(crowded: Api) -> None:
    api = crowded
    problem(api, "POST", "segments", {**a_segment(), "kind": "manual"})
    problem(api, "POST", "segments", {"channel_key": KEY, "name": "x", "kind": "rules"})
    problem(api, "PUT", "segments/7", {"rule": RICH}, field="rule", headers={"If-Match": "*"})
    assert change(api, "segments/7", {"name": "by hand"}, "PUT").status == 200


def test_a_tag_that_was_added_may_be_used_before_a_user_has_it(crowded: Api) -> None:
    api = crowded
    problem(api, "POST", "segments", a_segment({"tag": "soon"}), field="rule.tag")
    api.admin("POST", "tags", {"channel_key": "all", "name": "soon"})
    assert api.admin("POST", "segments", a_segment({"tag": "soon"})).status == 201


def test_messages_are_asked_for_only_where_interactions_are_kept(crowded: Api) -> None:
    api = crowded
    rule = {"message": "clicked", "days": 30, "template": 2}
    problem(api, "POST", "segments", a_segment(rule), field="rule")
    access_channels.set_rule(api.world, KEY, None, RULE, {})
    problem(api, "POST", "segments", a_segment(rule), field="rule.template")
    api.fake.settings.put_template(a_template(2, channel_key=OTHER_KEY))
    problem(api, "POST", "segments", a_segment(rule), field="rule.template")
    api.fake.settings.put_template(a_template(3, channel_key=KEY))
    assert api.admin("POST", "segments", a_segment({**rule, "template": 3})).status == 201
    topic = {"message": "clicked", "days": 30, "topic": 9}
    problem(api, "POST", "segments", a_segment(topic), field="rule.topic")


def test_members_are_found_by_the_rule(crowded: Api) -> None:
    api = crowded
    path = f"segments/{api.admin('POST', 'segments', a_segment()).json['id']}/members"
    found, cursor, sizes = list[str](), "", []
    while cursor is not None:
        reply = api.admin("GET", f"{path}?limit=10&cursor={cursor}").json
        found, cursor = found + reply["userids"], reply["cursor"]
        sizes.append(len(reply["userids"]))
    assert sorted(found) == [f"u{n}" for n in range(10, 30)]
    assert max(sizes) <= 10
    assert api.admin("GET", f"{path}/u29").json == {"userid": "u29"}
    assert api.admin("GET", f"{path}/u09").status == 404
    assert api.admin("GET", f"{path}/nobody").status == 404
    assert api.admin("POST", path, {"add": ["u09"]}).status == 409


def test_no_file_is_imported_into_a_segment_by_rules(crowded: Api) -> None:
    api = crowded
    number = api.admin("POST", "segments", a_segment()).json["id"]
    body = {"kind": "segment", "format": "csv", "target": number}
    problem(api, "POST", "imports", body, field="target")


def test_an_estimate_comes_at_once(crowded: Api) -> None:
    api = crowded
    reply = api.admin("POST", "segments/estimate", {"channel_key": KEY, "rule": RICH})
    assert reply.json == {
        "estimate": 20,
        "error": 0,
        "sampled": 30,
        "users": 30,
        "warnings": [],
    }
    unknown = {"any": [RICH, {"attribute": "age", "is": "exists"}]}
    reply = api.admin("POST", "segments/estimate", {"channel_key": KEY, "rule": unknown})
    warning = {
        "field": "rule.any[1]",
        "code": "unknown_attribute",
        "message": "no user in the sample has this attribute",
    }
    assert reply.json["warnings"] == [warning]
    assert (
        api.admin("POST", "segments/estimate", {"channel_key": "nobody", "rule": RICH}).status
        == 404
    )


def test_an_exact_count_shows_its_progress(crowded: Api) -> None:
    api = crowded
    path = f"segments/{api.admin('POST', 'segments', a_segment()).json['id']}/count"
    assert api.admin("GET", path).json["state"] == "none"
    begun = api.admin("POST", path)
    assert (begun.status, begun.json["state"]) == (202, "running")
    envelope = api.fake.queues.take()
    assert envelope is not None
    segment_counts.count(api.world, envelope.job)
    counted = api.admin("GET", path).json
    assert (counted["state"], counted["users"], counted["contacts"]) == ("done", 20, {"sms": 20})
    assert api.admin("POST", "segments/99/count").status == 404

"""A/B tests over HTTP, as members start, watch, decide and cancel them."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.entrypoints.lambdas.schedules import schedules as function
from tests.entrypoints.conftest import KEY, OTHER, SENDER, Api, message
from tests.entrypoints.http.admin.management import pages, problem

# So many that no group is ever empty: ids are random, and so are groups.
PEOPLE = [f"u{n:03d}" for n in range(100)]


def a_body(**changes: Any) -> dict[str, Any]:
    body = {
        "channel_key": KEY,
        "name": "Spring",
        "message": message(aud_userid=PEOPLE, rule_id=0),
        "variants": [
            {"name": "a", "share": 30},
            {"name": "b", "share": 30, "message": {"template_para": {"name": "friend"}}},
        ],
        "holdout": 10,
        "minutes": 60,
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


@pytest.fixture
def people(configured: Api) -> Api:
    users = [{"userid": p, "phone": {"all": f"138001380{p[2:]}"}} for p in PEOPLE]
    assert configured.users(users).code == 0
    return configured


def started(api: Api, **changes: Any) -> Any:
    reply = api.admin("POST", "ab-tests", a_body(**changes))
    assert reply.status == 201, reply.body
    return reply.json


def wake(api: Api, minutes: int) -> None:
    """Let time pass, and call the function as the scheduler does."""
    api.fake.clock.advance(minutes * 60)
    for id in api.fake.wakeups.take(api.fake.clock.now()):
        function({"id": id}, None)


def test_a_test_starts_a_message_for_each_variant(people: Api) -> None:
    test = started(people)
    assert (test["state"], test["rest"], test["holdout"]) == ("running", 30, 10)
    assert (test["if_winner"], test["if_none"], test["confidence"]) == ("send", "ask", 95)
    a, b = test["variants"]
    assert (a["baseline"], b["baseline"], a["final"]) == (True, False, False)
    assert b["message"] == {"template_para": {"name": "friend"}}
    report = people("GET", f"/v1/messages/{b['msgid']}", auth=SENDER).json
    assert report["ab_test"] == {"id": test["id"], "variant": "b"}
    assert people("GET", f"/v1/messages/{b['msgid']}", auth=OTHER).status == 404
    assert 10 < a["figures"]["planned"] < 50
    assert a["figures"]["planned"] + b["figures"]["planned"] < len(PEOPLE)
    assert a["ends"] == people.fake.clock.now() + 3_600_000


def test_every_user_id_has_a_group_and_holdouts_know_why(people: Api) -> None:
    test = started(people)
    path = f"ab-tests/{test['id']}/targets"
    groups = [people.admin("GET", f"{path}/{person}").json for person in PEOPLE]
    assert {of["group"] for of in groups} == {"variant", "rest", "holdout"}
    for of in groups:
        variant = next((v for v in test["variants"] if v["name"] == of["variant"]), None)
        assert of["msgid"] == (variant["msgid"] if variant else None)
    held = next(of["target"] for of in groups if of["group"] == "holdout")
    baseline = test["variants"][0]["msgid"]
    life = people.admin("GET", f"messages/{baseline}/targets/{held}").json
    assert (life["loss"], life["state"]) == ("holdout", "invalid")
    assert life["why"]["en"].startswith("The person is held out")


def test_the_end_decides_and_a_member_sends_to_the_rest(people: Api) -> None:
    id = started(people)["id"]
    early = people.admin("POST", f"ab-tests/{id}/winner", {"variant": "b"})
    assert early.status == 409
    wake(people, 60)
    test = people.admin("GET", f"ab-tests/{id}")
    assert (test.json["state"], test.json["winner"], test.json["sent"]) == ("decided", None, None)
    assert all(variant["final"] for variant in test.json["variants"])
    assert test.json["comparisons"] == [{"variant": "b", "p": 1, "adjusted": 1, "certain": False}]
    stale = {"If-Match": '"1"'}
    problem(people, "POST", f"ab-tests/{id}/winner", {"variant": "b"}, status=412, headers=stale)
    problem(people, "POST", f"ab-tests/{id}/winner", {"variant": "z"}, field="variant")
    tag = {"If-Match": test.headers["ETag"]}
    sent = people.admin("POST", f"ab-tests/{id}/winner", {"variant": "b"}, headers=tag).json
    assert (sent["state"], sent["sent"]["variant"], sent["sent"]["by"]) == ("sent", "b", "operator")
    rest = people.fake.messages.stored[sent["sent"]["msgid"]]
    groups = [people.admin("GET", f"ab-tests/{id}/targets/{p}").json for p in rest.userids]
    assert {(of["group"], of["msgid"]) for of in groups} == {("rest", rest.msgid)}
    problem(people, "POST", f"ab-tests/{id}/winner", {"variant": "a"}, status=409)
    entries = people.admin("GET", "audit").json["changes"]
    routes = [entry["route"] for entry in entries if entry["ids"].get("id") == id]
    assert [route.rpartition("/")[2] for route in routes] == ["winner", "ab-tests"]


def test_a_test_is_cancelled_with_its_messages(people: Api) -> None:
    test = started(people)
    cancelled = people.admin("POST", f"ab-tests/{test['id']}/cancel", {"withdraw": True}).json
    assert cancelled["state"] == "cancelled"
    for variant in test["variants"]:
        report = people("GET", f"/v1/messages/{variant['msgid']}", auth=SENDER).json
        assert report["status"] == "withdrawn"
    problem(people, "POST", f"ab-tests/{test['id']}/cancel", {}, status=409)


def test_tests_are_listed_newest_first(people: Api) -> None:
    ids = []
    for n in range(3):
        ids.append(started(people, name=f"test {n}")["id"])
        people.fake.clock.advance(1)
    listed = pages(people, f"ab-tests?channel_key={KEY}&limit=2", "ab_tests")
    assert [[test["id"] for test in page] for page in listed] == [[ids[2], ids[1]], [ids[0]]]
    problem(people, "GET", "ab-tests?channel_key=nobody", status=404)
    problem(people, "GET", f"ab-tests?channel_key={KEY}&cursor=x", field="cursor")


def test_a_repeat_under_an_idempotency_key_is_one_test(people: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    ids = {people.admin("POST", "ab-tests", a_body(), headers=headers).json["id"] for _ in "12"}
    assert len(ids) == 1
    assert len(people.fake.messages.stored) == 2
    other = people.admin("POST", "ab-tests", a_body(minutes=61), headers=headers)
    assert other.status == 409


B = {"name": "b", "share": 30}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"variants": [B]}, "variants"),
        ({"variants": [B] * 6}, "variants"),
        ({"variants": [B, B]}, "body"),
        ({"variants": [{**B, "name": "a"}, {**B, "share": 70}]}, "body"),
        ({"variants": [{**B, "name": "a b"}, B]}, "variants[0].name"),
        ({"variants": [{**B, "name": "a", "share": 0}, B]}, "variants[0].share"),
        ({"variants": [{**B, "name": "a", "share": 1.234}, B]}, "variants[0].share"),
        ({"holdout": 41}, "body"),
        ({"holdout": -1}, "holdout"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 10_081}, "minutes"),
        ({"metric": "opened"}, "metric"),
        ({"confidence": 100}, "confidence"),
        ({"if_none": "send"}, "if_none"),
        ({"message": message(template_id=99)}, "message.template_id"),
        ({"message": message(aud_userid=[])}, "message.aud_userid"),
        ({"message": message(aud_userid=...)}, "message"),
        ({"message": {}}, "message"),
    ],
)
def test_a_wrong_test_is_refused_with_its_field(
    people: Api, changes: dict[str, Any], field: str
) -> None:
    problem(people, "POST", "ab-tests", a_body(**changes), field=field if field != "body" else "")
    assert not people.fake.messages.stored
    assert not people.fake.stored.stored


@pytest.mark.parametrize(
    ("overlay", "field"),
    [
        ({"template_id": 99}, "variants[1].message.template_id"),
        ({"template_para": {}}, "variants[1].message.template_para.name"),
        ({"aud_userid": ["x"]}, "variants[1].message"),
        ({"option": {"black_id": 7}}, "variants[1].message"),
        ({"rule_id": 99}, "variants[1].message.rule_id"),
        ({"nonsense": 1}, "variants[1].message.nonsense"),
        (
            {"option": {"schedule": {"cron": "0 9 * * *", "time_zone": "UTC"}}},
            "variants[1].message.option.schedule",
        ),
        (
            {"option": {"schedule": {"at": "2020-01-01T09:00", "time_zone": "UTC"}}},
            "variants[1].message.option.schedule",
        ),
    ],
)
def test_a_wrong_variant_is_refused_where_it_stands(
    people: Api, overlay: dict[str, Any], field: str
) -> None:
    variants = [{"name": "a", "share": 30}, {**B, "message": overlay}]
    for path in ("ab-tests", "ab-tests/simulate"):
        problem(people, "POST", path, a_body(variants=variants), field=field)
    assert not people.fake.messages.stored


def test_a_simulation_predicts_each_message(people: Api) -> None:
    variants = [{"name": "a", "share": 30}, {**B, "message": {"rule_id": 1}}]
    answer = people.admin("POST", "ab-tests/simulate", a_body(variants=variants)).json
    assert not people.fake.messages.stored
    a, b = (of["simulation"] for of in answer["variants"])
    assert (len(a["steps"]), len(b["steps"])) == (1, 2)
    assert a["losses"]["users"]["holdout"] > 0
    assert "holdout" not in b["losses"]["users"]
    assert a["targets"] + b["targets"] + answer["rest"]["targets"] == len(PEOPLE)
    whole = a_body(variants=[{**B, "name": "a"}, {**B, "share": 60}])
    assert people.admin("POST", "ab-tests/simulate", whole).json["rest"] is None


def test_a_review_holds_each_variant_and_its_approval_counts_for_the_rest(people: Api) -> None:
    reviewer = people.admin("POST", "members", {"name": "Bob", "role": "reviewer"}).json
    pair = f"{reviewer['access_key']}:{reviewer['access_secret']}"
    settings = {
        "messages": {"levels": [[reviewer["access_key"]]], "cases": [{"origin": "console"}]},
        "templates": None,
    }
    tag = {"If-Match": "*"}
    path = f"access-channels/{KEY}/reviews"
    assert people.admin("PUT", path, settings, headers=tag).status == 200
    test = started(people, if_none="baseline")
    assert not people.fake.messages.stored
    assert {variant["figures"] for variant in test["variants"]} == {None}
    wake(people, 600)
    assert people.admin("GET", f"ab-tests/{test['id']}").json["state"] == "running"
    for variant in test["variants"]:
        decision = {"approved": True}
        path = f"reviews/{variant['msgid']}/decision"
        reply = people.admin("POST", path, decision, auth=pair, headers=tag)
        assert reply.status == 200, reply.body
        refused = people.admin(
            "PUT",
            f"reviews/{variant['msgid']}",
            {"message": message()},
            headers=tag,
        )
        assert refused.status == 409
    assert len(people.fake.messages.stored) == 2
    for _ in range(2):
        wake(people, 60)
    after = people.admin("GET", f"ab-tests/{test['id']}").json
    assert (after["state"], after["sent"]["variant"]) == ("sent", "a")
    assert after["sent"]["msgid"] in people.fake.messages.stored


def test_a_channel_may_be_the_difference(people: Api) -> None:
    variants = [
        {"name": "a", "share": 50},
        {**B, "share": 50, "message": {"msg_app": None, "msg_sms": [{"temp_id": 1}]}},
    ]
    body = {"aud_userid": PEOPLE, "msg_app": [{"platform": "all", "title": "t", "alert": "hi"}]}
    test = started(people, variants=variants, message=body, holdout=0)
    kinds = [
        [*people.fake.messages.stored[variant["msgid"]].channels] for variant in test["variants"]
    ]
    assert kinds == [["app1"], ["sms1"]]

"""The history of a user: messages of all access channels, with the user's state in each."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.audiences import Audience, AudienceKind
from tests.builders import a_message, a_plan, a_reachable_user
from tests.entrypoints.conftest import KEY, OTHER_KEY, SENDER, Api
from tests.fakes.clock import START

DAY = 86_400_000


def sent(api: Api, number: int, *userids: str, key: str = KEY, **changes: Any) -> str:
    message = a_message(
        *userids, number=number, channel_key=key, accepted=START - number * 1000, **changes
    )
    api.fake.messages.has(message)
    plan = a_plan(message, users=[a_reachable_user("ann")])
    api.fake.ledger.put_plan(plan, message)
    return message.msgid


def of(api: Api, userid: str, query: str = "") -> list[dict[str, Any]]:
    answer = api.admin("GET", f"users/{userid}/messages?{query}")
    assert answer.status == 200, answer.json
    found: list[dict[str, Any]] = answer.json["messages"]
    return found


def test_a_user_has_messages_of_all_access_channels_newest_first(api: Api) -> None:
    first, other = sent(api, 1, "ann", "bob"), sent(api, 2, "ann", key=OTHER_KEY)
    sent(api, 3, "cem")
    assert [row["msgid"] for row in of(api, "ann")] == [first, other]
    assert [row["msgid"] for row in of(api, "ann", f"channel_key={KEY}")] == [first]
    assert of(api, "eva") == []


def test_a_history_says_why_a_user_was_left_out(api: Api) -> None:
    sent(api, 1, "ann", "bob")
    (row,) = of(api, "bob")
    assert (row["state"], row["loss"]) == ("invalid", "unknown_user")
    assert row["why"]["zh"] == "用户不存在"
    (row,) = of(api, "ann")
    assert (row["state"], row["loss"], row["why"]) == ("pending", None, None)


def test_messages_to_everyone_are_found_with_their_access_channel(api: Api) -> None:
    msgid = sent(api, 1, "ann", audience=Audience(AudienceKind.EVERYONE))
    sent(api, 2, "bob", audience=Audience(AudienceKind.EVERYONE))
    assert of(api, "ann") == []
    assert [row["msgid"] for row in of(api, "ann", f"channel_key={KEY}")] == [msgid]


def test_a_history_comes_in_pages_and_looks_back_some_days(api: Api) -> None:
    msgids = [sent(api, number, "ann") for number in range(1, 4)]
    page = api.admin("GET", "users/ann/messages?limit=2").json
    assert [row["msgid"] for row in page["messages"]] == msgids[:2]
    rest = api.admin("GET", f"users/ann/messages?limit=2&cursor={page['cursor']}").json
    assert [row["msgid"] for row in rest["messages"]] == msgids[2:]
    assert rest["cursor"] is None
    api.fake.clock.advance(2 * 86_400)
    assert of(api, "ann", "days=1") == []
    assert len(of(api, "ann", "days=3")) == 3


def test_wrong_parameters_are_refused(api: Api) -> None:
    for query in ("days=0", "days=61", "limit=51", "cursor=AAAA"):
        assert api.admin("GET", f"users/ann/messages?{query}").status == 400
    assert api.admin("GET", "users/ann/messages?channel_key=nobody").status == 404


def test_messages_are_listed_without_states_which_come_apart(api: Api) -> None:
    first, second = sent(api, 1, "ann", "bob"), sent(api, 2, "cem")
    everyone = sent(api, 3, "bob", audience=Audience(AudienceKind.EVERYONE))
    (row,) = of(api, "ann", "states=false")
    assert (row["msgid"], row["state"], row["loss"], row["why"]) == (first, None, None, None)
    rows = of(api, "ann", f"states=false&channel_key={KEY}")
    assert [row["msgid"] for row in rows] == [first, everyone]
    path = f"users/ann/states?msgids={first},{second},{everyone},{'0' * 16}"
    states = api.admin("GET", path).json["states"]
    assert [(state["msgid"], state["state"]) for state in states] == [(first, "pending")]
    for wrong in ("", "x", ",".join([first] * 21)):
        assert api.admin("GET", f"users/ann/states?msgids={wrong}").status == 400


def test_states_of_several_messages_are_those_of_each(api: Api) -> None:
    msgids = [sent(api, number, "ann", f"u{number}") for number in range(1, 5)]
    assert api("POST", f"/v1/retract/{msgids[1]}", auth=SENDER).status == 200
    before = len(api.fake.log)
    states = api.admin("GET", f"users/ann/states?msgids={','.join(msgids)}").json["states"]
    reads = [name for name in api.fake.log[before:] if not name.endswith(".done")]
    assert reads.count("ledger.chunk") == 4
    assert reads.count("ledger.plans") <= 2
    assert len(reads) <= 4 + 6
    for state in states:
        target = api("GET", f"/v1/messages/{state['msgid']}/targets/ann", auth=SENDER).json
        assert {name: target[name] for name in ("state", "loss")} == {
            name: state[name] for name in ("state", "loss")
        }

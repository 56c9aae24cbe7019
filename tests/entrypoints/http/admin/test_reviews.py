"""Reviews over HTTP: settings, decisions, and what they hold back."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.members import MEMBERS, Member, Role
from tests.entrypoints.conftest import CONTENTS, KEY, SENDER, Api, message, sha256

ANN, BOB, CEM = "m-ann", "m-bob", "m-cem"


def by(key: str) -> str:
    return f"{key}:secret"


@pytest.fixture
def reviewed(configured: Api) -> Api:
    """Bob decides first, then Cem. Ann asks."""
    roles = {ANN: Role.OPERATOR, BOB: Role.REVIEWER, CEM: Role.READ_ONLY}
    for key, role in roles.items():
        member = Member(key, key.removeprefix("m-"), role, sha256("secret"))
        configured.fake.records.of(MEMBERS).put(member)
    settings = {
        "messages": {
            "levels": [[BOB], [CEM]],
            "cases": [{"origin": "api", "audiences": ["users"]}, {"origin": "console"}],
        },
        "templates": {"levels": [[BOB, CEM]]},
    }
    path = f"access-channels/{KEY}/reviews"
    assert configured.admin("GET", path).json["messages"] is None
    answer = configured.admin("PUT", path, settings, headers={"If-Match": "*"})
    assert answer.status == 200
    assert configured.admin("GET", path).json == answer.json
    assert answer.json["templates"] == settings["templates"]
    return configured


def decide(api: Api, id: str, who: str, **decision: Any) -> Any:
    body = {"approved": True, **decision}
    return api.admin("POST", f"reviews/{id}/decision", body, auth=by(who))


def listed(api: Api, who: str, name: str) -> list[str]:
    answer = api.admin("GET", f"reviews?list={name}", auth=by(who))
    return [entry["id"] for entry in answer.json["reviews"]]


def test_a_message_by_api_leaves_when_both_levels_have_approved(reviewed: Api) -> None:
    assert reviewed.send(message()).code == 1015023
    answer = reviewed.send(message(option={"owner": "ann", "sendno": "7"})).json
    id = answer["msgid"]
    assert answer == {"code": 0, "msgid": id, "msgno": id, "sendno": "7"}
    path = f"/v1/messages/{id}"
    assert reviewed("GET", path, auth=SENDER).json["status"] == "in_review"
    assert (listed(reviewed, BOB, "to_review"), listed(reviewed, ANN, "asked")) == ([id], [id])
    assert decide(reviewed, id, CEM).status == 409
    assert decide(reviewed, id, ANN).status == 409
    first = decide(reviewed, id, BOB)
    assert (first.status, first.json["review"]["level"]) == (200, 2)
    assert not reviewed.fake.messages.stored
    last = decide(reviewed, id, CEM, comment="fine")
    assert (last.json["state"], last.json["last"]["msgid"]) == ("done", id)
    assert reviewed("GET", path, auth=SENDER).json["status"] == "finished"
    assert listed(reviewed, CEM, "decided") == [id]
    routes = [entry.route for entry in reviewed.fake.audit.stored.values()]
    assert routes.count("/admin/v1/reviews/{id}/decision") == 2


def test_a_rejection_needs_words_and_may_be_mended(reviewed: Api) -> None:
    body = {"channel_key": KEY, "message": message(rule_id=0)}
    made = reviewed.admin("POST", "messages", body, auth=by(ANN)).json
    id = made["msgid"]
    assert made["state"] == "in_review"
    assert decide(reviewed, id, BOB, approved=False).status == 400
    rejected = decide(reviewed, id, BOB, approved=False, comment="wrong price")
    assert rejected.json["state"] == "rejected"
    assert rejected.json["review"]["decisions"][0]["comment"] == "wrong price"
    change = {"message": message(rule_id=0, template_para={"name": "Wu"})}
    again = reviewed.admin("PUT", f"reviews/{id}", change, auth=by(ANN), headers={"If-Match": "*"})
    assert (again.json["state"], again.json["review"]["level"]) == ("in_review", 1)
    decide(reviewed, id, BOB)
    decide(reviewed, id, CEM)
    assert "Hello Wu" in str(reviewed.fake.messages.stored[id].contents)


def test_a_template_waits_for_its_review(reviewed: Api) -> None:
    body = {"channel_key": KEY, "name": "fresh", "contents": CONTENTS}
    made = reviewed.admin("POST", "templates", body, auth=by(ANN))
    number, id = made.json["template_id"], made.json["review"]
    assert made.status == 202
    assert reviewed.admin("GET", f"templates/{number}").status == 404
    shown = reviewed.admin("GET", f"reviews/{id}").json
    assert (shown["template"]["name"], shown["message"]) == ("fresh", None)
    decide(reviewed, id, BOB, approved=False, comment="no")
    mended = {"template": {"name": "better", "contents": CONTENTS}}
    answer = reviewed.admin("PUT", f"reviews/{id}", mended, auth=by(ANN), headers={"If-Match": "*"})
    assert answer.status == 200
    assert decide(reviewed, id, CEM).json["state"] == "done"
    assert reviewed.admin("GET", f"templates/{number}").json["name"] == "better"
    change = {"name": "third", "contents": CONTENTS}
    changed = reviewed.admin(
        "PUT", f"templates/{number}", change, auth=by(ANN), headers={"If-Match": "*"}
    )
    assert (changed.status, changed.json["version"]) == (202, 2)
    assert reviewed.admin("GET", f"templates/{number}").json["version"] == 1


@pytest.mark.parametrize(
    "messages",
    [
        {"levels": [], "cases": [{"origin": "api"}]},
        {"levels": [[]], "cases": [{"origin": "api"}]},
        {"levels": [[BOB, BOB]], "cases": [{"origin": "api"}]},
        {"levels": [["nobody"]], "cases": [{"origin": "api"}]},
        {"levels": [[BOB]], "cases": []},
        {"levels": [[BOB]], "cases": [{"origin": "mail"}]},
        {"levels": [[BOB]] * 6, "cases": [{"origin": "api"}]},
    ],
)
def test_wrong_settings_are_refused(reviewed: Api, messages: dict[str, Any]) -> None:
    body = {"messages": messages, "templates": None}
    path = f"access-channels/{KEY}/reviews"
    assert reviewed.admin("PUT", path, body, headers={"If-Match": "*"}).status == 400
    assert reviewed.admin("PUT", path, body, auth=by(ANN), headers={"If-Match": "*"}).status == 403


def test_what_is_not_there_is_not_found(reviewed: Api) -> None:
    for path in ("reviews/x", f"reviews/{'0' * 16}"):
        assert reviewed.admin("GET", path).status == 404
    assert decide(reviewed, "0" * 16, BOB).status == 404

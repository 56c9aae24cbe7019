"""Consents: recorded by senders, required by operators."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import KEY, SENDER, Api, message
from tests.entrypoints.http.admin.management import change, problem

RULE = f"consents/{KEY}"
ENTRY = {"type": "sms", "contact": "18756432567", "purpose": "news", "given": True}


def test_a_consent_is_required_while_the_rule_holds(configured: Api) -> None:
    assert configured.admin("GET", RULE).json["purpose"] is None
    assert change(configured, RULE, {"purpose": "news"}, "PUT").json["exempt"] == [1]
    configured.users([{"userid": "user1", "phone": {"all": "18756432567"}}])

    def loss() -> Any:
        msgid = configured.send(message(aud_userid=["user1"])).json["msgid"]
        path = f"/v1/messages/{msgid}/targets/user1"
        return configured("GET", path, auth=SENDER).json["loss"]

    assert loss() == "no_consent"
    assert configured("POST", "/v1/consents", {"consents": [ENTRY]}, auth=SENDER).code == 0
    assert loss() is None
    taken_back = {**ENTRY, "given": False}
    assert configured("POST", "/v1/consents", {"consents": [taken_back]}, auth=SENDER).code == 0
    assert loss() == "no_consent"
    assert configured.admin("DELETE", RULE).status == 204
    assert loss() is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "fax"}, "consents[0].type"),
        ({"contact": "x"}, "consents[0]"),
        ({"contact": ""}, "consents[0].contact"),
        ({"purpose": "Some News"}, "consents[0].purpose"),
        ({"given": 1}, "consents[0].given"),
        ({"time": -1}, "consents[0].time"),
        ({"source": "x" * 65}, "consents[0].source"),
        ({"text_version": "x" * 65}, "consents[0].text_version"),
    ],
)
def test_a_wrong_consent_is_refused_with_its_field(
    configured: Api, changes: Any, field: str
) -> None:
    reply = configured("POST", "/v1/consents", {"consents": [{**ENTRY, **changes}]}, auth=SENDER)
    assert (reply.status, reply.code) == (400, 4004)
    assert field in reply.json["message"]


def test_a_hundred_consents_at_most(configured: Api) -> None:
    many = {"consents": [ENTRY] * 101}
    assert configured("POST", "/v1/consents", many, auth=SENDER).status == 400
    assert configured("POST", "/v1/consents", {"consents": []}, auth=SENDER).status == 400


def test_a_wrong_rule_is_refused(configured: Api) -> None:
    anything = {"If-Match": "*"}
    problem(configured, "PUT", RULE, {"purpose": ""}, field="purpose", headers=anything)
    body = {"purpose": "news", "exempt": [4]}
    problem(configured, "PUT", RULE, body, field="exempt[0]", headers=anything)

"""Bad input is refused in UMS's own format, with the field, and nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from infra.demo.client import Api, Shop
from tests.journeys.conftest import finished, scan
from tests.journeys.test_channels import APP

pytestmark = pytest.mark.alone

SENT = "/v1/template/sent"


@pytest.fixture(scope="module")
def good(shop: Shop) -> dict[str, Any]:
    shop.upload([shop.user("ann", app=["reg-ann"])])
    template = shop.template(**APP)
    return {
        "aud_userid": ["ann"],
        "template_id": template,
        "template_para": {"name": "Ann"},
        "app_para": {"platform": "all"},
    }


LATER = ("history#", "sent#", "notes#", "part#", "figures#", "days#", "spans#")


@pytest.fixture
def nothing_is_stored(aws: Any) -> Iterator[None]:
    tables = ("messages", "users", "settings")

    def items(table: str) -> int:
        """Count the items, except for those that streams write some time after a message."""
        keys = [str(item.get("pk", {}).get("S", "")) for item in scan(aws, table)]
        return sum(not key.startswith(LATER) for key in keys)

    before = {table: items(table) for table in tables}
    yield
    assert {table: items(table) for table in tables} == before


CASES: list[tuple[str, dict[str, Any], int, str]] = [
    ("an empty list", {"aud_userid": []}, 1015004, "aud_userid"),
    ("an over-long list", {"aud_userid": [f"u{n}" for n in range(1001)]}, 1015004, "aud_userid"),
    ("a wrong type", {"aud_userid": "ann"}, 4004, "aud_userid"),
    ("an unknown template", {"template_id": 999999}, 1015031, "template_id"),
    ("no platform", {"app_para": {}}, 1015084, "platform"),
    ("a wrong platform", {"app_para": {"platform": "amiga"}}, 1015085, "platform"),
    ("both lists", {"option": {"black_id": 1, "white_id": 2}}, 1015097, "black_id"),
    ("no value for a variable", {"template_para": {}}, 4004, "name"),
    ("an unknown field", {"surprise": 1}, 4004, "surprise"),
    ("a wrong priority", {"option": {"priority": 4}}, 4004, "priority"),
    ("an unknown strategy", {"rule_id": 424242}, 1015026, "rule_id"),
]


@pytest.mark.parametrize(
    ("what", "change", "code", "field"), CASES, ids=[case[0] for case in CASES]
)
def test_bad_input_is_named_and_nothing_is_stored(
    shop: Shop,
    good: Mapping[str, Any],
    nothing_is_stored: None,
    what: str,
    change: Mapping[str, Any],
    code: int,
    field: str,
) -> None:
    answer = shop.api.call("POST", SENT, {**good, **change})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert field in answer.json()["message"]


def test_the_same_request_without_a_mistake_is_taken(shop: Shop, good: Mapping[str, Any]) -> None:
    answer = shop.api.ask("POST", SENT, {**good, "option": {"sendno": "s-1", "priority": 1}})
    assert answer["code"] == 0
    assert answer["msgid"] == answer["msgno"]
    assert answer["sendno"] == "s-1"


@pytest.mark.parametrize("pair", [("", ""), ("nobody", "wrong"), None])
def test_wrong_credentials_are_refused(
    shop: Shop, good: Mapping[str, Any], nothing_is_stored: None, pair: tuple[str, str] | None
) -> None:
    key = pair or (shop.key, "wrong")
    answer = Api(shop.api.url, key).call("POST", SENT, good)
    assert (answer.status_code, answer.json()["code"]) == (401, 4005)


@pytest.mark.parametrize(
    "raw", [b"{", b"[1", b'{"a":NaN}', b"\xff\xfe", b"[" * 100_000, b"null", b'"text"']
)
def test_broken_bodies_are_refused(shop: Shop, nothing_is_stored: None, raw: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(
        shop.api.url + SENT, data=raw, headers=headers, auth=(shop.key, shop.secret), timeout=30
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == 4004


def test_an_over_large_body_is_refused(shop: Shop, nothing_is_stored: None) -> None:
    raw = b'{"template_para": {"a": "' + b"x" * 6_500_000 + b'"}}'
    headers = {"Content-Type": "application/json"}
    answer = requests.post(
        shop.api.url + SENT, data=raw, headers=headers, auth=(shop.key, shop.secret), timeout=60
    )
    assert (answer.status_code, set(answer.json())) == (413, {"message"})


def test_an_unknown_path_is_told_in_the_same_shape(shop: Shop) -> None:
    answer = requests.get(shop.api.url + "/v1/nowhere", timeout=30)
    assert answer.status_code in (403, 404)
    assert set(answer.json()) == {"code", "message"}


def _people(number: int) -> list[dict[str, Any]]:
    return [{"userid": f"p{n}", "set": {"phone": {"all": "13800001000"}}} for n in range(number)]


@pytest.mark.parametrize(
    "body", [[], _people(1001), {"user": "p"}, "text"], ids=["none", "too many", "no user", "text"]
)
def test_a_list_of_users_that_cannot_be_taken_is_refused_as_a_whole(
    shop: Shop, nothing_is_stored: None, body: Any
) -> None:
    answer = shop.api.call("POST", "/v1/user/opt", body)
    assert (answer.status_code, answer.json()["code"]) == (400, 4004)


@pytest.mark.parametrize(
    "contacts",
    [
        {"phone": {"all": "abc"}},
        {"email": {"all": "nobody"}},
        {"fax": {"all": "1"}},
        {"phone": {"x": "13800001000"}},
    ],
)
def test_a_user_who_cannot_be_taken_is_named_and_not_stored(
    shop: Shop, nothing_is_stored: None, contacts: dict[str, Any]
) -> None:
    told = shop.api.ask("POST", "/v1/user/opt", [{"userid": "wrong", "set": contacts}])["data"]
    assert (told["success"], [fail["userid"] for fail in told["fail"]]) == ([], ["wrong"])
    assert next(iter(contacts)) in told["fail"][0]["errmsg"]


def test_operators_get_problem_details_and_a_channel_key_is_no_access_key(
    shop: Shop, nothing_is_stored: None
) -> None:
    answer = shop.admin.call(
        "POST",
        "/admin/v1/channels",
        {"name": "x", "code": "has space", "type": "fax", "platform": "jpush"},
    )
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (
        400,
        "application/problem+json",
    )
    assert {"code", "type"} <= {error["field"] for error in answer.json()["errors"]}
    assert shop.api.call("GET", "/admin/v1/channels").status_code == 401


def test_a_webhook_needs_its_token_and_its_signature(shop: Shop) -> None:
    known = shop.channels["app"]["webhook_url"]
    other = known[:-1] + ("a" if known[-1] != "a" else "b")
    assert requests.post(other, json={}, timeout=30).status_code == 404
    assert (
        requests.post(known, json={"data": []}, auth=("somebody", "else"), timeout=30).status_code
        == 403
    )


def test_another_access_channel_cannot_see_a_message(
    shop: Shop, stack: Mapping[str, Any], good: Mapping[str, Any]
) -> None:
    msgid = shop.api.ask("POST", SENT, good)["msgid"]
    other = Shop(stack, kinds=())
    for path in (f"/v1/messages/{msgid}", f"/v1/messages/{msgid}/targets/ann"):
        assert shop.api.call("GET", path).status_code == 200
        answer = other.api.call("GET", path)
        assert answer.status_code == 404
        assert "ann" not in answer.text
    assert other.api.call("POST", SENT, good).json()["code"] == 1015031


def test_unknown_people_are_losses_with_a_reason(shop: Shop, good: Mapping[str, Any]) -> None:
    msgid = shop.api.ask("POST", SENT, {**good, "aud_userid": ["nobody_knows_me"]})["msgid"]
    assert finished(shop, msgid)["losses"]["users"] == {"unknown_user": 1}
    assert shop.api.target(msgid, "nobody_knows_me")["loss"] == "unknown_user"

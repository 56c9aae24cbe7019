"""Searches by contact: counted, logged, and never in an address."""

from __future__ import annotations

import re
from itertools import cycle
from typing import Any

import pytest

import app
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.entrypoints.http import allowances, schemas
from chalicelib.entrypoints.http.admin import route
from tests.builders import a_user
from tests.entrypoints.conftest import KEY, Api, sha256


def test_a_member_searches_by_contact_so_often_in_an_hour_and_each_search_is_logged(
    configured: Api,
) -> None:
    configured.fake.users.has(a_user("ann", text="13800138000"))
    configured.fake.records.of(MEMBERS).put(Member("reader", "r", Role.READ_ONLY, sha256("secret")))
    body = {"type": "sms", "contact": "13800138000"}
    spellings = cycle(("13800138000", "+86 138-0013-8000"))
    for _ in range(allowances.CONTACT_SEARCHES.most):
        body["contact"] = next(spellings)
        answer = configured.admin("POST", "users/search", body, auth="reader:secret")
        assert answer.json["users"][0]["contacts"] == {"sms": {"all": ["138****8000"]}}
    refused = configured.admin("POST", "users/search", body, auth="reader:secret")
    assert (refused.status, int(refused.headers["Retry-After"]) <= 3600) == (429, True)
    target = configured.admin(
        "POST", "messages/0123456789abcdef/targets", body, auth="reader:secret"
    )
    assert target.status == 429
    assert configured.admin("POST", "users/search", body).status == 200
    changes = configured.admin("GET", "audit?limit=100").json["changes"]
    entries = [entry for entry in changes if entry["route"] == "/admin/v1/users/search"]
    assert len(entries) >= 50  # random ids of one moment: a page may hold others too
    assert len({entry["ids"]["contact_hash"] for entry in entries}) == 1
    assert "13800138000" not in str(entries)


def takes_a_contact(contract: Any) -> bool:
    """Tell routes on which a member asks about somebody's contact."""
    fields = schemas.load(contract.request).model_fields if contract.request else ()
    return contract.role is not None and {"type", "contact"} <= set(fields)


BY_CONTACT = sorted(
    path.removeprefix("/admin/v1/")
    for path, methods in app.app.routes.items()
    if path.startswith("/admin/v1/")
    for entry in methods.values()
    if takes_a_contact(entry.view_function.contract)
)


def test_the_searches_by_contact_are_found() -> None:
    assert {"users/search", "suppressions/search", "lists/{id}/contacts/search"} <= {*BY_CONTACT}
    assert {"sandbox/messages/search", "messages/{msgid}/targets"} <= {*BY_CONTACT}


@pytest.mark.parametrize("path", BY_CONTACT)
def test_every_search_by_contact_is_counted_and_logged(configured: Api, path: str) -> None:
    configured.fake.sandbox.url = "https://sandbox.example"
    path = path.format(id=1000, msgid="0123456789abcdef")
    body = {"type": "sms", "contact": "13800138000"}
    assert configured.admin("POST", path, body).status in (200, 404)
    changes = configured.admin("GET", "audit?limit=100").json["changes"]
    assert len([each for each in changes if "contact_hash" in each["ids"]]) == 1
    (name,) = (each for each in configured.fake.counters.counted if "contact_search" in each)
    configured.fake.counters.counted[name] = allowances.CONTACT_SEARCHES.most
    configured.fake.clock.advance(1)
    assert configured.admin("POST", path, body).status == 429


PARTS = ["users/ann/states?msgids=0123456789abcdef", f"access-channels/{KEY}/health"]


@pytest.mark.parametrize("path", [*PARTS, "sandbox/messages/1"])
def test_what_a_page_asks_for_each_row_has_a_rate_of_its_own(configured: Api, path: str) -> None:
    kind, most = route.PARTS
    answers = [configured.admin("GET", path) for _ in range(most + 1)]
    assert [each.status for each in answers[most:]] == [429]
    assert 429 not in {each.status for each in answers[:most]}
    assert answers[most].headers["X-Rate-Limit-Limit"] == str(most)
    assert configured.admin("GET", "members").status == 200, kind


def test_no_address_takes_a_contact() -> None:
    """Addresses are logged in many places, so contacts are in bodies only."""
    for path, methods in app.app.routes.items():
        for method, entry in methods.items():
            contract = entry.view_function.contract
            names = {*(schemas.load(contract.query).model_fields if contract.query else ())}
            names |= set(re.findall(r"{(\w+)}", path))
            personal = {"contact", "phone", "mobile", "email", "address", "openid"}
            assert not names & personal, (method, path)

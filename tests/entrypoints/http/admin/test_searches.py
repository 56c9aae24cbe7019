"""Searches by contact: counted, logged, and never in an address."""

from __future__ import annotations

import re
from itertools import cycle

import app
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.entrypoints.http import allowances, schemas
from tests.builders import a_user
from tests.entrypoints.conftest import Api, sha256


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


def test_no_address_takes_a_contact() -> None:
    """Addresses are logged in many places, so contacts are in bodies only."""
    for path, methods in app.app.routes.items():
        for method, entry in methods.items():
            contract = entry.view_function.contract
            names = {*(schemas.load(contract.query).model_fields if contract.query else ())}
            names |= set(re.findall(r"{(\w+)}", path))
            personal = {"contact", "phone", "mobile", "email", "address", "openid"}
            assert not names & personal, (method, path)

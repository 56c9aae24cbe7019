"""Suppressions and contacts of lists by the management API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import Api
from tests.entrypoints.http.admin.management import problem

PHONE = "18756432567"
BODY = {"type": "sms", "contacts": [PHONE, "+86 187-5643-2567", "+85291234567"]}


def is_suppressed(api: Api, contact: str, type: str = "sms") -> bool:
    asked = {"type": type, "contact": contact}
    return bool(api.admin("POST", "suppressions/search", asked).json["suppressed"])


def test_contacts_are_suppressed_found_and_lifted(configured: Api) -> None:
    assert not is_suppressed(configured, PHONE)
    assert configured.admin("POST", "suppressions", BODY).json == {"contacts": 2}
    assert is_suppressed(configured, "+8618756432567")
    found = configured.admin("POST", "suppressions/search", {"type": "sms", "contact": PHONE}).json
    assert found["since"] == configured.fake.clock.now()
    lifted = {"type": "sms", "contacts": [PHONE]}
    assert configured.admin("POST", "suppressions/remove", lifted).json == {"contacts": 1}
    assert not is_suppressed(configured, PHONE)
    assert is_suppressed(configured, "+85291234567")


def test_the_audit_log_has_hashes_and_no_contacts(configured: Api) -> None:
    configured.admin("POST", "suppressions", BODY)
    changes = configured.admin("GET", "audit").json["changes"]
    assert [c for c in changes if c["ids"].get("contact_hash")]
    assert PHONE not in str(changes)


def test_an_export_can_be_imported(configured: Api) -> None:
    configured.admin("POST", "suppressions", BODY)
    mails = {"type": "email", "contacts": ["=cmd@example.com"]}
    configured.admin("POST", "suppressions", mails)
    made = configured.admin("POST", "suppressions/export", {}).json
    assert (made["contacts"], made["cursor"]) == (3, None)
    (key,) = [name for name in configured.fake.files.stored if "exports" in name]
    lines = configured.fake.files.stored[key].decode("utf-8-sig").splitlines()
    assert lines[0] == "phone,email"
    assert sorted(lines[1:]) == ["'+85291234567,", ",'=cmd@example.com", f"{PHONE},"]
    assert key in made["url"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**BODY, "type": "wechatoa"}, "type"),
        ({**BODY, "contacts": []}, "contacts"),
        ({**BODY, "contacts": [PHONE] * 101}, "contacts"),
        ({**BODY, "contacts": ["not a number"]}, "contacts[0]"),
    ],
)
def test_what_cannot_be_suppressed_is_refused(
    configured: Api, body: dict[str, Any], field: str
) -> None:
    for path in ("suppressions", "suppressions/remove"):
        problem(configured, "POST", path, body, field=field)


def test_a_wrong_cursor_is_refused(configured: Api) -> None:
    problem(configured, "POST", "suppressions/export", {"cursor": "?"}, field="cursor")


def test_a_list_takes_contacts_and_finds_them(configured: Api) -> None:
    one = {"type": "sms", "contact": PHONE}
    body = {"add": [one, {"type": "sms", "contact": "+86 18756432567"}], "remove": [one]}
    assert configured.admin("POST", "lists/7/contacts", body).json == {"added": 1, "removed": 0}
    found = configured.admin("POST", "lists/7/contacts/search", one)
    assert found.json == {"is_member": True}
    configured.admin("POST", "lists/7/contacts", {"remove": [one]})
    assert configured.admin("POST", "lists/7/contacts/search", one).json == {"is_member": False}
    assert configured.admin("GET", "lists/7/members").json["userids"] == []


def test_contacts_of_a_list_that_is_not_there_are_not_found(configured: Api) -> None:
    one = {"type": "sms", "contact": PHONE}
    problem(configured, "POST", "lists/99/contacts", {"add": [one]}, status=404)
    problem(configured, "POST", "lists/99/contacts/search", one, status=404)
    problem(configured, "POST", "lists/7/contacts", {}, field="body")
    wrong = {"type": "email", "contact": "x"}
    problem(configured, "POST", "lists/7/contacts", {"add": [wrong]}, field="add[0]")

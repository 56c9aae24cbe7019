"""Everything in docs/reference/api.md exists, and everything that exists is in it."""

from __future__ import annotations

import re
from pathlib import Path

import app
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import codes
from chalicelib.entrypoints.http.route import Auth
from tests.entrypoints.conftest import CONTENTS, KEY, Api

ROOT = Path(__file__).resolve().parents[4]
DOCS = (ROOT / "docs" / "reference" / "api.md").read_text()
ERRORS = (ROOT / "docs" / "reference" / "error-codes.md").read_text()
ROWS = re.findall(r"^\| ([A-Z, ]+) \| `(/[^`]*)` \| ([^|]+) \|", DOCS, re.MULTILINE)

CALLERS = {
    Auth.CHANNEL: "channel key",
    Auth.ACCESS: "access key",
    Auth.EITHER: "channel key or access key",
    Auth.WEBHOOK: "token in the path",
    Auth.NOBODY: "nobody",
}


def test_every_route_is_described_with_who_may_call_it() -> None:
    described = {
        (method, path): who.strip() for methods, path, who in ROWS for method in methods.split(", ")
    }
    served = {
        (m, path): CALLERS[entry.view_function.auth]
        for path, methods in app.app.routes.items()
        for m, entry in methods.items()
    }
    assert described == served


def test_the_roles_table_says_what_each_may_change() -> None:
    told = {
        role: set(what.split(", "))
        for role, what in re.findall(
            r"^\| `([a-z-]+)` \| ([^|]+) \|", DOCS.split("| role |")[1], re.MULTILINE
        )
    }
    assert set(told) == set(Role)
    needed = {
        path.removeprefix("/admin/v1/").partition("/")[0]
        for path, methods in app.app.routes.items()
        for entry in methods.values()
        if path.startswith("/admin/") and entry.view_function.contract.role is Role.OPERATOR
    }
    assert told["operator"] == needed


def test_every_code_that_is_answered_is_described() -> None:
    sources = [
        *(ROOT / "chalicelib" / "entrypoints").rglob("*.py"),
        *(ROOT / "chalicelib" / "flow").glob("*.py"),
    ]
    used = {
        code
        for source in sources
        for code in re.findall(r"\b(101[59]\d{3}|400[45]|5000)\b", source.read_text())
    }
    assert used
    assert {code for code in used if code not in ERRORS} == set()


def test_every_code_is_in_the_openapi_document_and_in_its_table() -> None:
    sources = [
        *(ROOT / "chalicelib" / "entrypoints").rglob("*.py"),
        *(ROOT / "chalicelib" / "flow").glob("*.py"),
    ]
    used = {
        int(code)
        for source in sources
        for code in re.findall(r"\b(101[59]\d{3})\b", source.read_text())
    }
    assert used == {*codes.CODES, *codes.OF_ITEMS, codes.STATUSES[429][0]}
    described = {int(code) for code in re.findall(r"^\| (101\d{4}) \|", ERRORS, re.MULTILINE)}
    assert {*codes.CODES, *codes.OF_ITEMS} <= described
    assert {status for status, _ in codes.CODES.values()} <= {*codes.STATUSES}


def test_the_example_of_a_strategy_works(configured: Api) -> None:
    example = re.search(r'```json\n(\{"channel_key"[^`]*"steps"[^`]*)\n```', DOCS)
    assert example is not None
    raw = example[1].replace("7d431e42dfa6a6d693ac2d04", KEY).encode()
    assert configured.admin("POST", "strategies", raw=raw).status == 201


def test_the_fields_of_answers_are_described(configured: Api) -> None:
    template = configured.admin(
        "POST", "templates", {"channel_key": KEY, "name": "t", "contents": CONTENTS}
    ).json
    channel = configured.admin("GET", "channels/app1").json
    for name in {*template, *channel}:
        assert f"`{name}`" in DOCS, name

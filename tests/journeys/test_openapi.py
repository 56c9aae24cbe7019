"""The running stack answers right and wrong requests as its own /openapi.json says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import app
from infra.demo.client import Shop
from tests.journeys.conftest import change
from tests.liveness import PATIENCE
from tests.profiles import examples

# Requests of each kind to each operation. test_answers.py has many more of them without a stack.
EXAMPLES = int(os.environ.get("EXAMPLES", "2"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROUTES = [(method, path) for path, methods in app.app.routes.items() for method in methods]
# Sends come first, then changes of a business line, and deletions last.
OPERATIONS = [
    f"{method} {path}"
    for method, path in sorted(
        ROUTES, key=lambda r: (r[0] == "DELETE", r[1].startswith("/admin"), r[1], r[0])
    )
]


@dataclass
class Stage:
    """The stack's own document, and an object of every kind that a request can name."""

    url: str
    operations: Mapping[str, Any]
    things: Mapping[str, Any]
    ids: Mapping[str, int]  # by the part of a path before {id}
    keys: Mapping[str, tuple[str, str]]  # by security scheme

    def pair(self, operation: Any) -> tuple[str, str] | None:
        schemes = [scheme for each in operation.definition.raw["security"] for scheme in each]
        return self.keys[schemes[0]] if schemes else None

    def named(self, path: str) -> dict[str, str]:
        """Return existing values for the parameters of this path."""
        before_id = path.partition("/{id}")[0].rpartition("/")[2]
        return {
            name: str(value)
            for name, value in {**self.things, "id": self.ids.get(before_id)}.items()
            if f"{{{name}}}" in path
        }

    def meant(self, case: Case) -> None:
        """A question that could be right names what exists in its body and query, too."""
        for part in (case.body, case.query):
            if isinstance(part, dict):
                part.update({name: self.things[name] for name in part.keys() & self.things.keys()})


@pytest.fixture(scope="module")
def stage(stack: Mapping[str, Any]) -> Stage:
    """Make a business line that reaches only its own people, for the sake of other journeys."""
    shop = Shop(stack)
    change(shop, "PATCH", f"access-channels/{shop.key}", {"restricted": True})
    schema = schemathesis.openapi.from_dict(
        requests.get(f"{shop.api.url}/openapi.json", timeout=30).json()
    )
    operations = {
        f"{o.ok().method.upper()} {o.ok().path}": o.ok() for o in schema.get_all_operations()
    }
    keys = {"accessKey": shop.admin.pair, "channelKey": shop.api.pair}
    return Stage(shop.api.url, operations, _things(shop), _ids(shop), keys)


def _ids(shop: Shop) -> dict[str, int]:
    """Create an object of every kind with a numeric id."""
    owner = {"channel_key": shop.key, "name": f"open{shop.mark}"}
    bodies = {
        "segments": owner,
        "lists": {**owner, "kind": "black"},
        "tags": owner,
        "imports": {"kind": "users", "format": "csv"},
    }
    return {
        kind: shop.admin.ask("POST", f"/admin/v1/{kind}", body)["id"]
        for kind, body in bodies.items()
    }


def _things(shop: Shop) -> dict[str, Any]:
    """Create a person, a message and their like, by the name of the parameter."""
    person = f"open{shop.mark}"
    contacts = {"email": {shop.key: f"{person}@example.com"}, "tag": {shop.key: ["t"]}}
    shop.upload([{"userid": person, "set": contacts}])
    template = shop.template(email={"subject": "Hi", "text": "Hello"})
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["email"], "condition": {"missing": "delivered", "within": 60}},
    )
    member = shop.admin.ask("POST", "/admin/v1/members", {"name": person, "role": "read-only"})
    return {
        "key": shop.key,
        "channel_key": shop.key,
        "scope": shop.key,
        "code": shop.code("app"),
        "type": "app",
        "label": "1",
        "tag": "t",
        "template_id": template,
        "version": 1,
        "rule_id": rule,
        "userid": person,
        "target": person,
        "aud_userid": [person],
        "token": shop.channels["app"]["webhook_url"].rpartition("/")[2],
        "msgid": shop.api.send([person], template, {}),
        "access_key": member["access_key"],
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_documented(stage: Stage, name: str) -> None:
    operation = stage.operations[name]
    pair, named = stage.pair(operation), stage.named(operation.path)
    places = [named, {}] if named else [{}]
    modes = [
        GenerationMode.POSITIVE,
        *([GenerationMode.NEGATIVE] if operation.body or operation.query else []),
    ]
    kinds = [
        operation.as_strategy(generation_mode=mode, path_parameters=place)
        for mode in modes
        for place in places
    ]

    @examples(EXAMPLES * len(kinds))
    @given(case=st.one_of(*kinds))
    def ask(case: Case) -> None:
        if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE:
            stage.meant(case)
        case.call_and_validate(base_url=stage.url, checks=CHECKS, auth=pair, timeout=PATIENCE)

    ask()

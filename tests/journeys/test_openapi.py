"""Whatever is asked of the running stack, rightly or wrongly, it answers as its own /openapi.json says."""

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
from tests.profiles import examples

EXAMPLES = int(
    os.environ.get("EXAMPLES", "4")
)  # questions of each kind to each operation; with 40 it takes some minutes
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROUTES = [(method, path) for path, methods in app.app.routes.items() for method in methods]
OPERATIONS = [  # what changes a business line after what it sends, and what ends things last
    f"{method} {path}"
    for method, path in sorted(
        ROUTES, key=lambda r: (r[0] == "DELETE", r[1].startswith("/admin"), r[1], r[0])
    )
]


@dataclass
class Stage:
    """The stack's own document, and one of everything that a question can name."""

    url: str
    operations: Mapping[str, Any]
    things: Mapping[str, Any]
    ids: Mapping[str, int]  # by what stands before {id} in a path
    keys: Mapping[str, tuple[str, str]]  # by security scheme

    def pair(self, operation: Any) -> tuple[str, str] | None:
        schemes = [scheme for each in operation.definition.raw["security"] for scheme in each]
        return self.keys[schemes[0]] if schemes else None

    def named(self, path: str) -> dict[str, str]:
        """What exists, for the parameters of this path."""
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
    """A business line of its own, which reaches only its own people, so that no other journey gets its broadcasts."""
    shop = Shop(stack)
    requests.patch(
        f"{shop.api.url}/admin/v1/access-channels/{shop.key}",
        json={"restricted": True},
        headers={"If-Match": "*"},
        auth=shop.admin.pair,
        timeout=30,
    ).raise_for_status()
    person = f"open{shop.mark}"
    shop.upload(
        [
            {
                "userid": person,
                "set": {"email": {shop.key: f"{person}@example.com"}, "tag": {shop.key: ["t"]}},
            }
        ]
    )
    template = shop.template(email={"subject": "Hi", "text": "Hello"})
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["email"], "condition": {"missing": "delivered", "within": 60}},
    )
    own = {"channel_key": shop.key, "name": person}
    bodies = {
        "segments": own,
        "lists": {**own, "kind": "black"},
        "tags": own,
        "imports": {"kind": "users", "format": "csv"},
    }
    ids = {
        what: shop.admin.ask("POST", f"/admin/v1/{what}", body)["id"]
        for what, body in bodies.items()
    }
    things = {
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
        "access_key": shop.admin.ask(
            "POST", "/admin/v1/members", {"name": person, "role": "read-only"}
        )["access_key"],
    }
    schema = schemathesis.openapi.from_dict(
        requests.get(f"{shop.api.url}/openapi.json", timeout=30).json()
    )
    operations = {
        f"{o.ok().method.upper()} {o.ok().path}": o.ok() for o in schema.get_all_operations()
    }
    return Stage(
        shop.api.url,
        operations,
        things,
        ids,
        {"accessKey": shop.admin.pair, "channelKey": shop.api.pair},
    )


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
        case.call_and_validate(base_url=stage.url, checks=CHECKS, auth=pair)

    ask()

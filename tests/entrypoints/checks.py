"""Checks of each answer of the API against its contract and its document."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from typing import Any

from jsonschema import Draft202012Validator

import app
from chalicelib.entrypoints.http import codes, schemas
from chalicelib.entrypoints.http.contract import Contract
from chalicelib.entrypoints.http.openapi import document as openapi

UMS_ERRORS = ({"code", "message"}, {"code", "message", "data"})  # the latter of changes of users


@cache
def patterns() -> list[tuple[re.Pattern[str], str, Any]]:
    """Return the routes with their entries. What is spelt out stands before parameters."""
    return [
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route))), route, entries)
        for route, entries in sorted(app.app.routes.items())
    ]


def contract_of(method: str, path: str) -> tuple[str, Contract] | None:
    """Return the route that serves a request, with its contract, or None."""
    return _contract_of(method, path.partition("?")[0].removesuffix("/"))


@lru_cache(maxsize=1000)
def _contract_of(method: str, asked: str) -> tuple[str, Contract] | None:
    for pattern, route, entries in patterns():
        if method in entries and pattern.fullmatch(asked):
            return route, entries[method].view_function.contract
    return None


def check_answer(method: str, path: str, status: int, body: bytes) -> None:
    """Check an answer: it has the schema that its route declares, or a declared error."""
    found = contract_of(method, path)
    if found is None:
        return
    route, contract = found
    if status >= 400:
        answered = json.loads(body)
        declared = {
            (codes.status_of(error), codes.code_of(error)) for error in contract.refusals(route)
        }
        if set(answered) in (*UMS_ERRORS, {"code", "msg"}):
            assert (status, answered["code"]) in declared, (
                f"{method} {route} does not declare {status} {answered}"
            )
        else:
            assert status in {s for s, _ in declared}, (
                f"{method} {route} does not declare {status} {answered}"
            )
    elif contract.response and status < 300:
        assert status in (contract.status, *contract.also), (
            f"{method} {route} does not declare {status}"
        )
        schemas.load(contract.response).model_validate_json(body, strict=True)


@cache
def documented() -> Any:
    """The OpenAPI document."""
    return openapi.document(app.app.routes, "https://ums.example.com")


@cache
def taken_by(method: str, route: str) -> Draft202012Validator | None:
    """Return the schema of a route's request in the document, or None if it is not JSON."""
    document = documented()
    taken = (
        document["paths"][route][method.lower()]
        .get("requestBody", {"content": {}})["content"]
        .get("application/json")
    )
    return (
        Draft202012Validator({**taken["schema"], "components": document["components"]})
        if taken
        else None
    )


def check_taken(method: str, path: str, payload: bytes, status: int, body: bytes) -> None:
    """Whatever a route has taken whole is what the document says it takes."""
    found = contract_of(method, path)
    validator = taken_by(method, found[0]) if found and status < 300 else None
    if validator is not None and not any(
        part in body for part in (b'"code":4', b'"fail":[{')
    ):  # of Growth, and of users one by one
        validator.validate(json.loads(payload))

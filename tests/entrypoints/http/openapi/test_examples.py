"""Examples of JSON in the documents fit their routes, and every named route is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

import app
from chalicelib.entrypoints.http import bodies, schemas
from chalicelib.entrypoints.http.contract import Contract
from chalicelib.entrypoints.http.errors import Refused
from chalicelib.entrypoints.http.openapi import examples
from chalicelib.entrypoints.http.schemas import base, send
from chalicelib.providers import registry
from chalicelib.web.egress import Policy

ROOT = Path(__file__).resolve().parents[4]
README = (ROOT / "README.md").read_text()
API, CHANNELS = (
    (ROOT / "docs" / "reference" / f"{name}.md").read_text() for name in ("api", "channels")
)
GUIDES = {page.stem: page.read_text() for page in sorted((ROOT / "docs" / "how-to").glob("*.md"))}
_, PLATFORMS = CHANNELS.split("\n## Contents and settings\n")

# A block, or what stands between backticks.
_SPAN = re.compile(r"^```(json)?\n(.*?)^```|`([^`]+)`", re.MULTILINE | re.DOTALL)
_ROUTE = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD) ((?:/|…/)[^\s?]*)(?:\?\S+)?")


class Example(NamedTuple):
    route: str  # the last one that is named before it: `POST …/labels`
    text: str


def found_in(page: str) -> Iterator[Example]:
    """Yield blocks of JSON, and whole objects within the text: others only name their fields."""
    route = ""
    for is_json, block, inline in _SPAN.findall(page):
        text = " ".join(inline.split())
        if _ROUTE.fullmatch(text):
            route = text
        elif is_json or (text.startswith("{") and is_whole(text)):
            yield Example(route, block or text)


def is_whole(text: str) -> bool:
    try:
        bodies.parse_json(text.encode())
    except Refused:
        return False
    return True


def contracts(route: str) -> list[Contract]:
    """Of what the text may mean: `…/labels` is any route that ends so."""
    found = _ROUTE.fullmatch(route)
    method, path = found.groups() if found else ("", "")
    routes = [
        known
        for known in app.app.routes
        if known == path or (path[:1] == "…" and known.endswith(path[1:]))
    ]
    return [
        app.app.routes[known][method].view_function.contract
        for known in routes
        if method in app.app.routes[known]
    ]


def fits(contract: Contract, value: Any) -> bool:
    """As a body that is sent, or as an answer."""
    if contract.request:
        with suppress(Refused):
            base.validate(schemas.load(contract.request), value)
            return True
    if contract.response:
        with suppress(ValidationError):
            schemas.load(contract.response).model_validate(value)
            return True
    return False


def is_an_error(value: Any) -> bool:
    return any(Draft202012Validator(schema).is_valid(value) for schema in examples.ERRORS.values())


@pytest.mark.parametrize(
    "page",
    [README, API, CHANNELS, *GUIDES.values()],
    ids=["README", "api", "channels", *GUIDES],
)
def test_every_route_that_a_page_names_is_there(page: str) -> None:
    named = [" ".join(inline.split()) for _, _, inline in _SPAN.findall(page)]
    assert [text for text in named if _ROUTE.fullmatch(text) and not contracts(text)] == []


@pytest.mark.parametrize(
    "example",
    [
        *found_in(API),
        *found_in(GUIDES["migrate-from-ums"]),
        *found_in(GUIDES["migrate-from-growth"]),
        *found_in(GUIDES["rotate-keys"]),
    ],
    ids=lambda each: each.text[:40],
)
def test_an_example_is_what_its_route_takes_or_gives(example: Example) -> None:
    value = bodies.parse_json(example.text.encode())
    assert any(fits(contract, value) for contract in contracts(example.route)) or is_an_error(
        value
    ), example.route


def test_a_content_that_a_platform_is_said_to_take_is_taken() -> None:
    rows = re.findall(r"^\| (`[^|]+) \| (.+?) \|", PLATFORMS, re.MULTILINE)
    told = [
        (name, each.text)
        for names, cell in rows
        for name in re.findall(r"`(\w+)`", names)
        for each in found_in(cell)
    ]
    assert {"chuanglan", "montnets", "cmpp", "dingtalk"} <= {name for name, _ in told}
    for platform, text in told:
        registry.load(platform, Policy()).check_content(json.loads(text))


def test_the_field_map_of_receipts_is_taken() -> None:
    shown = next(each.text for each in found_in(PLATFORMS) if '"kinds"' in each.text)
    login = {"app_key": "k", "master_secret": "s", "receipt_fields": json.loads(shown)}
    registry.load("jpush", Policy()).check_credentials(login, {})


def test_what_the_readme_sends_is_taken_and_answered_so() -> None:
    body, answer = re.findall(r"-d '(\{.*?\n    \})'\n\n +(\{.*?\})\n", README, re.DOTALL)[0]
    assert (
        base.validate(send.TemplateSend, json.loads(body)).option.sendno
        == json.loads(answer)["sendno"]
    )
    send.Accepted.model_validate_json(answer)

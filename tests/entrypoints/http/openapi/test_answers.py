"""Every request that the OpenAPI document allows gets an answer that the document describes."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
import requests
from hypothesis import given
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from urllib3 import HTTPResponse

from chalicelib.entrypoints.http.openapi import responses
from tests import profiles
from tests.entrypoints.conftest import KEY, OPERATOR, SENDER, Api
from tests.entrypoints.http.openapi.operations import OPERATIONS

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


GOOD_PARTS = {
    "key": KEY,
    "code": "app1",
    "template_id": "1",
    "rule_id": "1",
    "version": "1",
    "label": "1",
    "id": "1",
}


def headers_for(operation: Any) -> dict[str, str]:
    schemes = {name for each in operation.definition.raw["security"] for name in each}
    key = OPERATOR if "accessKey" in schemes else SENDER
    return {"Authorization": "Basic " + base64.b64encode(key.encode()).decode()} if schemes else {}


@pytest.mark.hypothesis
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_question_gets_an_answer_that_is_not_documented(configured: Api, name: str) -> None:
    operation = OPERATIONS[name]

    @profiles.examples(8)
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        ask_and_check(configured, case, headers_for(operation))

    ask()


def ask_and_check(api: Api, case: Any, headers: dict[str, str]) -> None:
    """Send a case and check its answer. Half of the cases get ids that exist, so few are 404."""
    if len(repr(case.body)) % 2:
        case.path_parameters = {
            name: GOOD_PARTS.get(name, value)
            for name, value in (case.path_parameters or {}).items()
        }
        headers = {**headers, **({"If-Match": "*"} if "If-Match" in (case.headers or {}) else {})}
    api.fake.clock.advance(1)  # a second of its own, so that the rate limit does not answer
    asked = requests.Request(
        **case.as_transport_kwargs(base_url="http://api", headers=headers)
    ).prepare()
    raw = asked.body.encode() if isinstance(asked.body, str) else asked.body or b""
    reply = api(
        str(asked.method),
        asked.path_url,
        raw=raw,
        headers={str(k): str(v) for k, v in asked.headers.items()},
    )
    assert reply.status < 500, reply.body
    told = {*case.operation.definition.raw["responses"][str(reply.status)].get("headers", {})}
    assert {name for name in responses.HEADERS if name in reply.headers} <= told
    assert ("ETag" in reply.headers) == ("ETag" in told)
    case.validate_response(_response(reply, asked), checks=CHECKS)


def _response(reply: Any, asked: requests.PreparedRequest) -> requests.Response:
    """Build the response that `requests` would have read."""
    response = requests.Response()
    response.status_code, response._content = reply.status, reply.body
    response.url, response.request = str(asked.url), asked
    response.headers.update(reply.headers)
    response.raw = HTTPResponse(io.BytesIO(reply.body), headers=reply.headers, status=reply.status)
    return response

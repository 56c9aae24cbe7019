"""Every request that the OpenAPI document allows gets an answer that the document describes."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from urllib3 import HTTPResponse

from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.entrypoints.http.openapi import responses
from tests import profiles
from tests.entrypoints.conftest import KEY, OPERATOR, OTHER, SENDER, Api, sha256
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


READER, READER_SECRET = "reader", "the secret of a reader"


def callers_of(operation: Any) -> Any:
    """Return credentials: mostly those that the operation asks for, others now and then."""
    schemes = {name for each in operation.definition.raw["security"] for name in each}
    if not schemes:
        return st.just("")
    reader, own = f"{READER}:{READER_SECRET}", OPERATOR if "accessKey" in schemes else SENDER
    return st.sampled_from([own, own, own, reader, reader, OTHER, OPERATOR, SENDER, ""])


def cases_of(operation: Any) -> Any:
    """Return requests that the document allows, and others where it can forbid any."""
    modes = [GenerationMode.POSITIVE]
    if operation.body or operation.query:
        modes.append(GenerationMode.NEGATIVE)
    return st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))


@pytest.mark.hypothesis
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_question_gets_an_answer_that_is_not_documented(configured: Api, name: str) -> None:
    members = configured.fake.records.of(MEMBERS)
    members.put(Member(READER, "reads", Role.READ_ONLY, sha256(READER_SECRET)))

    @profiles.examples(10, repeated=4)
    @given(case=cases_of(OPERATIONS[name]), caller=callers_of(OPERATIONS[name]))
    def ask(case: Any, caller: str) -> None:
        login = base64.b64encode(caller.encode()).decode()
        ask_and_check(configured, case, {"Authorization": f"Basic {login}"} if caller else {})

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

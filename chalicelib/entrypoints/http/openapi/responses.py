"""The responses of an operation: its successes, and its errors in the shape of its route."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from chalicelib.entrypoints.http import codes, schemas
from chalicelib.entrypoints.http.contract import Auth, Contract
from chalicelib.entrypoints.http.openapi import examples
from chalicelib.entrypoints.http.openapi.components import REF, Components, Json
from chalicelib.entrypoints.http.problems import TITLES
from chalicelib.entrypoints.http.schemas import base

PROBLEM, UMS, USERS, GROWTH = "Problem", "Error", "UsersError", "GrowthAnswer"  # of errors

_NUMBER, _TEXT = {"type": "integer"}, {"type": "string"}
HEADERS = {
    "X-Rate-Limit-Limit": {
        "description": "Requests a second that the access channel or member may make.",
        "schema": _NUMBER,
    },
    "X-Rate-Limit-Quota": {
        "description": "Equal to `X-Rate-Limit-Limit`.",
        "schema": _NUMBER,
    },
    "X-Rate-Limit-Remaining": {
        "description": "Requests that are left in this second.",
        "schema": _NUMBER,
    },
    "X-Rate-Limit-Reset": {
        "description": "Seconds until the full number is available again.",
        "schema": _NUMBER,
    },
    "Retry-After": {"description": "Seconds to wait before a retry.", "schema": _NUMBER},
    "ETag": {
        "description": "Current version, to send as `If-Match` with a change.",
        "schema": _TEXT,
    },
    "WWW-Authenticate": {
        "description": "Request for Basic credentials. API Gateway renames it to"
        " `x-amzn-Remapped-WWW-Authenticate`.",
        "schema": _TEXT,
    },
}

_DONE = {201: "Created", 202: "Accepted, not done yet", 204: "Done", 302: "Redirect to the address"}


def responses(path: str, method: str, contract: Contract, components: Components) -> Json:
    """Return every response of an operation, by status."""
    statuses = (200,) if method == "HEAD" else (contract.status, *contract.also)
    answers: Json = {str(status): _success(status, contract, components) for status in statuses}
    write = _WRITERS[contract.error_response.__name__]
    for status, errors in sorted(_by_status(contract.refusals(path)).items()):
        if write is _growth and status == 400:
            continue  # a success, whose code is that of the error
        answers[str(status)] = _error(write, status, errors)
    for text, answer in answers.items():
        if names := _headers(int(text), contract):
            answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return answers


def _by_status(errors: Iterable[int]) -> Mapping[int, list[int]]:
    by_status: dict[int, list[int]] = {}
    for error in sorted(errors):
        by_status.setdefault(codes.status_of(error), []).append(error)
    return by_status


def _success(status: int, contract: Contract, components: Components) -> Json:
    answer: Json = {"description": _DONE.get(status, "Done")}
    if contract.response:
        content: Json = {"schema": components.ref(contract.response)}
        if contract.response in examples.ANSWERS:
            content["example"] = examples.ANSWERS[contract.response]
        answer["content"] = {contract.media: content}
    elif status == 200 and contract.media != "application/json":
        answer["content"] = {contract.media: {"schema": {"type": "string"}}}
    return answer


def _headers(status: int, contract: Contract) -> list[str]:
    """Return the names of an answer's headers.

    Callers with credentials are rate limited. A 401 has not found out who they are. Only a thing
    with a version has an `ETag`.
    """
    limited = contract.auth in (Auth.CHANNEL, Auth.ACCESS, Auth.EITHER) and status != 401
    names = [name for name in HEADERS if name.startswith("X-Rate-Limit-")] if limited else []
    if limited and status == 429:
        names.append("Retry-After")
    if status == 401:
        names.append("WWW-Authenticate")
    if status < 300 and contract.response:
        names += ["ETag"] if issubclass(schemas.load(contract.response), base.Versioned) else []
    return names


Writer = Callable[[int, list[int]], Json]


def _error(write: Writer, status: int, errors: list[int]) -> Json:
    answer = write(status, errors)
    if status != 429 or write is _ums:
        return answer
    # The API's gateway answers 429 too, and has one shape for every path: UMS's.
    return _either(_ums(status, errors), answer)


def _table(errors: Iterable[int]) -> str:
    rows = dict.fromkeys((codes.code_of(error), codes.meaning_of(error)) for error in errors)
    lines = [f"| {code} | {text} |" for code, text in rows]
    return "\n".join(("| code | meaning |", "|---|---|", *lines))


def _coded(schema: str, text_field: str, errors: list[int]) -> Json:
    """Describe an answer with a code and a text."""
    of_code = {codes.code_of(error): error for error in reversed(errors)}
    known = sorted(of_code)
    example = {"code": known[0], text_field: codes.meaning_of(of_code[known[0]])}
    of_these = {"allOf": [{"$ref": REF + schema}, {"properties": {"code": {"enum": known}}}]}
    content = {"application/json": {"schema": of_these, "example": example}}
    return {"description": _table(errors), "content": content}


def _ums(status: int, errors: list[int]) -> Json:
    return _coded(UMS, "message", errors)


def _users(status: int, errors: list[int]) -> Json:
    return _coded(USERS, "message", errors)


def _growth(status: int, errors: list[int]) -> Json:
    return _coded(GROWTH, "msg", errors)


def _problem(status: int, errors: list[int]) -> Json:
    text = ". ".join(codes.meaning_of(error) for error in errors)
    example = {
        "type": "about:blank",
        "title": TITLES[status].english,
        "status": status,
        "detail": text,
        "errors": [],
    }
    schema = {"allOf": [{"$ref": REF + PROBLEM}, {"properties": {"status": {"const": status}}}]}
    return {
        "description": text[:1].upper() + text[1:],
        "content": {"application/problem+json": {"schema": schema, "example": example}},
    }


def _either(first: Json, second: Json) -> Json:
    """Describe an answer that has one of two shapes, perhaps of different media types."""
    contents = {**first["content"], **second["content"]}
    media = "application/json"
    if media in second["content"]:
        shapes = [answer["content"][media]["schema"] for answer in (first, second)]
        contents[media] = {**contents[media], "schema": {"anyOf": shapes}}
    return {**second, "content": contents}


_WRITERS: Mapping[str, Writer] = {
    "ums_error": _ums,
    "users_error": _users,
    "growth_error": _growth,
    "problem_details": _problem,
}

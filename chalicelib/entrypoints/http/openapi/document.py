"""The OpenAPI 3.1 document, made from what the routes declare and from the shapes. https://spec.openapis.org/oas/v3.1.0"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import AliasChoices, BaseModel
from pydantic.json_schema import models_json_schema

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import codes
from chalicelib.entrypoints.http import schemas as shapes
from chalicelib.entrypoints.http.contract import Auth, Contract
from chalicelib.entrypoints.http.openapi import examples, meanings
from chalicelib.entrypoints.http.schemas import base

Json = dict[str, Any]
Routes = Mapping[str, Mapping[str, Any]]  # as Chalice keeps them: path -> method -> entry

VERSION = "3.1.0"
REF = "#/components/schemas/"

SECURITY: Mapping[Auth, list[Json]] = {
    Auth.CHANNEL: [{"channelKey": []}],
    Auth.ACCESS: [{"accessKey": []}],
    Auth.EITHER: [{"channelKey": []}, {"accessKey": []}],
    Auth.WEBHOOK: [],
    Auth.NOBODY: [],
}
SCHEMES = {
    "channelKey": {
        "type": "http",
        "scheme": "basic",
        "description": "`channel_key:master_secret` of an access channel.",
    },
    "accessKey": {
        "type": "http",
        "scheme": "basic",
        "description": "`access_key:access_secret` of the deployment or of a member.",
    },
}

_NUMBER, _TEXT = {"type": "integer"}, {"type": "string"}
HEADERS = {  # of answers
    "X-Rate-Limit-Limit": {
        "description": "Requests that the access channel may make in a second.",
        "schema": _NUMBER,
    },
    "X-Rate-Limit-Quota": {"description": "The same.", "schema": _NUMBER},
    "X-Rate-Limit-Remaining": {
        "description": "How many are left of this second.",
        "schema": _NUMBER,
    },
    "X-Rate-Limit-Reset": {
        "description": "Seconds until there are all of them again.",
        "schema": _NUMBER,
    },
    "Retry-After": {"description": "Seconds after which it can be tried again.", "schema": _NUMBER},
    "ETag": {"description": "The version, for `If-Match` of a change.", "schema": _TEXT},
    "WWW-Authenticate": {
        "description": "Basic credentials are wanted. API Gateway hands it on as `x-amzn-Remapped-WWW-Authenticate`.",
        "schema": _TEXT,
    },
}

PROBLEM = "Problem"
UMS = "Error"
_TITLES = {409: "Conflict", 412: "Precondition Failed", 428: "Precondition Required"}


def document(routes: Routes, public_url: str) -> Json:
    operations = [
        (path, method, entry.view_function)
        for path, entries in routes.items()
        for method, entry in entries.items()
    ]
    contracts = [view.contract for _, _, view in operations]
    schemas, names = _schemas(contracts)
    paths: Json = {}
    for path, method, view in operations:
        paths.setdefault(path, {})[method.lower()] = _operation(path, method, view, schemas, names)
    return {
        "openapi": VERSION,
        "info": {
            "title": "OpenUMS",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": public_url}],
        "tags": [{"name": name, "description": text} for name, text in examples.TAGS.items()],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SCHEMES, "headers": HEADERS},
    }


_ABOUT = (
    "Send messages over many channels, and configure who sends on what. Paths under `/v1` speak the UMS API's format, "
    "paths under `/admin/v1` answer errors as problem details (RFC 9457).\n\n| code | status | meaning |\n|---|---|---|\n"
    + "\n".join(f"| {code} | {status} | {text} |" for code, (status, text) in codes.CODES.items())
    + "\n"
    + "\n".join(f"| {code} | of one item | {text} |" for code, text in codes.OF_ITEMS.items())
)


def _schemas(contracts: Iterable[Contract]) -> tuple[Json, Mapping[str, str]]:
    """Of every shape that a route names; and which schema each of these names means."""
    wanted = sorted(
        {name for each in contracts for name in (each.takes, each.gives, each.query) if name}
    )
    models: Mapping[str, type[BaseModel]] = {name: shapes.load(name) for name in wanted}
    refs, found = models_json_schema(
        [(model, "validation") for model in models.values()], ref_template=REF + "{model}"
    )
    names = {
        name: refs[model, "validation"]["$ref"].removeprefix(REF) for name, model in models.items()
    }
    described: Json = _tidied({**examples.ERRORS, **found["$defs"]})
    shapes_of = {
        each.__name__: each
        for each in _subclasses(BaseModel)
        if each.__module__.startswith(shapes.__name__)
    }
    for name, schema in described.items():
        shape = shapes_of.get(name)
        _describe(schema, _ancestry(name, shape))
        if shape is not None:
            _spell(schema, shape)
    return described, names


def _ancestry(name: str, shape: type[BaseModel] | None) -> tuple[str, ...]:
    """A shape's name and those of the shapes that it is made from."""
    return tuple(each.__name__ for each in shape.__mro__) if shape is not None else (name,)


def _spell(schema: Json, shape: type[BaseModel]) -> None:
    """A field that UMS writes in two ways is there in both: pydantic tells of the first only."""
    for field in shape.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            first, *others = map(str, field.validation_alias.choices)
            for other in others:
                schema["properties"][other] = {
                    **schema["properties"][first],
                    "description": f"The same as `{first}`.",
                }


def _subclasses(shape: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in shape.__subclasses__():
        yield each
        yield from _subclasses(each)


def _describe(schema: Json, names: tuple[str, ...]) -> None:
    """Every field, unless its shape says something of its own about it."""
    for field, value in schema.get("properties", {}).items():
        told = meanings.of(names, field)
        if told:
            value.setdefault("description", told)


def _tidied(value: Any) -> Any:
    """A copy without the titles that only repeat the names of fields."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if not (k == "title" and isinstance(v, str))}
        return {k: _tidied(v) for k, v in kept.items()}
    return [_tidied(each) for each in value] if isinstance(value, list) else value


def _operation(path: str, method: str, view: Any, schemas: Json, names: Mapping[str, str]) -> Json:
    contract: Contract = view.contract
    summary, _, more = inspect.cleandoc(view.__doc__ or "").partition("\n")
    sentence, _, rest = summary.partition(". ")
    operation: Json = {
        "operationId": view.__name__
        if method == contract.methods[0]
        else f"{view.__name__}_{method.lower()}",
        "summary": sentence.rstrip("."),
        "tags": [tag_of(path, contract)],
        "security": SECURITY[contract.auth],
        "responses": _responses(path, method, contract, names),
    }
    description = "\n\n".join(
        part for part in (f"{rest}".strip(), more.strip(), _role(contract)) if part
    )
    if description:
        operation["description"] = description
    parameters = [*_in_path(path), *_in_query(contract, schemas, names), *_headers(contract)]
    if parameters:
        operation["parameters"] = parameters
    if contract.takes and method not in ("GET", "HEAD"):
        content: Json = {
            "schema": _form(schemas[names[contract.takes]])
            if contract.form
            else {"$ref": REF + names[contract.takes]}
        }
        if contract.takes in examples.BODIES:
            content["example"] = examples.BODIES[contract.takes]
        operation["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data" if contract.form else "application/json": content},
        }
    return operation


def _form(fields: Json) -> Json:
    """The same with a file."""
    file = {"type": "string", "format": "binary"}
    return {
        **fields,
        "properties": {**fields["properties"], "file": file},
        "required": [*fields.get("required", ()), "file"],
    }


def tag_of(path: str, contract: Contract) -> str:
    """Of management routes, what comes first in the path."""
    return contract.tag or path.removeprefix("/admin/v1/").partition("/")[0]


def _role(contract: Contract) -> str:
    return (
        f"A member needs the role {contract.role}{'' if contract.role is Role.ADMINISTRATOR else ' or administrator'}."
        if contract.role
        else ""
    )


def _in_path(path: str) -> Iterator[Json]:
    for name in re.findall(r"\{(\w+)\}", path):
        text, example = examples.IN_PATHS[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": text,
            "schema": {"type": "string"},
            "example": example,
        }


def _in_query(contract: Contract, schemas: Json, names: Mapping[str, str]) -> Iterator[Json]:
    if not contract.query:
        return
    shape = schemas[names[contract.query]]
    for name, schema in shape.get("properties", {}).items():
        described = _given({k: v for k, v in schema.items() if k != "description"})
        text = {"description": schema["description"]} if "description" in schema else {}
        yield {
            "name": name,
            "in": "query",
            "required": name in shape.get("required", ()),
            **text,
            "schema": described,
        }


def _given(schema: Json) -> Json:
    """What a parameter may be where it is there: there is no null in a query, only what is left out."""
    others = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    return others[0] if len(others) == 1 else schema


def _headers(contract: Contract) -> Iterator[Json]:
    for name in contract.headers:
        text, schema = examples.IN_HEADERS[name]
        yield {"name": name, "in": "header", "description": text, "schema": schema}
    if contract.matches or 412 in contract.errors:
        text, must = (
            "The `ETag` of what is to be changed, as it was read; `*`: whatever it is.",
            contract.matches,
        )
        yield {
            "name": "If-Match",
            "in": "header",
            "required": must,
            "description": text,
            "schema": {"type": "string"},
            "example": '"1"',
        }


def _responses(path: str, method: str, contract: Contract, names: Mapping[str, str]) -> Json:
    statuses = (200,) if method == "HEAD" else (contract.status, *contract.also)
    found: Json = {str(status): _success(status, contract, names) for status in statuses}
    by_status: dict[int, list[int]] = {}
    for error in sorted(contract.refusals(path)):
        by_status.setdefault(codes.status_of(error), []).append(error)
    written = _WRITERS[contract.shape.__name__]
    for status, errors in sorted(by_status.items()):
        if written is _growth and status == 400:
            continue  # a success, whose code says what is wrong
        answer = written(status, errors)
        if status == 429:  # also of the API's gateway, which has one shape for every path
            answer = (
                _either(_ums(status, errors), answer)
                if written is _growth
                else _ums(status, errors)
            )
        found[str(status)] = answer
    for answered, content in found.items():
        if sent := _sent_along(int(answered), contract):
            content["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in sent}
    return found


def _sent_along(status: int, contract: Contract) -> list[str]:
    """Headers of an answer: none of them where an access key is used, the gateway answers, or nothing has a version."""
    limited = contract.auth in (Auth.CHANNEL, Auth.EITHER) and status != 401
    sent = [name for name in HEADERS if name.startswith("X-Rate-Limit-")] if limited else []
    sent += ["Retry-After"] if limited and status == 429 else []
    sent += ["WWW-Authenticate"] if status == 401 else []
    return [
        *sent,
        *(
            ["ETag"]
            if status < 300
            and contract.gives
            and issubclass(shapes.load(contract.gives), base.Versioned)
            else []
        ),
    ]


def _success(status: int, contract: Contract, names: Mapping[str, str]) -> Json:
    described: Json = {
        "description": {201: "Made", 202: "Not done yet", 204: "Done", 302: "The address"}.get(
            status, "Done"
        )
    }
    if contract.gives:
        content: Json = {"schema": {"$ref": REF + names[contract.gives]}}
        if contract.gives in examples.ANSWERS:
            content["example"] = examples.ANSWERS[contract.gives]
        described["content"] = {contract.media: content}
    elif status == 200 and contract.media != "application/json":
        described["content"] = {contract.media: {"schema": {"type": "string"}}}
    return described


def _table(errors: Iterable[int]) -> str:
    rows = dict.fromkeys((codes.code_of(e), codes.meaning_of(e)) for e in errors)
    return "| code | meaning |\n|---|---|\n" + "\n".join(
        f"| {code} | {text} |" for code, text in rows
    )


def _ums(status: int, errors: list[int], shape: str = UMS, word: str = "message") -> Json:
    known = sorted({codes.code_of(error) for error in errors})
    schema = {"allOf": [{"$ref": REF + shape}, {"properties": {"code": {"enum": known}}}]}
    example = {
        "code": known[0],
        word: codes.meaning_of(next(e for e in errors if codes.code_of(e) == known[0])),
    }
    return {
        "description": _table(errors),
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _growth(status: int, errors: list[int]) -> Json:
    return _ums(status, errors, "GrowthAnswer", "msg")


def _either(one: Json, other: Json) -> Json:
    """The same answer in two shapes."""
    shapes = [each["content"]["application/json"]["schema"] for each in (one, other)]
    return {
        **other,
        "content": {
            "application/json": {
                **other["content"]["application/json"],
                "schema": {"anyOf": shapes},
            }
        },
    }


def _problem(status: int, errors: list[int]) -> Json:
    text = ". ".join(codes.meaning_of(error) for error in errors)
    example = {
        "type": "about:blank",
        "title": _TITLES.get(status, "Bad Request"),
        "status": status,
        "detail": text,
        "errors": [],
    }
    schema = {"allOf": [{"$ref": REF + PROBLEM}, {"properties": {"status": {"const": status}}}]}
    return {
        "description": text[:1].upper() + text[1:],
        "content": {"application/problem+json": {"schema": schema, "example": example}},
    }


_WRITERS: Mapping[str, Callable[[int, list[int]], Json]] = {
    "ums_error": _ums,
    "growth_error": _growth,
    "problem_details": _problem,
}

"""The OpenAPI 3.1 document, made from the contracts of the routes and from their schemas.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import codes
from chalicelib.entrypoints.http.contract import Auth, Contract
from chalicelib.entrypoints.http.openapi import examples
from chalicelib.entrypoints.http.openapi.components import Components, Json
from chalicelib.entrypoints.http.openapi.responses import HEADERS, responses

Routes = Mapping[str, Mapping[str, Any]]  # as Chalice keeps them: path -> method -> entry

VERSION = "3.1.0"

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

_ABOUT = (
    "Send messages over many channels, and configure the channels and senders. Paths under `/v1`"
    " have the UMS API's format. Paths under `/admin/v1` answer errors as problem details"
    " (RFC 9457), in Chinese if `Accept-Language` prefers it, otherwise in English."
)


def document(routes: Routes, public_url: str) -> Json:
    """Return the whole document for a deployment's address."""
    operations = [
        (path, method, entry.view_function)
        for path, entries in routes.items()
        for method, entry in entries.items()
    ]
    components = Components([view.contract for _, _, view in operations])
    paths: Json = {}
    for path, method, view in operations:
        paths.setdefault(path, {})[method.lower()] = _operation(path, method, view, components)
    return {
        "openapi": VERSION,
        "info": {
            "title": "OpenUMS",
            "version": "1",
            "description": f"{_ABOUT}\n\n{_codes()}",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": public_url}],
        "tags": [{"name": name, "description": text} for name, text in examples.TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components.schemas,
            "securitySchemes": SCHEMES,
            "headers": HEADERS,
        },
    }


def _codes() -> str:
    """Return the table of all business codes."""
    lines = [f"| {code} | {status} | {text} |" for code, (status, text) in codes.CODES.items()]
    lines += [f"| {code} | of one item | {text} |" for code, text in codes.OF_ITEMS.items()]
    return "\n".join(("| code | status | meaning |", "|---|---|---|", *lines))


def _operation(path: str, method: str, view: Any, components: Components) -> Json:
    contract: Contract = view.contract
    summary, _, more = inspect.cleandoc(view.__doc__ or "").partition("\n")
    sentence, _, rest = summary.partition(". ")
    is_first = method == contract.methods[0]
    operation: Json = {
        "operationId": view.__name__ if is_first else f"{view.__name__}_{method.lower()}",
        "summary": sentence.rstrip("."),
        "tags": [tag_of(path, contract)],
        "security": SECURITY[contract.auth],
        "responses": responses(path, method, contract, components),
    }
    paragraphs = [text for text in (rest.strip(), more.strip(), _role(contract)) if text]
    if paragraphs:
        operation["description"] = "\n\n".join(paragraphs)
    parameters = [*_in_path(path), *_in_query(contract, components), *_headers(contract)]
    if parameters:
        operation["parameters"] = parameters
    if contract.request and method not in ("GET", "HEAD"):
        operation["requestBody"] = _request_body(contract, components)
    return operation


def _request_body(contract: Contract, components: Components) -> Json:
    media, schema = "application/json", components.ref(contract.request)
    if contract.form:
        media, schema = "multipart/form-data", _with_file(components.of(contract.request))
    content: Json = {"schema": schema}
    if contract.request in examples.BODIES:
        content["example"] = examples.BODIES[contract.request]
    return {"required": True, "content": {media: content}}


def _with_file(fields: Json) -> Json:
    """Add the file of a form to its fields."""
    file = {"type": "string", "format": "binary"}
    return {
        **fields,
        "properties": {**fields["properties"], "file": file},
        "required": [*fields.get("required", ()), "file"],
    }


def tag_of(path: str, contract: Contract) -> str:
    """Return the tag: the route's own, or the first part of a management path."""
    return contract.tag or path.removeprefix("/admin/v1/").partition("/")[0]


def _role(contract: Contract) -> str:
    if contract.role is None:
        return ""
    or_more = "" if contract.role is Role.ADMINISTRATOR else " or administrator"
    return f"A member needs the role {contract.role}{or_more}."


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


def _in_query(contract: Contract, components: Components) -> Iterator[Json]:
    if not contract.query:
        return
    query = components.of(contract.query)
    for name, schema in query.get("properties", {}).items():
        value = {key: part for key, part in schema.items() if key != "description"}
        yield {
            "name": name,
            "in": "query",
            "required": name in query.get("required", ()),
            "description": schema["description"],
            "schema": _without_null(value),
        }


def _without_null(schema: Json) -> Json:
    """Drop null, which a query cannot have: a parameter is present or absent."""
    others = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    return others[0] if len(others) == 1 else schema


def _headers(contract: Contract) -> Iterator[Json]:
    for name in contract.headers:
        text, schema = examples.IN_HEADERS[name]
        yield {"name": name, "in": "header", "description": text, "schema": schema}
    if contract.matches or 412 in contract.errors:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": contract.matches,
            "description": "`ETag` of the version that you have read; `*`: any version.",
            "schema": {"type": "string"},
            "example": '"1"',
        }

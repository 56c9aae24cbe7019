"""The operations of the OpenAPI document."""

from __future__ import annotations

import json

import schemathesis

import app
from chalicelib.entrypoints.http.openapi import document

DOCUMENT = document.document(app.app.routes, "https://ums.example.com")


SCHEMA = schemathesis.openapi.from_dict(json.loads(json.dumps(DOCUMENT)))


OPERATIONS = {f"{o.ok().method.upper()} {o.ok().path}": o.ok() for o in SCHEMA.get_all_operations()}

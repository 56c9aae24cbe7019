"""The meaning of every field of requests and responses, for the documentation.

A name means one thing everywhere. Where it does not, the entry names the schema too
(`Check.code`), or a schema that it inherits from (`Query.cursor`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.entrypoints.http.openapi.meanings import (
    ab_tests,
    callbacks,
    figures,
    lookups,
    management,
    people,
    rules,
    sandbox,
    segments,
    sending,
    third_party,
    users,
    waiting,
)

AREAS = (
    sending.FIELDS,
    users.FIELDS,
    people.FIELDS,
    management.FIELDS,
    rules.FIELDS,
    third_party.FIELDS,
    sandbox.FIELDS,
    segments.FIELDS,
    callbacks.FIELDS,
    figures.FIELDS,
    lookups.FIELDS,
    waiting.FIELDS,
    ab_tests.FIELDS,
)
FIELDS: Mapping[str, str] = {name: text for area in AREAS for name, text in area.items()}


def of(schemas: Sequence[str], field: str) -> str:
    """Return the meaning of a field, or "" if it is unknown.

    `schemas`: the name of its schema, then the names of the schemas that it inherits from.
    """
    names = [*(f"{schema}.{field}" for schema in schemas), field]
    return next((FIELDS[name] for name in names if name in FIELDS), "")

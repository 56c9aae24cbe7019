"""Bodies, forms and schemas of every route take no more than their share of an input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

import app
from chalicelib.domain.errors import OpenUMSError
from chalicelib.entrypoints.http import bodies, multipart, schemas
from chalicelib.entrypoints.http.schemas import base
from tests.growth.hostile import BODIES, values
from tests.growth.measure import check_growth

LARGEST = 1_000_000  # bytes. A body of 6 MB takes six times as long, and shows no more.
FIELDS = 4_000  # parts of a field

VIEWS = [entry.view_function for entries in app.app.routes.values() for entry in entries.values()]
SCHEMAS = sorted({getattr(v.contract, part) for v in VIEWS for part in ("request", "query")} - {""})


@pytest.mark.parametrize("name", BODIES)
def test_a_body_takes_no_more_than_its_share(name: str) -> None:
    def build(size: int) -> Callable[[], object]:
        raw = BODIES[name](size).encode()

        def work() -> None:
            with suppress(OpenUMSError):
                bodies.without_nulls(bodies.parse_json(raw))

        return work

    check_growth(build, LARGEST)


def _fields(schema: Any, size: int) -> Iterator[Any]:
    """Yield large values for the schema, and for each of its fields."""
    for value in values(size):
        yield value
        for name in getattr(schema, "model_fields", ()):
            yield {name: value}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_takes_no_more_than_its_share(name: str) -> None:
    schema = schemas.load(name)

    def build(size: int) -> Callable[[], object]:
        inputs = list(_fields(schema, size))

        def work() -> None:
            for value in inputs:
                with suppress(OpenUMSError):
                    base.validate(schema, value)

        return work

    check_growth(build, FIELDS)


HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
FORMS: dict[str, Callable[[int], bytes]] = {
    "a file": lambda size: HEAD + b"\r\n" + b"x" * size + b"\r\n--b--\r\n",
    "a file without its end": lambda size: HEAD + b"\r\n" + b"x" * size,
    "line ends": lambda size: HEAD + b"\r\n" + b"\r\n" * (size // 2),
    "half boundaries": lambda size: HEAD + b"\r\n" + b"\r\n--" * (size // 4),
    "boundaries": lambda size: b"--b\r\n" * (size // 5),
    "headers": lambda size: HEAD + b"a: b\r\n" * (size // 6),
    "a header": lambda size: HEAD + b"a: " + b'"; a=' * (size // 5),
    "a preamble": lambda size: b"-" * size,
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_takes_no_more_than_its_share(name: str) -> None:
    def build(size: int) -> Callable[[], object]:
        raw = FORMS[name](size)

        def work() -> None:
            with suppress(OpenUMSError):
                multipart.parts("multipart/form-data; boundary=b", raw)

        return work

    check_growth(build, LARGEST)

"""The OpenAPI document is complete and true, and the page shows all of it."""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from typing import Any

from openapi_spec_validator import validate
from pydantic import AliasChoices, BaseModel

import app
from chalicelib.entrypoints.http import codes, schemas
from chalicelib.entrypoints.http.openapi import examples, meanings
from chalicelib.entrypoints.http.schemas import base
from tests.entrypoints.conftest import Api
from tests.entrypoints.http.openapi.operations import DOCUMENT, OPERATIONS

SHARED = {base.Strict, base.Patch, base.Query, base.Answer, base.Page}


def shape_classes() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every body, query and answer that there is, by the name that a route would use."""
    for module in pkgutil.iter_modules(schemas.__path__):
        loaded = import_module(f"{schemas.__name__}.{module.name}")
        for name, found in inspect.getmembers(loaded, inspect.isclass):
            if (
                issubclass(found, BaseModel)
                and found.__module__ == loaded.__name__
                and found not in SHARED
            ):
                yield f"{module.name}.{name}", found


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_every_route_is_in_the_document() -> None:
    served = {
        (path, method.lower()) for path, methods in app.app.routes.items() for method in methods
    }
    assert {
        (path, method) for path, methods in DOCUMENT["paths"].items() for method in methods
    } == served


def test_parameters_at_the_same_place_of_a_path_have_one_name() -> None:
    """API Gateway refuses others: it cannot have both /lists/{id} and /lists/{list}/members."""
    names: dict[str, set[str]] = {}
    for path in app.app.routes:
        parts = path.split("/")
        for n, part in enumerate(parts):
            if part.startswith("{"):
                names.setdefault("/".join(parts[:n]), set()).add(part)
    assert {place: found for place, found in names.items() if len(found) > 1} == {}


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    operations = [each for methods in DOCUMENT["paths"].values() for each in methods.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    assert [each["operationId"] for each in operations if not each["summary"]] == []
    assert {each["tags"][0] for each in operations} <= {*examples.TAGS}


def test_what_may_be_answered_with_412_takes_the_version_that_it_begins_from() -> None:
    for name, operation in OPERATIONS.items():
        raw = operation.definition.raw
        assert ("412" in raw["responses"]) == (
            "If-Match" in [p["name"] for p in raw.get("parameters", ())]
        ), name


def test_every_success_that_is_described_can_happen() -> None:
    """UMS's bare address for callbacks refuses everybody."""
    never = {
        name
        for name, each in OPERATIONS.items()
        if not [s for s in each.definition.raw["responses"] if s < "4"]
    }
    assert never == {"GET /v1/{type}/callback", "POST /v1/{type}/callback"}


def test_every_field_of_every_shape_is_in_the_document() -> None:
    everything = json.dumps(DOCUMENT)
    for name, shape in shape_classes():
        if issubclass(shape, base.Query):
            continue  # each of its fields is a parameter, below
        if shape.__subclasses__() and shape.__name__ not in DOCUMENT["components"]["schemas"]:
            continue  # only others are made of it
        found = DOCUMENT["components"]["schemas"].get(shape.__name__)
        assert found is not None, f"{name} is used by no route"
        fields = {
            name
            for f, field in shape.model_fields.items()
            if f != "root"
            for name in names_of(f, field.validation_alias)
        }
        assert fields == {*found.get("properties", {})}, name
    for path, methods in app.app.routes.items():
        for method, entry in methods.items():
            query = entry.view_function.contract.query
            shown = {
                p["name"]
                for p in DOCUMENT["paths"][path][method.lower()].get("parameters", ())
                if p["in"] == "query"
            }
            assert shown == ({*schemas.load(query).model_fields} if query else set())
    assert all(str(code) in everything for code in (*codes.CODES, *codes.OF_ITEMS))


def names_of(field: str, alias: Any) -> list[str]:
    return [*map(str, alias.choices)] if isinstance(alias, AliasChoices) else [alias or field]


def test_no_parameter_is_null_and_every_rule_is_one_of_json_schema() -> None:
    parameters = [
        p
        for methods in DOCUMENT["paths"].values()
        for o in methods.values()
        for p in o.get("parameters", ())
    ]
    assert [
        p["name"]
        for p in parameters
        if '"null"' in json.dumps(p["schema"]) or p["schema"].get("default", "") is None
    ] == []
    for word in ("ge", "gt", "le", "lt", "min_length", "max_length"):
        assert f'"{word}": ' not in json.dumps(DOCUMENT["components"]["schemas"])


def test_it_says_of_every_field_what_it_means() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    silent = [
        f"{name}.{field}"
        for name, s in schemas.items()
        for field, told in s.get("properties", {}).items()
        if "description" not in told
    ]
    assert silent == []
    everywhere = {
        told["description"] for s in schemas.values() for told in s.get("properties", {}).values()
    }
    asked = {
        p["description"]
        for methods in DOCUMENT["paths"].values()
        for o in methods.values()
        for p in o.get("parameters", ())
    }
    assert {
        name for name, told in meanings.FIELDS.items() if told not in everywhere | asked
    } == set()


CLAUSES = re.compile(
    r"(What|Who|Whom|Whose|Where|Whether|When|How|Why|Which|The same|Those|These|That|This|It"
    r"|They|None|So|As|Of|For)\b"
)


def test_it_speaks_plainly() -> None:
    """A description begins with a verb or with the thing, and has one fact per sentence."""
    fields = [text for area in meanings.AREAS for text in area.values()]
    operations = [each for methods in DOCUMENT["paths"].values() for each in methods.values()]
    summaries = [each["summary"] for each in operations]
    texts = [
        *fields,
        *summaries,
        *examples.TAGS.values(),
        *(text for text, _ in examples.IN_PATHS.values()),
        *(header["description"] for header in DOCUMENT["components"]["headers"].values()),
    ]
    assert [text for text in texts if CLAUSES.match(text) or ";" in text] == []
    assert [text for text in fields if not text.endswith((".", "…"))] == []


def test_a_field_has_one_meaning() -> None:
    assert len(meanings.FIELDS) == sum(len(area) for area in meanings.AREAS)


def test_every_example_has_its_schema() -> None:
    for name, example in (*examples.BODIES.items(), *examples.ANSWERS.items()):
        schemas.load(name).model_validate_json(json.dumps(example))


def test_the_document_and_the_page_are_open_to_everybody(api: Api) -> None:
    answered = api("GET", "/openapi.json")
    assert (answered.status, answered.headers["Content-Type"]) == (200, "application/json")
    assert answered.json["servers"] == [{"url": "https://ums.example.com"}]
    page = api("GET", "/docs")
    assert page.status == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.targets += [found["href"] or ""] if tag == "a" else []
        self.loaded += [tag] if tag in ("script", "link", "img", "iframe") else []


def test_the_page_shows_every_operation_and_loads_nothing(api: Api) -> None:
    text = api("GET", "/docs").body.decode()
    read = _Page()
    read.feed(text)
    wanted = {
        each["operationId"] for methods in DOCUMENT["paths"].values() for each in methods.values()
    }
    assert wanted <= {*read.ids}
    assert {t.removeprefix("#") for t in read.targets if t.startswith("#")} == wanted
    assert read.loaded == []
    assert (
        re.findall(
            r"url\(|@import|https?://(?!www\.rfc|ums\.example)", text.partition("</style>")[0]
        )
        == []
    )
    assert "prefers-color-scheme:dark" in text


def test_what_a_description_says_is_escaped() -> None:
    from chalicelib.entrypoints.http.openapi import page as reference

    assert reference.text("a <b> `c<d`\n\n| x |\n|---|\n| <i> |") == (
        "<p>a &lt;b&gt; <code>c&lt;d</code></p>"
        "<table><tr><th>x</th></tr><tr><td>&lt;i&gt;</td></tr></table>"
    )

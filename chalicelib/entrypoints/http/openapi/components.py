"""The JSON schemas of the OpenAPI document, made from the schemas that routes name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import AliasChoices, BaseModel
from pydantic.json_schema import models_json_schema

from chalicelib.entrypoints.http import schemas
from chalicelib.entrypoints.http.contract import Contract
from chalicelib.entrypoints.http.openapi import examples, meanings

Json = dict[str, Any]

REF = "#/components/schemas/"


class Components:
    """The JSON schemas by their name in the document, and the way from a route's name to them."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        named = {name for c in contracts for name in (c.request, c.response, c.query) if name}
        models = {name: schemas.load(name) for name in sorted(named)}
        refs, generated = models_json_schema(
            [(model, "validation") for model in models.values()], ref_template=REF + "{model}"
        )
        self._names: Mapping[str, str] = {
            name: refs[model, "validation"]["$ref"].removeprefix(REF)
            for name, model in models.items()
        }
        self.schemas: Json = _without_titles({**examples.ERRORS, **generated["$defs"]})
        for name, schema in self.schemas.items():
            _complete(name, schema)

    def of(self, name: str) -> Json:
        """Return the JSON schema for a route's name (`send.TemplateSend`)."""
        schema: Json = self.schemas[self._names[name]]
        return schema

    def ref(self, name: str) -> Json:
        return {"$ref": REF + self._names[name]}


def _complete(name: str, schema: Json) -> None:
    """Add descriptions and other spellings of fields, which pydantic does not know."""
    model = _models().get(name)
    parents = model.__mro__ if model is not None else ()
    for field, value in schema.get("properties", {}).items():
        if meaning := meanings.of([name, *(parent.__name__ for parent in parents)], field):
            value.setdefault("description", meaning)
    if model is not None:
        _spell(schema, model)


def _models() -> Mapping[str, type[BaseModel]]:
    """Return every schema that is imported, by its class name."""
    return {
        model.__name__: model
        for model in _subclasses(BaseModel)
        if model.__module__.startswith(schemas.__name__)
    }


def _subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for subclass in model.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _spell(schema: Json, model: type[BaseModel]) -> None:
    """Show a field that UMS spells in two ways in both. Pydantic shows only the first."""
    for field in model.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            first, *others = map(str, field.validation_alias.choices)
            for other in others:
                same = {**schema["properties"][first], "description": f"Another name of `{first}`."}
                schema["properties"][other] = same


def _without_titles(value: Any) -> Any:
    """Copy a schema without the titles, which only repeat the names of fields."""
    if isinstance(value, dict):
        return {
            key: _without_titles(part)
            for key, part in value.items()
            if not (key == "title" and isinstance(part, str))
        }
    return [_without_titles(part) for part in value] if isinstance(value, list) else value

"""Templates, their versions and previews."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.bodies import as_written
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Name,
    Page,
    Strict,
    Versioned,
    Warned,
    refusal,
)
from chalicelib.manage.templates import MAX_ELEMENTS


def _content(value: Any) -> Any:
    """Check that it is an object, or a list of elements. The platforms check what is inside."""
    elements = value if isinstance(value, list) else [value]
    are_objects = all(isinstance(element, dict) for element in elements)
    if not 1 <= len(elements) <= MAX_ELEMENTS or not are_objects:
        raise refusal(
            PARAMETER,
            f"must be an object, or a list of 1 to {MAX_ELEMENTS} elements",
            f"须为对象，或 1 到 {MAX_ELEMENTS} 个对象的数组",
        )
    return [as_written(element) for element in value] if value is elements else as_written(value)


_OBJECTS = {
    "type": "array",
    "items": {"type": "object"},
    "minItems": 1,
    "maxItems": MAX_ELEMENTS,
}
Content = Annotated[
    Any, AfterValidator(_content), WithJsonSchema({"anyOf": [{"type": "object"}, _OBJECTS]})
]
Contents = dict[Annotated[ChannelType, Field(strict=False)], Content]
Shown = dict[ChannelType, dict[str, Any] | list[dict[str, Any]]]
Links = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)]


class TemplateChange(Strict):
    name: Name
    contents: Contents
    links: Links | None = None


class TemplateBody(TemplateChange):
    channel_key: str


class Values(Strict):
    template_para: dict[str, Any] = {}
    version: Annotated[int, Field(ge=1, le=999_999)] | None = None


class TemplateVersion(Answer):
    """A version of a template. It never changes."""

    template_id: int
    version: int
    channel_key: str
    name: str
    contents: Shown
    variables: list[str]
    attributes: list[str]
    links: list[str]


class Template(TemplateVersion, Warned, Versioned):
    """The newest version of a template, and whether it can be used now."""

    valid: bool
    closed: list[ChannelType]
    review: str | None


class Templates(Page):
    templates: list[Template]


class Versions(Page):
    versions: list[TemplateVersion]


class Preview(Warned):
    template_id: int
    version: int
    contents: Shown
    texts: dict[ChannelType, list[str]]

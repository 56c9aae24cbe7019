"""Templates as operators write and read them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import Answer, Name, Page, Strict, Versioned, refusal
from chalicelib.manage.templates import MAX_ALTERNATIVES


def _content(given: Any) -> Any:
    """What stands in it is checked by the platforms."""
    listed = given if isinstance(given, list) else [given]
    if not 1 <= len(listed) <= MAX_ALTERNATIVES or not all(
        isinstance(each, dict) for each in listed
    ):
        raise refusal(
            PARAMETER, f"must be an object, or a list of 1 to {MAX_ALTERNATIVES} alternatives"
        )
    return given


_OBJECTS = {
    "type": "array",
    "items": {"type": "object"},
    "minItems": 1,
    "maxItems": MAX_ALTERNATIVES,
}
Content = Annotated[
    Any, AfterValidator(_content), WithJsonSchema({"anyOf": [{"type": "object"}, _OBJECTS]})
]
Contents = Annotated[
    dict[Annotated[ChannelType, Field(strict=False)], Content],
    Field(
        description="Channel type -> content as its platforms take it, or alternatives of which a platform takes the first that has its"
        " shape; `{{name}}` in a text stands for a variable."
    ),
]
Shown = dict[ChannelType, dict[str, Any] | list[dict[str, Any]]]
Links = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)]


class TemplateChange(Strict):
    name: Name
    contents: Contents
    links: Annotated[
        Links | None,
        Field(description="Variables that hold addresses; left out: `url` and `…_url`."),
    ] = None


class TemplateBody(TemplateChange):
    channel_key: str


class Values(Strict):
    template_para: dict[str, Any] = {}
    version: Annotated[int, Field(ge=1, le=999_999)] | None = None


class TemplateVersion(Answer):
    """A version as it was made, which never changes."""

    template_id: int
    version: int
    channel_key: str
    name: str
    contents: Shown
    variables: list[str]
    links: list[str]


class Template(TemplateVersion, Versioned):
    """`valid`: whether it can be used now; `closed` are the channel types that keep it from that. `warnings` hinder nothing."""

    valid: bool
    closed: list[ChannelType]
    warnings: list[str]


class Templates(Page):
    templates: list[Template]


class Versions(Page):
    versions: list[TemplateVersion]


class Preview(Answer):
    template_id: int
    version: int
    contents: Shown
    warnings: list[str]

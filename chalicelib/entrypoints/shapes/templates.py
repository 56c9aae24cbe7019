"""Templates as operators write and read them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.channels import ChannelType
from chalicelib.entrypoints.shapes.base import Answer, Name, Page, Strict

Contents = Annotated[
    dict[Annotated[ChannelType, Field(strict=False)], dict[str, Any]],
    Field(description="Channel type -> content as its platforms take it; `{{name}}` in a text stands for a variable."),
]
Links = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)]


class TemplateChange(Strict):
    name: Name
    contents: Contents
    links: Annotated[Links | None, Field(description="Variables that hold addresses; left out: `url` and `…_url`.")] = None


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
    contents: dict[ChannelType, dict[str, Any]]
    variables: list[str]
    links: list[str]


class Template(TemplateVersion):
    """`valid`: whether it can be used now; `closed` are the channel types that keep it from that. `warnings` hinder nothing."""

    valid: bool
    closed: list[ChannelType]
    warnings: list[str]


class Templates(Page):
    templates: list[Template]


class Versions(Answer):
    versions: list[TemplateVersion]


class Preview(Answer):
    template_id: int
    version: int
    contents: dict[ChannelType, dict[str, Any]]
    warnings: list[str]

"""Templates as operators write and read them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.channels import ChannelType
from chalicelib.entrypoints.shapes.base import Answer, Name, Strict


class TemplateBody(Strict):
    channel_key: str
    name: Name
    contents: dict[Annotated[ChannelType, Field(strict=False)], dict[str, Any]]
    links: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)] | None = None


class Template(Answer):
    template_id: int
    version: int
    channel_key: str
    name: str
    contents: dict[ChannelType, dict[str, Any]]
    variables: list[str]
    links: list[str]


class Templates(Answer):
    templates: list[Template]

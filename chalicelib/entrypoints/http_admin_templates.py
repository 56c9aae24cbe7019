"""General templates: one set of variables for every channel type."""

from __future__ import annotations

from typing import Annotated, Any

from chalice.app import Blueprint, Response
from pydantic import Field

from chalicelib.domain.channels import ChannelType
from chalicelib.domain.templates import Template, variables
from chalicelib.entrypoints.bodies import Strict
from chalicelib.entrypoints.http_admin_support import Name, admin, known_key, number, owner_of
from chalicelib.entrypoints.http_support import JSON, Call
from chalicelib.flow import configure

bp = Blueprint(__name__)


class TemplateBody(Strict):
    channel_key: str
    name: Name
    contents: dict[Annotated[ChannelType, Field(strict=False)], dict[str, Any]]
    links: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)] | None = None


@admin(bp, "templates", "POST")
def add_template(call: Call) -> Response:
    body = call.body(TemplateBody)
    template = configure.add_template(call.world, known_key(body.channel_key), body.name, body.contents, body.links)
    return Response(_shown(template), dict(JSON), 201)


@admin(bp, "templates", "GET")
def list_templates(call: Call) -> dict[str, Any]:
    return {"templates": [_shown(each) for each in configure.templates(call.world, owner_of(call))]}


@admin(bp, "templates/{template_id}", "GET")
def get_template(call: Call, template_id: str) -> dict[str, Any]:
    return _shown(configure.template(call.world, number(template_id)))


def _shown(template: Template) -> dict[str, Any]:
    return {
        "template_id": template.number,
        "version": template.version,
        "channel_key": template.channel_key,
        "name": template.name,
        "contents": {kind.value: content for kind, content in template.contents.items()},
        "variables": sorted(variables(dict(template.contents))),
        "links": sorted(template.links),
    }

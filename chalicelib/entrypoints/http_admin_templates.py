"""General templates: one set of variables for every channel type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.templates import Template, variables
from chalicelib.entrypoints.http_admin_support import admin, known_key, number
from chalicelib.entrypoints.http_support import JSON, Call
from chalicelib.flow import configure

if TYPE_CHECKING:
    from chalicelib.entrypoints.shapes.base import OfOwner
    from chalicelib.entrypoints.shapes.templates import TemplateBody

bp = Blueprint(__name__)


@admin(bp, "templates", "POST", takes="templates.TemplateBody", gives="templates.Template", status=201, errors=(404,))
def add_template(call: Call) -> Response:
    """Add a template for an access channel."""
    body: TemplateBody = call.body()
    template = configure.add_template(call.world, known_key(body.channel_key), body.name, body.contents, body.links)
    return Response(_shown(template), dict(JSON), 201)


@admin(bp, "templates", "GET", query="base.OfOwner", gives="templates.Templates", errors=(404,))
def list_templates(call: Call) -> dict[str, Any]:
    """The templates of an access channel."""
    asked: OfOwner = call.asked()
    return {"templates": [_shown(each) for each in configure.templates(call.world, known_key(asked.channel_key))]}


@admin(bp, "templates/{template_id}", "GET", gives="templates.Template")
def get_template(call: Call, template_id: str) -> dict[str, Any]:
    """The newest version of a template."""
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

"""General templates: one set of variables for every channel type, in versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.members import Role
from chalicelib.domain.templates import Template, variables
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    if_given,
    known_key,
    number,
    tagged,
)
from chalicelib.entrypoints.http.route import Call
from chalicelib.flow import validity
from chalicelib.manage import access_channels, templates

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.base import OfOwner
    from chalicelib.entrypoints.http.schemas.templates import TemplateBody, TemplateChange, Values

bp = Blueprint(__name__)

CHANGES: dict[str, Any] = {"role": Role.OPERATOR, "gives": "templates.Template"}


@admin(
    bp, "templates", "POST", takes="templates.TemplateBody", status=201, errors=(404,), **CHANGES
)
def add_template(call: Call) -> Response:
    """Add a template for an access channel."""
    body: TemplateBody = call.body()
    made = templates.add(
        call.world, known_key(body.channel_key), body.name, body.contents, body.links
    )
    return _tagged(call, made, 201)


@admin(bp, "templates", "GET", query="base.OfOwner", gives="templates.Templates", errors=(404,))
def list_templates(call: Call) -> Any:
    """List the templates of an access channel."""
    asked: OfOwner = call.asked()
    access = access_channels.get(call.world, known_key(asked.channel_key))
    opened = validity.open_types(call.world, access)
    return cursors.page(
        "templates",
        call,
        cursors.number,
        lambda after, limit: templates.page(call.world, access.key, after, limit),
        lambda each: each.number,
        lambda each: _shown(each, opened),
    )


@admin(bp, "templates/{template_id}", "GET", gives="templates.Template")
def get_template(call: Call, template_id: str) -> Response:
    """Get the newest version of a template."""
    return _tagged(call, templates.get(call.world, number(template_id)))


@admin(
    bp, "templates/{template_id}", "PUT", takes="templates.TemplateChange", matches=True, **CHANGES
)
def change_template(call: Call, template_id: str) -> Response:
    """Make a new version of a template. Messages that were accepted, or that name an older version, keep theirs."""
    body: TemplateChange = call.body()
    return _tagged(
        call,
        templates.change(
            call.world, number(template_id), expected(call), body.name, body.contents, body.links
        ),
    )


@admin(bp, "templates/{template_id}", "DELETE", status=204, role=Role.OPERATOR, errors=(409, 412))
def archive_template(call: Call, template_id: str) -> Response:
    """Archive a template. Nobody can send with it any more; its versions can still be read."""
    templates.archive(call.world, number(template_id), if_given(call))
    return Response("", {}, 204)


@admin(
    bp,
    "templates/{template_id}/versions",
    "GET",
    query="base.ListQuery",
    gives="templates.Versions",
)
def list_template_versions(call: Call, template_id: str) -> dict[str, Any]:
    """List the versions of a template, also of one that is archived."""
    of = number(template_id)
    return cursors.page(
        "versions",
        call,
        cursors.number,
        lambda after, limit: templates.versions(call.world, of, after, limit),
        lambda each: each.version,
        _version,
    )


@admin(bp, "templates/{template_id}/versions/{version}", "GET", gives="templates.TemplateVersion")
def get_template_version(call: Call, template_id: str, version: str) -> dict[str, Any]:
    """Get a version of a template."""
    return _version(templates.get_version(call.world, number(template_id), number(version)))


@admin(
    bp,
    "templates/{template_id}/preview",
    "POST",
    takes="templates.Values",
    gives="templates.Preview",
    role=None,
)
def preview_template(call: Call, template_id: str) -> dict[str, Any]:
    """See what people would get with these values."""
    body: Values = call.body()
    found = templates.get(call.world, number(template_id))
    if body.version is not None:
        found = templates.get_version(call.world, found.number, body.version)
    shown = templates.preview(found, body.template_para)
    contents = {kind.value: content for kind, content in shown.contents.items()}
    return {
        "template_id": found.number,
        "version": found.version,
        "contents": contents,
        "warnings": list(shown.warnings),
    }


def _tagged(call: Call, template: Template, status: int = 200) -> Response:
    access = access_channels.get(call.world, template.channel_key)
    return tagged(
        _shown(template, validity.open_types(call.world, access)), template.version, status
    )


def _shown(template: Template, opened: frozenset[ChannelType]) -> dict[str, Any]:
    closed = [kind.value for kind in validity.closed(template.contents, opened)]
    return {
        **_version(template),
        "valid": not closed,
        "closed": closed,
        "warnings": list(templates.warnings(template)),
    }


def _version(template: Template) -> dict[str, Any]:
    return {
        "template_id": template.number,
        "version": template.version,
        "channel_key": template.channel_key,
        "name": template.name,
        "contents": {kind.value: content for kind, content in template.contents.items()},
        "variables": sorted(variables(dict(template.contents))),
        "links": sorted(template.links),
    }

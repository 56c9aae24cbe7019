"""Templates in versions: one set of variables for the contents of every channel type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain import template_advice
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.members import Role
from chalicelib.domain.templates import Template, variables
from chalicelib.entrypoints.http import cursors, warnings
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    number,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.language import Language
from chalicelib.entrypoints.http.problems import JSON
from chalicelib.flow import validity
from chalicelib.flow.rules import third_party
from chalicelib.manage import access_channels, templates

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.base import OfOwner
    from chalicelib.entrypoints.http.schemas.templates import TemplateBody, TemplateChange, Values

bp = Blueprint(__name__)

CHANGES: dict[str, Any] = {
    "role": Role.OPERATOR,
    "response": "templates.Template",
    "also": (202,),
}


@admin(
    bp,
    "templates",
    "POST",
    request="templates.TemplateBody",
    status=201,
    errors=(404, 1019008, 1019071),
    **CHANGES,
)
def add_template(context: RequestContext) -> Response:
    """Add a template for an access channel."""
    body: TemplateBody = context.body()
    template = templates.new(
        context.world, known_key(body.channel_key), body.name, body.contents, body.links
    )
    return _put(context, template, 201)


@admin(
    bp,
    "templates",
    "GET",
    query="base.OfOwner",
    response="templates.Templates",
    errors=(404,),
    role=Role.READ_ONLY,
)
def list_templates(context: RequestContext) -> Any:
    """List the templates of an access channel."""
    query: OfOwner = context.query()
    access = access_channels.get(context.world, known_key(query.channel_key))
    opened = validity.open_types(context.world, access)
    return cursors.page(
        "templates",
        context,
        cursors.number,
        lambda after, limit: templates.page(context.world, access.key, after, limit),
        lambda template: template.number,
        lambda template: _shown(template, opened, context.language),
    )


@admin(bp, "templates/{template_id}", "GET", response="templates.Template", role=Role.READ_ONLY)
def get_template(context: RequestContext, template_id: str) -> Response:
    """Get the newest version of a template."""
    return _tagged(context, templates.get(context.world, number(template_id)))


@admin(
    bp,
    "templates/{template_id}",
    "PUT",
    request="templates.TemplateChange",
    matches=True,
    errors=(1019008, 1019071),
    **CHANGES,
)
def change_template(context: RequestContext, template_id: str) -> Response:
    """Make a new version of a template. Accepted messages keep their version.

    A message can still name an older version.
    """
    body: TemplateChange = context.body()
    template = templates.following(
        context.world,
        number(template_id),
        expected(context),
        body.name,
        body.contents,
        body.links,
    )
    return _put(context, template)


@admin(bp, "templates/{template_id}", "DELETE", status=204, role=Role.OPERATOR, errors=(409, 412))
def archive_template(context: RequestContext, template_id: str) -> Response:
    """Archive a template. It cannot be used for new messages. Its versions stay readable."""
    templates.archive(context.world, number(template_id), expected_if_given(context))
    return Response("", {}, 204)


@admin(
    bp,
    "templates/{template_id}/versions",
    "GET",
    query="base.ListQuery",
    response="templates.Versions",
    role=Role.READ_ONLY,
)
def list_template_versions(context: RequestContext, template_id: str) -> dict[str, Any]:
    """List the versions of a template, also of an archived one."""
    id = number(template_id)
    return cursors.page(
        "versions",
        context,
        cursors.number,
        lambda after, limit: templates.versions(context.world, id, after, limit),
        lambda template: template.version,
        shown_version,
    )


@admin(
    bp,
    "templates/{template_id}/versions/{version}",
    "GET",
    response="templates.TemplateVersion",
    role=Role.READ_ONLY,
)
def get_template_version(context: RequestContext, template_id: str, version: str) -> dict[str, Any]:
    """Get a version of a template."""
    return shown_version(templates.get_version(context.world, number(template_id), number(version)))


@admin(
    bp,
    "templates/{template_id}/preview",
    "POST",
    request="templates.Values",
    response="templates.Preview",
    role=Role.READ_ONLY,
)
def preview_template(context: RequestContext, template_id: str) -> dict[str, Any]:
    """Preview the contents of a template with these values."""
    body: Values = context.body()
    template = templates.get(context.world, number(template_id))
    if body.version is not None:
        template = templates.get_version(context.world, template.number, body.version)
    preview = templates.preview(template, body.template_para)
    return {
        "template_id": template.number,
        "version": template.version,
        "contents": {type.value: content for type, content in preview.contents.items()},
        "texts": {type.value: texts for type, texts in _texts(context, template, preview).items()},
        **warnings.told(preview.warnings, context.language),
    }


def _texts(
    context: RequestContext, template: Template, preview: templates.Preview
) -> dict[ChannelType, list[str]]:
    """Return the texts that third-party templates make of a preview."""
    access = access_channels.get(context.world, template.channel_key)
    return third_party.shown(context.world, access, preview.contents)


def _put(context: RequestContext, template: Template, status: int = 200) -> Response:
    """Store a version, or answer 202 with the review that must approve it first."""
    access = access_channels.get(context.world, template.channel_key)
    if "reviews" in access.rules:
        from chalicelib.manage import reviews

        member = context.member.key if context.member else ""
        asked = reviews.propose(context.world, template, member)
        if asked is not None:
            opened = validity.open_types(context.world, access)
            shown = _shown(template, opened, context.language)
            return Response({**shown, "review": asked.id}, dict(JSON), 202)
    return _tagged(context, templates.put(context.world, template), status)


def _tagged(context: RequestContext, template: Template, status: int = 200) -> Response:
    access = access_channels.get(context.world, template.channel_key)
    opened = validity.open_types(context.world, access)
    return tagged(_shown(template, opened, context.language), template.version, status)


def _shown(
    template: Template, opened: frozenset[ChannelType], language: Language
) -> dict[str, Any]:
    closed = [kind.value for kind in validity.closed(template.contents, opened)]
    return {
        **shown_version(template),
        "valid": not closed,
        "closed": closed,
        **warnings.told(template_advice.warnings(template), language),
        "review": None,
    }


def shown_version(template: Template) -> dict[str, Any]:
    return {
        "template_id": template.number,
        "version": template.version,
        "channel_key": template.channel_key,
        "name": template.name,
        "contents": {type.value: content for type, content in template.contents.items()},
        "variables": sorted(variables(dict(template.contents))),
        "attributes": list(templates.attribute_names(template)),
        "links": sorted(template.links),
    }

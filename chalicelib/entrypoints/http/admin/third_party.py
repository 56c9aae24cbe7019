"""Third-party templates and signatures of a delivery channel.

Delivery functions ask the provider, as they test a connection. They keep what it answers, also if
nobody waits any more.
"""

from __future__ import annotations

import base64
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import Invalid, NotFound
from chalicelib.domain.members import Role
from chalicelib.domain.third_party import Draft, Family, Registered, Sort
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.provider_query import shown
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_code,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.flow import provider_query
from chalicelib.manage import third_party

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.third_party import (
        SignatureBody,
        SignatureImport,
        TemplateImport,
        TextBody,
        ThirdPartyQuery,
    )

bp = Blueprint(__name__)

TEMPLATE, SIGNATURE = Family.TEMPLATE, Family.SIGNATURE
LISTS: dict[str, Any] = {"query": "third_party.ThirdPartyQuery", "role": Role.READ_ONLY}
GETS: dict[str, Any] = {"response": "third_party.ThirdParty", "role": Role.READ_ONLY}
ASKS: dict[str, Any] = {
    "response": "provider_query.Check",
    "role": Role.OPERATOR,
    "also": (202,),
    "errors": (400, 404, 409),
}
WITH_IMAGES = 4_400_000  # bytes of a body. Base64 makes a third more of images.
DELETES: dict[str, Any] = {**ASKS, "errors": (404, 409, 412)}


# -- templates


@admin(
    bp,
    "channels/{code}/templates",
    "GET",
    response="third_party.ThirdPartyTemplates",
    **LISTS,
)
def list_third_party_templates(context: RequestContext, code: str) -> dict[str, Any]:
    """List the third-party templates of a delivery channel, with their states."""
    return _list(context, code, TEMPLATE, "templates")


@admin(bp, "channels/{code}/templates", "POST", request="third_party.TextBody", **ASKS)
def create_third_party_template(context: RequestContext, code: str) -> Response:
    """Create a text of SMS at the provider, which reviews it."""
    return answered(context, third_party.create(account_of(context, code), _text(context)))


@admin(bp, "channels/{code}/templates/import", "POST", request="third_party.TemplateImport", **ASKS)
def import_third_party_template(context: RequestContext, code: str) -> Response:
    """Import a template by the provider's id.

    Where the provider cannot be asked, enter its title and its text with the fields.
    """
    body: TemplateImport = context.body()
    account = account_of(context, code)
    if body.title or body.text:
        return _done(third_party.enter(account, body.id, body.title, body.text).id)
    return answered(context, third_party.import_(account, TEMPLATE, body.id))


@admin(bp, "channels/{code}/templates/refresh", "POST", **ASKS)
def refresh_third_party_templates(context: RequestContext, code: str) -> Response:
    """Compare the templates with those of the provider: new ones come, gone ones get invalid."""
    return answered(context, third_party.refresh(account_of(context, code), TEMPLATE))


@admin(bp, "channels/{code}/templates/{id}", "GET", **GETS)
def get_third_party_template(context: RequestContext, code: str, id: str) -> Response:
    """Get a third-party template, with the fields that a content must fill in."""
    return _get(context, code, TEMPLATE, id)


@admin(
    bp,
    "channels/{code}/templates/{id}",
    "PUT",
    request="third_party.TextBody",
    matches=True,
    **ASKS,
)
def change_third_party_template(context: RequestContext, code: str, id: str) -> Response:
    """Change a text that the provider's review has refused. The provider reviews it again."""
    account, draft = account_of(context, code), _text(context)
    return answered(context, third_party.change(account, draft, known_id(id), expected(context)))


@admin(bp, "channels/{code}/templates/{id}", "DELETE", **DELETES)
def delete_third_party_template(context: RequestContext, code: str, id: str) -> Response:
    """Delete a third-party template: here, and at the provider if it is a text of SMS."""
    return _delete(context, code, TEMPLATE, id)


# -- signatures


@admin(bp, "channels/{code}/signatures", "GET", response="third_party.Signatures", **LISTS)
def list_signatures(context: RequestContext, code: str) -> dict[str, Any]:
    """List the signatures of a delivery channel, with their states."""
    return _list(context, code, SIGNATURE, "signatures")


@admin(
    bp,
    "channels/{code}/signatures",
    "POST",
    request="third_party.SignatureBody",
    limit=WITH_IMAGES,
    **ASKS,
)
def create_signature(context: RequestContext, code: str) -> Response:
    """Create a signature at the provider, which reviews it."""
    return answered(context, third_party.create(account_of(context, code), _signature(context)))


@admin(
    bp, "channels/{code}/signatures/import", "POST", request="third_party.SignatureImport", **ASKS
)
def import_signature(context: RequestContext, code: str) -> Response:
    """Import a signature by the provider's id."""
    body: SignatureImport = context.body()
    return answered(context, third_party.import_(account_of(context, code), SIGNATURE, body.id))


@admin(bp, "channels/{code}/signatures/refresh", "POST", **ASKS)
def refresh_signatures(context: RequestContext, code: str) -> Response:
    """Compare the signatures with those of the provider. Gone ones get invalid."""
    return answered(context, third_party.refresh(account_of(context, code), SIGNATURE))


@admin(bp, "channels/{code}/signatures/{id}", "GET", **GETS)
def get_signature(context: RequestContext, code: str, id: str) -> Response:
    """Get a signature."""
    return _get(context, code, SIGNATURE, id)


@admin(
    bp,
    "channels/{code}/signatures/{id}",
    "PUT",
    request="third_party.SignatureBody",
    limit=WITH_IMAGES,
    matches=True,
    **ASKS,
)
def change_signature(context: RequestContext, code: str, id: str) -> Response:
    """Change a signature that the provider's review has refused. The provider reviews it again."""
    account, draft = account_of(context, code), _signature(context)
    return answered(context, third_party.change(account, draft, known_id(id), expected(context)))


@admin(bp, "channels/{code}/signatures/{id}", "DELETE", **DELETES)
def delete_signature(context: RequestContext, code: str, id: str) -> Response:
    """Delete a signature, here and at the provider."""
    return _delete(context, code, SIGNATURE, id)


# -- shared


def account_of(context: RequestContext, code: str) -> third_party.Account:
    return third_party.account(context.world, known_code(code))


def known_id(id: str) -> str:
    """Return an id in a path. Raises NotFound if it cannot be a provider's."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", id, re.ASCII):
        raise NotFound("template")
    return id


def _text(context: RequestContext) -> Draft:
    body: TextBody = context.body()
    return Draft(Sort.TEXT, body.text, body.category.value, body.remark, body.seconds)


def _signature(context: RequestContext) -> Draft:
    body: SignatureBody = context.body()
    images = tuple(_image(n, text) for n, text in enumerate(body.images))
    return Draft(Sort.SIGNATURE, body.text, remark=body.remark, type=body.type, images=images)


def _image(n: int, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Invalid(f"images[{n}]", "must be base64") from None


def answered(context: RequestContext, id: str) -> Response:
    """Wait a little for what a provider answers to an order."""
    return shown(id, provider_query.wait(context.world, id))


def _done(made: str = "") -> Response:
    """Answer an order that needed no query to the provider."""
    return shown("", provider_query.QueryResult(made=made))


def _list(context: RequestContext, code: str, family: Family, name: str) -> dict[str, Any]:
    query: ThirdPartyQuery = context.query()
    world, text = context.world, query.text.strip()
    account = third_party.account(world, known_code(code), family)
    page = cursors.page(
        name,
        context,
        cursors.identifier,
        lambda after, limit: third_party.search(world, family, code, text, after, limit),
        lambda registered: f"{registered.code}.{registered.id}",
        lambda registered: _shown(account, registered),
    )
    return {**page, "actions": third_party.actions(account, family)}


def _get(context: RequestContext, code: str, family: Family, id: str) -> Response:
    account = third_party.account(context.world, known_code(code), family)
    stored = third_party.get(context.world, family, code, known_id(id))
    return tagged(_shown(account, stored), stored.version)


def _delete(context: RequestContext, code: str, family: Family, id: str) -> Response:
    account = third_party.account(context.world, known_code(code), family)
    version = expected_if_given(context)
    asked = third_party.delete(account, family, known_id(id), version)
    if not asked:
        return _done()
    result = provider_query.wait(context.world, asked)
    if result is not None and not result.code:
        third_party.forget(account, family, id)
    return shown(asked, result)


def _shown(account: third_party.Account, registered: Registered) -> dict[str, Any]:
    kinds = third_party.kinds(account)
    fields = [
        {
            **plain(field),
            "allowed": list(field.allowed),
            "limit": kinds[field.kind].limit if field.kind in kinds else None,
            "rule": kinds[field.kind].words if field.kind in kinds else "",
        }
        for field in registered.fields
    ]
    names = ("id", "code", "title", "text", "category", "example", "remark", "seconds", "reason")
    return {
        **{name: getattr(registered, name) for name in names},
        "kind": registered.sort.value,
        "fields": fields,
        "state": account.state(registered).value,
        "review": registered.review.value,
        "entered": registered.entered,
        "version": registered.version,
    }


def plain(value: Any) -> dict[str, Any]:
    return asdict(value)

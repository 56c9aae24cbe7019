"""Drafts of messages. A member sees only the member's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import sends
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.admin.schedules import read_request, sent
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.route import known_msgid
from chalicelib.entrypoints.http.ums.send import CHECKED

if TYPE_CHECKING:
    from chalicelib.domain.drafts import Draft
    from chalicelib.entrypoints.http.schemas.drafts import DraftBody, DraftChange, DraftsQuery
    from chalicelib.ports import IdempotencyKey

bp = Blueprint(__name__)

CHANGES: dict[str, Any] = {"role": Role.OPERATOR, "response": "drafts.Draft", "tag": "messages"}


@admin(bp, "drafts", "POST", request="drafts.DraftBody", status=201, errors=(404, 409), **CHANGES)
def add_draft(context: RequestContext) -> Response:
    """Store a draft of a message, which may lack anything."""
    from chalicelib.manage import drafts

    body: DraftBody = context.body()
    key = known_key(body.channel_key)
    fields = (_member(context), key, body.name, sends.as_stored(body.message))
    return _whole(context, drafts.add(context.world, *fields, broadcast=body.broadcast), 201)


@admin(
    bp,
    "drafts",
    "GET",
    query="drafts.DraftsQuery",
    response="drafts.Drafts",
    errors=(404,),
    tag="messages",
    role=Role.READ_ONLY,
)
def list_drafts(context: RequestContext) -> dict[str, Any]:
    """List your drafts of an access channel, the newest first."""
    from chalicelib.manage import access_channels, drafts

    query: DraftsQuery = context.query()
    key = access_channels.get(context.world, known_key(query.channel_key)).key
    return {
        "drafts": [_shown(draft) for draft in drafts.page(context.world, _member(context), key)]
    }


@admin(bp, "drafts/{id}", "GET", response="drafts.Draft", tag="messages", role=Role.READ_ONLY)
def get_draft(context: RequestContext, id: str) -> Response:
    """Get a draft of yours."""
    return _whole(context, _own(context, id))


@admin(
    bp,
    "drafts/{id}",
    "PUT",
    request="drafts.DraftChange",
    matches=True,
    **CHANGES,
)
def change_draft(context: RequestContext, id: str) -> Response:
    """Replace a draft of yours."""
    from chalicelib.manage import drafts

    body: DraftChange = context.body()
    message = sends.as_stored(body.message)
    fields = (_own(context, id), expected(context), body.name, message)
    return _whole(context, drafts.change(context.world, *fields, broadcast=body.broadcast))


@admin(
    bp, "drafts/{id}", "DELETE", status=204, errors=(409, 412), tag="messages", role=Role.OPERATOR
)
def delete_draft(context: RequestContext, id: str) -> Response:
    """Delete a draft of yours."""
    from chalicelib.manage import drafts

    drafts.delete(context.world, _own(context, id), expected_if_given(context))
    return Response("", {}, 204)


@admin(
    bp,
    "drafts/{id}/send",
    "POST",
    response="schedules.MessageState",
    status=201,
    errors=CHECKED,
    tag="messages",
    role=Role.OPERATOR,
)
def send_draft(context: RequestContext, id: str) -> Response:
    """Send a draft of yours, and delete it. A repeat sends nothing twice."""
    from chalicelib.manage import drafts

    draft, answers = _own(context, id), list[Response]()
    body = drafts.body_of(context.world, draft)
    request = read_request(context, draft.channel_key, body, broadcast=draft.broadcast)

    def submit(key: IdempotencyKey) -> str:
        answers.append(sent(context, request, key))
        return str(answers[-1].body["msgid"])

    drafts.send(context.world, draft, submit)
    return answers[-1]


def _member(context: RequestContext) -> str:
    return context.member.key if context.member else ""


def _own(context: RequestContext, id: str) -> Draft:
    from chalicelib.manage import drafts

    return drafts.get(context.world, _member(context), known_msgid(id))


def _shown(draft: Draft) -> dict[str, Any]:
    return {
        "id": draft.id,
        "channel_key": draft.channel_key,
        "name": draft.name,
        "broadcast": draft.broadcast,
        "changed": draft.changed,
        "version": draft.version,
    }


def _whole(context: RequestContext, draft: Draft, status: int = 200) -> Response:
    from chalicelib.manage import drafts

    body = {**_shown(draft), "message": drafts.body_of(context.world, draft)}
    return tagged(body, draft.version, status)

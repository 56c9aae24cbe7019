"""Topics: the subjects of messages, among which people choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.members import Role
from chalicelib.domain.topics import Topic
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    number,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.manage import access_channels, topics

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.base import OfOwner
    from chalicelib.entrypoints.http.schemas.topics import TopicBody, TopicChange

bp = Blueprint(__name__)


@admin(
    bp,
    "topics",
    "POST",
    request="topics.TopicBody",
    response="topics.Topic",
    status=201,
    errors=(404, 409),
    role=Role.OPERATOR,
)
def add_topic(context: RequestContext) -> Response:
    """Add a topic to an access channel."""
    body: TopicBody = context.body()
    fields = body.model_dump()
    topic = topics.add(context.world, known_key(fields.pop("channel_key")), **fields)
    return tagged(_shown(topic), topic.version, 201)


@admin(
    bp,
    "topics",
    "GET",
    query="base.OfOwner",
    response="topics.Topics",
    errors=(404,),
    role=Role.READ_ONLY,
)
def list_topics(context: RequestContext) -> Any:
    """List the topics of an access channel."""
    query: OfOwner = context.query()
    key = access_channels.get(context.world, known_key(query.channel_key)).key
    return cursors.page(
        "topics",
        context,
        cursors.number,
        lambda after, limit: topics.page(context.world, key, after, limit),
        lambda topic: topic.number,
        _shown,
    )


@admin(bp, "topics/{topic}", "GET", response="topics.Topic", role=Role.READ_ONLY)
def get_topic(context: RequestContext, topic: str) -> Response:
    """Get a topic."""
    stored = topics.get(context.world, number(topic))
    return tagged(_shown(stored), stored.version)


@admin(
    bp,
    "topics/{topic}",
    "PATCH",
    request="topics.TopicChange",
    response="topics.Topic",
    matches=True,
    errors=(409,),
    role=Role.OPERATOR,
)
def change_topic(context: RequestContext, topic: str) -> Response:
    """Change a topic: its name, its description, and how people get it."""
    body: TopicChange = context.body()
    changed = topics.change(context.world, number(topic), expected(context), body.changes())
    return tagged(_shown(changed), changed.version)


@admin(bp, "topics/{topic}", "DELETE", status=204, role=Role.OPERATOR, errors=(409, 412))
def delete_topic(context: RequestContext, topic: str) -> Response:
    """Delete a topic. Messages that were accepted with it continue."""
    topics.delete(context.world, number(topic), expected_if_given(context))
    return Response("", {}, 204)


def _shown(topic: Topic) -> dict[str, Any]:
    return {
        "topic": topic.number,
        "channel_key": topic.channel_key,
        "name": topic.name,
        "description": topic.description,
        "opt_in": topic.opt_in,
        "purpose": topic.purpose,
        "version": topic.version,
    }

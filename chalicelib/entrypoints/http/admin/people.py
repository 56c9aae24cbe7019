"""People: an export of all that is known of one, forgetting it, and what the person wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.members import Role
from chalicelib.domain.reach import reach_of
from chalicelib.domain.rules.caps import Mark
from chalicelib.domain.rules.topics import Preferences, QuietTime
from chalicelib.entrypoints.http.admin.route import admin, known_key
from chalicelib.entrypoints.http.admin.users import shown
from chalicelib.entrypoints.http.context import RequestContext

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.people import PreferencesBody

bp = Blueprint(__name__)


@admin(
    bp,
    "users/{userid}/export",
    "POST",
    response="people.Person",
    errors=(404,),
    role=Role.OPERATOR,
    tag="users",
)
def export_person(context: RequestContext, userid: str) -> dict[str, Any]:
    """Export all that is known of a person. The audit log has an entry of it."""
    from chalicelib.manage import people

    person = people.known(context.world, userid)
    return {
        "user": shown(context, person.user),
        "preferences": dict(person.user.preferences),
        "consents": [
            {
                "type": kind.value,
                "contact": contact,
                "channel_key": key,
                "purpose": purpose,
                **consent._asdict(),
            }
            for (kind, contact), said in person.consents.items()
            for (key, purpose), consent in sorted(said.items())
        ],
        "memberships": [
            {"family": group.family.value, "id": group.number, "name": group.name}
            for group in person.groups
        ],
        "counted": [_mark(key, mark) for key, mark in _by_key(person.marks)],
        "reached": [
            {**_mark(key, mark), "channel": of_type.channel_type, "stage": of_type.stage}
            for key, mark in _by_key(person.reached)
            for of_type in (reach_of(mark),)
        ],
    }


def _by_key(marks: Mapping[str, Sequence[Mark]]) -> Iterator[tuple[str, Mark]]:
    return ((key, mark) for key, of_key in sorted(marks.items()) for mark in of_key)


def _mark(key: str, mark: Mark) -> dict[str, Any]:
    return {"channel_key": key, "msgid": mark.msgid, "time": mark.time}


@admin(
    bp,
    "users/{userid}/erasure",
    "POST",
    response="people.Erased",
    errors=(404, 409),
    role=Role.ADMINISTRATOR,
    tag="users",
)
def erase_person(context: RequestContext, userid: str) -> dict[str, Any]:
    """Forget a person: the user, its consents and its memberships of lists and segments.

    Counts of messages stay. What messages keep of the person is sealed, and expires with them.
    Opt-outs stay with a hash of the contact, so that nobody writes to it again.
    """
    from chalicelib.manage import people

    person = people.erase(context.world, userid)
    consents = sum(len(said) for said in person.consents.values())
    return {"userid": userid, "consents": consents, "memberships": len(person.groups)}


@admin(
    bp,
    "users/{userid}/preferences/{key}",
    "PUT",
    request="people.PreferencesBody",
    status=204,
    errors=(404, 409),
    role=Role.OPERATOR,
    tag="users",
)
def set_preferences(context: RequestContext, userid: str, key: str) -> Response:
    """Set what a user wants of an access channel, as the page of preferences does."""
    from chalicelib.manage import people

    body: PreferencesBody = context.body()
    topics = {choice.topic: tuple(kind.value for kind in choice.channels) for choice in body.topics}
    quiet = body.quiet
    times = QuietTime(quiet.begin, quiet.end, quiet.time_zone) if quiet else None
    first = {choice.topic: choice.first.value for choice in body.topics if choice.first}
    people.prefer(context.world, userid, known_key(key), Preferences(topics, times, first))
    return Response("", {}, 204)

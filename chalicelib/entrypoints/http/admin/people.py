"""Export all that is known of a person, forget a person, and set what a person wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.members import Role
from chalicelib.domain.reach import reach_of
from chalicelib.domain.rules.caps import Mark
from chalicelib.domain.rules.topics import Preferences, QuietTime
from chalicelib.domain.traces import DAY, Log
from chalicelib.entrypoints.http.admin.route import admin, known_key
from chalicelib.entrypoints.http.admin.users import shown, shown_contact
from chalicelib.entrypoints.http.audit import log_begun
from chalicelib.entrypoints.http.context import RequestContext

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.people import PreferencesBody
    from chalicelib.manage.people import Consents

ERASURE = "users/{userid}/erasure"
MAX_EXPORTED = 3_000_000  # characters of events. A function answers with 6 MB at most

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
    kept, left_out = _kept(person.logs)
    return {
        "user": shown(context, person.user),
        "preferences": dict(person.user.preferences),
        "consents": _said(person.consents, str),
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
        "kept_events": kept,
        "left_out": left_out,
        "interactions": [
            {"channel_key": key, **one._asdict(), "day": one.day * DAY}
            for key, rows in sorted(person.interactions.items())
            for one in rows
        ],
    }


def _kept(logs: Mapping[str, Log]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return events by name, and the names of events for which an answer has no room."""
    kept: list[dict[str, Any]] = []
    left_out, room = list[str](), MAX_EXPORTED
    for name, log in sorted(logs.items()):
        shown = {"name": name, "events": [one._asdict() for one in reversed(log)]}
        room -= len(json.dumps(shown))
        if room >= 0:
            kept.append(shown)
        else:
            left_out.append(name)
    return kept, left_out


def _by_key(marks: Mapping[str, Sequence[Mark]]) -> Iterator[tuple[str, Mark]]:
    return ((key, mark) for key, of_key in sorted(marks.items()) for mark in of_key)


def _mark(key: str, mark: Mark) -> dict[str, Any]:
    return {"channel_key": key, "msgid": mark.msgid, "time": mark.time}


def _said(consents: Consents, show: Callable[[str], str]) -> list[dict[str, Any]]:
    return [
        {
            "type": kind.value,
            "contact": show(contact),
            "channel_key": key,
            "purpose": purpose,
            **consent._asdict(),
        }
        for (kind, contact), said in consents.items()
        for (key, purpose), consent in sorted(said.items())
    ]


@admin(
    bp,
    "users/{userid}/consents",
    "GET",
    response="people.PersonConsents",
    errors=(404,),
    role=Role.READ_ONLY,
    tag="users",
)
def list_consents(context: RequestContext, userid: str) -> dict[str, Any]:
    """List what the contacts of a user have agreed to, or no longer agree to."""
    from chalicelib.manage import people

    return {"consents": _said(people.consents(context.world, userid), shown_contact(context))}


@admin(
    bp,
    ERASURE,
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

    def begin() -> None:  # a restore looks for this entry, and keeps the person away
        log_begun(context, "POST", f"/admin/v1/{ERASURE}", {"userid": userid})

    person = people.erase(context.world, userid, begin)
    consents = sum(len(said) for said in person.consents.values())
    return {"userid": userid, "consents": consents, "memberships": len(person.groups)}


@admin(
    bp,
    "users/{userid}/preferences/{key}",
    "GET",
    response="people.PreferencesShown",
    errors=(404,),
    role=Role.READ_ONLY,
    tag="users",
)
def get_preferences(context: RequestContext, userid: str, key: str) -> dict[str, Any]:
    """Get what a user wants of an access channel, for each of its topics."""
    from chalicelib.manage import people

    page = people.preferred(context.world, userid, known_key(key))
    quiet = page.quiet
    return {
        "kinds": [kind.value for kind in page.kinds],
        "topics": [
            {
                "topic": topic.number,
                "name": topic.name,
                "channels": [k.value for k in page.kinds if (topic.number, k.value) in page.chosen],
                "first": page.first.get(topic.number),
            }
            for topic in page.topics
        ],
        "quiet": quiet and {"begin": quiet.begin, "end": quiet.end, "time_zone": quiet.zone},
    }


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

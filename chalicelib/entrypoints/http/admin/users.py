"""Users as administrators find, read, change and delete them; tags and who has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain import audiences, keys
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.domain.masks import masked
from chalicelib.domain.members import Role
from chalicelib.domain.users import User
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.route import Call
from chalicelib.manage import users
from chalicelib.ports import World

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.people import TagsAsked, UsersAsked
    from chalicelib.entrypoints.http.schemas.users import Entry

bp = Blueprint(__name__)

EVERYWHERE = range(keys.BUCKETS)


@admin(bp, "users", "GET", query="people.UsersAsked", gives="people.Users", tag="users")
def find_users(call: Call) -> dict[str, Any]:
    """All users, those whose id begins with a prefix, or those who have a contact."""
    asked: UsersAsked = call.asked()

    def read(after: str, limit: int) -> Sequence[User]:
        if asked.contact is None or asked.type is None:
            return call.world.users.scan(EVERYWHERE, after, limit, asked.prefix or "")
        found = call.world.users.get(
            [
                each
                for each in call.world.audiences.users_of(asked.type, asked.contact)
                if keys.position(each) > after
            ]
        )
        return sorted(found.values(), key=_place)[:limit]

    return cursors.page("users", call, cursors.user, read, _place, lambda user: shown(call, user))


def _place(user: User) -> str:
    return keys.position(user.userid)


@admin(
    bp,
    "users",
    "POST",
    takes="users.Entry",
    gives="people.User",
    role=Role.OPERATOR,
    errors=(409,),
    tag="users",
)
def change_user(call: Call) -> dict[str, Any]:
    """Add or change a user, as an entry of /v1/user/opt does with a global key."""
    body: Entry = call.body()
    change = body.user_change()
    users.check_scopes(call.world, None, change)
    refused = users.change(call.world, [users.fold_singles(change)])
    _check(refused)
    return shown(call, _known(call.world, change.userid))


@admin(bp, "users/{userid}", "GET", gives="people.User", errors=(404,), tag="users")
def get_user(call: Call, userid: str) -> dict[str, Any]:
    """Everything that is known of a user: every contact of every scope, channel and label, marks, tags, attributes, events."""
    return shown(call, _known(call.world, userid))


@admin(
    bp, "users/{userid}", "DELETE", status=204, role=Role.OPERATOR, errors=(404, 409), tag="users"
)
def delete_user(call: Call, userid: str) -> Response:
    """Delete a user with contacts and tags. Memberships of segments and lists are kept: they are about the id."""
    _known(call.world, userid)
    _check(users.delete(call.world, [userid]))
    return Response("", {}, 204)


@admin(bp, "user-tags", "GET", query="people.TagsAsked", gives="people.UserTags", tag="users")
def list_user_tags(call: Call) -> dict[str, Any]:
    """The tags of a scope, with about how many users have each."""
    asked: TagsAsked = call.asked()

    def shown(tag: str) -> dict[str, Any]:
        return {
            "scope": asked.scope,
            "tag": tag,
            "estimate": call.world.audiences.estimate([audiences.tag(asked.scope, tag)]),
        }

    return cursors.page(
        "tags",
        call,
        cursors.tag,
        lambda after, limit: call.world.audiences.tags(asked.scope, after, limit),
        str,
        shown,
    )


@admin(
    bp,
    "user-tags/{scope}/{tag}/users",
    "GET",
    query="people.Paged",
    gives="people.UserIdsPage",
    tag="users",
)
def list_tagged_users(call: Call, scope: str, tag: str) -> dict[str, Any]:
    """The ids of the users who have a tag; none for a tag that nobody has."""
    if len(scope) > 64 or len(tag) > 64:
        raise NotFound("tag")
    return userids_of(call, audiences.tag(scope, tag))


def userids_of(call: Call, name: str) -> dict[str, Any]:
    """A page of a set."""
    return cursors.page(
        "userids",
        call,
        cursors.user,
        lambda after, limit: call.world.audiences.scan([name], EVERYWHERE, after, limit),
        keys.position,
        str,
    )


def _known(world: World, userid: str) -> User:
    found = world.users.get([userid]).get(userid) if 0 < len(userid) <= users.USERID else None
    if found is None:
        raise NotFound("user")
    return found


def _check(refused: Mapping[str, str]) -> None:
    for reason in refused.values():
        if reason == users.UNKNOWN:
            raise NotFound("user")
        raise Conflict(reason) if reason == users.BUSY else Invalid("userid", reason)


def shown(call: Call, user: User) -> dict[str, Any]:
    """Contacts are masked for members who may only read."""
    show = masked if call.member is not None and call.member.role is Role.READ_ONLY else str
    return {
        "userid": user.userid,
        "contacts": {
            k: {bind: [show(v) for v in values] for bind, values in scoped.items()}
            for k, scoped in user.contacts.items()
        },
        "labels": {
            kind: _labelled(call.world, by_code, show) for kind, by_code in user.labels.items()
        },
        "tags": {bind: list(tags) for bind, tags in user.tags.items()},
        "gone": [
            {"type": kind, "contact": show(c), **suppression._asdict()}
            for kind, suppressions in user.undeliverable.items()
            for c, suppression in suppressions.items()
        ],
        "refusals": [
            {"type": kind, "contact": show(contact), "scope": scope, **suppression._asdict()}
            for kind, refused in user.opt_outs.items()
            for contact, scopes in refused.items()
            for scope, suppression in scopes.items()
        ],
        "attributes": dict(user.attributes),
        "events": {
            name: {"count": count, "last": last} for name, (count, last) in user.events.items()
        },
    }


def _labelled(
    world: World, by_code: Mapping[str, Mapping[str, str]], show: Callable[[str], str]
) -> list[dict[str, str]]:
    shown = []
    for code, labelled in by_code.items():
        channel = world.settings.channel(code)
        names = channel.labels if channel else {}
        shown += [
            {"channel": code, "label": label, "name": names.get(label, ""), "contact": show(c)}
            for label, c in labelled.items()
        ]
    return shown

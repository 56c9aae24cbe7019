"""Users for operators: find, read, change and delete them, and list the users of a tag."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain import audiences, keys
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.domain.masks import masked
from chalicelib.domain.members import Role
from chalicelib.domain.users import User
from chalicelib.entrypoints.http import allowances, cursors
from chalicelib.entrypoints.http.admin.route import SEARCHES, admin
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import CONTACT_IN_ADDRESS
from chalicelib.manage import users
from chalicelib.ports import World

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.user_entries import Entry
    from chalicelib.entrypoints.http.schemas.users import UserSearch, UsersQuery, UserTagsQuery

bp = Blueprint(__name__)

MOST_FOUND = 100  # users with one contact that an answer shows
EVERYWHERE = range(keys.BUCKETS)


@admin(
    bp,
    "users",
    "GET",
    query="users.UsersQuery",
    response="users.Users",
    rate=SEARCHES,
    tag="users",
    role=Role.READ_ONLY,
)
def find_users(context: RequestContext) -> dict[str, Any]:
    """List all users, or those whose id begins with a prefix."""
    query: UsersQuery = context.query()
    if "contact" in context.parameters:  # it was a filter once: not all users instead
        raise CONTACT_IN_ADDRESS.refuse("contact")

    def read(after: str, limit: int) -> Sequence[User]:
        return context.world.users.listed(after, limit, query.prefix or "")

    return cursors.page(
        "users", context, cursors.userid, read, _userid, lambda user: shown(context, user)
    )


@admin(
    bp,
    "users/search",
    "POST",
    request="users.UserSearch",
    response="users.UsersFound",
    role=Role.READ_ONLY,
    tag="users",
)
def search_users(context: RequestContext) -> dict[str, Any]:
    """Find the users with a contact. Each member may search 200 times an hour.

    The contact is in the body, because addresses are logged in many places.
    """
    body: UserSearch = context.body()
    allowances.search(context, body.contact, body.type)
    userids = sorted(context.world.audiences.users_of(body.type, body.contact))
    users = context.world.users.get(userids[:MOST_FOUND])
    return {
        "users": [shown(context, users[userid]) for userid in sorted(users)],
        "more": len(userids) > MOST_FOUND,
    }


def _userid(user: User) -> str:
    return user.userid


@admin(
    bp,
    "users",
    "POST",
    request="user_entries.Entry",
    response="users.User",
    role=Role.OPERATOR,
    errors=(409,),
    tag="users",
)
def change_user(context: RequestContext) -> dict[str, Any]:
    """Add or change a user, as an entry of /v1/user/opt with a global key does."""
    body: Entry = context.body()
    change = body.user_change()
    users.check_scopes(context.world, None, change)
    _check(users.change(context.world, [users.fold_singles(change)]))
    return shown(context, _known(context.world, change.userid))


@admin(
    bp,
    "users/{userid}",
    "GET",
    response="users.User",
    errors=(404,),
    tag="users",
    role=Role.READ_ONLY,
)
def get_user(context: RequestContext, userid: str) -> dict[str, Any]:
    """Get a user with contacts, suppressions, tags, attributes and events.

    The contacts are those of every scope, delivery channel and label.
    """
    return shown(context, _known(context.world, userid))


@admin(
    bp, "users/{userid}", "DELETE", status=204, role=Role.OPERATOR, errors=(404, 409), tag="users"
)
def delete_user(context: RequestContext, userid: str) -> Response:
    """Delete a user with contacts and tags.

    Memberships of segments and lists stay, because they belong to the id.
    """
    _known(context.world, userid)
    _check(users.delete(context.world, [userid]))
    return Response("", {}, 204)


@admin(
    bp,
    "user-tags",
    "GET",
    query="users.UserTagsQuery",
    response="users.UserTags",
    rate=SEARCHES,
    tag="users",
    role=Role.READ_ONLY,
)
def list_user_tags(context: RequestContext) -> dict[str, Any]:
    """List the tags of a scope, with an estimate of the number of users.

    Estimates are kept for a day. A request renews two of them, so a repeat brings further ones.
    """
    from chalicelib.reports import tags

    query: UserTagsQuery = context.query()
    return cursors.page(
        "tags",
        context,
        cursors.tag,
        lambda after, limit: tags.page(context.world, query.scope, after, limit, renew=query.renew),
        lambda tag: tag.name,
        lambda tag: {
            "scope": query.scope,
            "tag": tag.name,
            "estimate": tag.estimate,
            "counted": tag.counted,
        },
    )


@admin(
    bp,
    "user-tags/{scope}/{tag}/users",
    "GET",
    query="base.LongListQuery",
    response="users.UserIdsPage",
    tag="users",
    role=Role.READ_ONLY,
)
def list_tagged_users(context: RequestContext, scope: str, tag: str) -> dict[str, Any]:
    """List the ids of the users with a tag. An unknown tag has an empty list."""
    if len(scope) > 64 or len(tag) > 64:
        raise NotFound("tag")
    return userids_of(context, audiences.tag(scope, tag))


def userids_of(context: RequestContext, name: str) -> dict[str, Any]:
    """Answer with a page of the user ids of a set."""
    return cursors.page(
        "userids",
        context,
        cursors.user,
        lambda after, limit: context.world.audiences.scan([name], EVERYWHERE, after, limit),
        keys.position,
        str,
    )


def _known(world: World, userid: str) -> User:
    user = world.users.get([userid]).get(userid) if 0 < len(userid) <= users.USERID else None
    if user is None:
        raise NotFound("user")
    return user


def _check(refused: Mapping[str, str]) -> None:
    for reason in refused.values():
        if reason == users.UNKNOWN:
            raise NotFound("user")
        if reason == users.BUSY:
            raise Conflict(reason)
        raise Invalid("userid", reason)


def shown_contact(context: RequestContext) -> Callable[[str], str]:
    """Return how contacts are shown to the member: masked, if it may only read."""
    is_reader = context.member is not None and context.member.role is Role.READ_ONLY
    return masked if is_reader else str


def shown(context: RequestContext, user: User) -> dict[str, Any]:
    """Show a user. Contacts are masked for members who may only read."""
    show = shown_contact(context)
    return {
        "userid": user.userid,
        "contacts": {
            channel_type: {scope: [show(contact) for contact in scoped[scope]] for scope in scoped}
            for channel_type, scoped in user.contacts.items()
        },
        "labels": {
            channel_type: _labelled(context.world, by_code, show)
            for channel_type, by_code in user.labels.items()
        },
        "tags": {scope: list(tags) for scope, tags in user.tags.items()},
        "gone": _undeliverable(user, show),
        "refusals": _opt_outs(user, show),
        "attributes": dict(user.attributes),
        "events": {
            name: {"count": count, "last": last} for name, (count, last) in user.events.items()
        },
    }


def _labelled(
    world: World, by_code: Mapping[str, Mapping[str, str]], show: Callable[[str], str]
) -> list[dict[str, str]]:
    rows = []
    for code, labelled in by_code.items():
        channel = world.settings.channel(code)
        names = channel.labels if channel else {}
        for label, contact in labelled.items():
            name = names.get(label, "")
            rows.append({"channel": code, "label": label, "name": name, "contact": show(contact)})
    return rows


def _undeliverable(user: User, show: Callable[[str], str]) -> list[dict[str, Any]]:
    rows = []
    for channel_type, suppressions in user.undeliverable.items():
        for contact, suppression in suppressions.items():
            about = {"type": channel_type, "contact": show(contact)}
            rows.append({**about, **suppression._asdict()})
    return rows


def _opt_outs(user: User, show: Callable[[str], str]) -> list[dict[str, Any]]:
    rows = []
    for channel_type, contacts in user.opt_outs.items():
        for contact, scopes in contacts.items():
            for scope, suppression in scopes.items():
                about = {"type": channel_type, "contact": show(contact), "scope": scope}
                rows.append({**about, **suppression._asdict()})
    return rows

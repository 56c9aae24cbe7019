"""Rights of members: by their role everywhere, or by their role on one access channel.

A role on an access channel only adds rights. It counts for routes of which this module knows for
certain whose they are. All other routes need the role everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.domain.members import Member
from chalicelib.entrypoints.http import bodies
from chalicelib.entrypoints.http.contract import Contract

if TYPE_CHECKING:
    from chalice.app import Request

    from chalicelib.ports import World

ROOT = "/admin/v1/"
Ids = Mapping[str, str]

# Routes whose body names the access channel.
OF_BODIES = frozenset(
    {
        "templates",
        "strategies",
        "topics",
        "lists",
        "segments",
        "tags",
        "messages",
        "schedules",
        "drafts",
        "ab-tests",
        "simulate",
        "exports/statistics",
        "statistics/coverage",
    }
)
# Routes below one access channel that are about it alone. Others would change its own limits, such
# as its budget.
OF_KEYS = (
    "sensitive-words/{key}",
    "quiet-hours/{key}",
    "broadcast-quota/{key}",
    "retention/{key}",
    "caps/{key}",
    "consents/{key}",
    "choice/{key}",
    "interactions/{key}",
    "access-channels/{key}/secret",
    "access-channels/{key}/callbacks",
    "access-channels/{key}/reviews",
    "users/{userid}/preferences/{key}",
)


def may(world: World, member: Member, contract: Contract, request: Request, ids: Ids) -> bool:
    """Tell if a member may call a route, as a whole or for the access channel that it is about."""
    if member.role.may(contract.role):
        return True
    if not member.roles or contract.role is None:
        return False
    role = member.roles.get(_owner(world, request, ids))
    return role is not None and role.may(contract.role)


def _owner(world: World, request: Request, ids: Ids) -> str:
    """Return the access channel that a request is about, an empty text where that is unknown."""
    path = request.path.removeprefix(ROOT)
    if path == request.path:
        return ""
    if path in OF_BODIES and request.method == "POST":
        return _in_body(request, "channel_key")
    if path == "exports/targets":
        return _of_message(world, {"msgid": _in_body(request, "msgid")})
    if path.startswith(OF_KEYS):
        return ids["key"]
    family, _, rest = path.partition("/")
    find = OF_THINGS.get(family)
    return find(world, ids) if find and rest.startswith("{") else ""


def _in_body(request: Request, name: str) -> str:
    try:
        body = bodies.parse_json(request.raw_body)
    except Exception:  # noqa: BLE001 the view says what is wrong with it, to those who may call
        return ""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""


def _of_record(kind: str, name: str) -> Callable[[World, Ids], str]:
    """Return a function that looks up whose a record is."""

    def find(world: World, ids: Ids) -> str:
        number = ids.get(name, "")
        if not (number.isascii() and number.isdigit() and len(number) < 16):
            return ""
        return _key_of(world.records.of(_kind(kind)).get(int(number)))

    return find


def _kind(name: str) -> Any:
    from chalicelib.domain.groups import GROUPS, Family
    from chalicelib.domain.strategies import STRATEGIES
    from chalicelib.domain.topics import TOPICS

    families = {family.value: GROUPS[family] for family in Family}
    return {"strategy": STRATEGIES, "topic": TOPICS, **families}[name]


def _key_of(thing: Any) -> str:
    return str(thing.channel_key) if thing is not None else ""


def _of_template(world: World, ids: Ids) -> str:
    number = ids["template_id"]
    is_number = number.isascii() and number.isdigit() and len(number) < 16
    return _key_of(world.templates.get(int(number))) if is_number else ""


def _of_message(world: World, ids: Ids) -> str:
    return _key_of(world.messages.get(ids["msgid"])) if _is_msgid(ids["msgid"]) else ""


def _of_stored(world: World, ids: Ids) -> str:
    return _key_of(world.stored.get(ids["id"])) if _is_msgid(ids["id"]) else ""


def _of_draft(world: World, ids: Ids) -> str:
    from chalicelib.domain.drafts import DRAFTS

    return _key_of(world.records.of(DRAFTS).get(ids["id"])) if _is_msgid(ids["id"]) else ""


def _of_export(world: World, ids: Ids) -> str:
    from chalicelib.manage import exports

    return exports.owner(world, ids["id"]) if _is_msgid(ids["id"]) else ""


def _is_msgid(text: str) -> bool:
    from chalicelib.domain import keys

    try:
        keys.message_id_bytes(text)
    except ValueError:
        return False
    return True


OF_THINGS: Mapping[str, Callable[[World, Ids], str]] = {
    "templates": _of_template,
    "strategies": _of_record("strategy", "rule_id"),
    "topics": _of_record("topic", "topic"),
    "lists": _of_record("list", "id"),
    "segments": _of_record("segment", "id"),
    "tags": _of_record("tag", "id"),
    "messages": _of_message,
    "schedules": _of_stored,
    "reviews": _of_stored,
    "ab-tests": _of_stored,
    "drafts": _of_draft,
    "exports": _of_export,
}

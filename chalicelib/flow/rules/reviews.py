"""Find out who must approve a message before anything of it leaves."""

from __future__ import annotations

from chalicelib.domain.errors import OwnerWrong, ReviewerMissing
from chalicelib.domain.members import MEMBERS
from chalicelib.domain.rules.reviews import (
    Kind,
    Levels,
    Origin,
    Review,
    has_reviewers,
    settings_of,
)
from chalicelib.flow.requests import SendRequest
from chalicelib.ports import World


def needed(world: World, request: SendRequest) -> Review | None:
    """Return the review that a message needs, or None.

    Raises OwnerWrong where the access channel reviews what comes by API. Then the request must
    name a member as its owner.
    """
    settings = settings_of(request.channel.rules)
    if request.approved or not settings.messages:
        return None
    origin = request.written.origin if request.written else Origin.API
    member = request.written.member if request.written else ""
    askers = (member,) if member else ()
    if origin is Origin.API and settings.of_api:
        askers = tuple(dict.fromkeys((*_members(world, request.owner), *askers)))
    kind = Kind.ORDINARY if request.template is None else Kind.TEMPLATE
    levels = settings.levels_of(origin, kind, request.audience_kind)
    return begin(world, levels, askers) if levels else None


def begin(world: World, levels: Levels, askers: tuple[str, ...]) -> Review:
    """Return a new review. Raise ReviewerMissing if a level has nobody but those who ask.

    Members who were disabled or deleted since the settings were saved cannot decide either.
    """
    members = world.records.of(MEMBERS)

    def may_decide(key: str) -> bool:
        member = None if key in askers else members.get(key)
        return member is not None and member.enabled

    if not has_reviewers(levels, may_decide):
        raise ReviewerMissing("option.owner")
    return Review(levels, askers)


def _members(world: World, owner: str) -> tuple[str, ...]:
    """Return the access keys of the members with a name or key. None of them may approve."""
    members = world.records.of(MEMBERS).all() if owner else ()
    askers = tuple(
        member.key for member in members if owner in (member.name, member.key) and member.enabled
    )
    if not askers:
        raise OwnerWrong("option.owner")
    return askers

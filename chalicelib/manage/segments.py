"""Segments as operators change them: by hand, by file, and by rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain import audiences, keys, segment_rules
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import Conflict, Invalid
from chalicelib.domain.groups import GROUPS, RULES, Family, Group
from chalicelib.domain.segment_rules import Form, Rule
from chalicelib.domain.topics import TOPICS
from chalicelib.domain.users import ALL, User
from chalicelib.flow import interactions, segment_counts, segments
from chalicelib.manage import access_channels, groups, records
from chalicelib.ports import World

KIND = GROUPS[Family.SEGMENT]


def add(world: World, channel_key: str, name: str, kind: str, changes: Mapping[str, Any]) -> Group:
    """Add a segment of an access channel. Raise Invalid for a rule that names what is not there."""
    access = access_channels.get(world, channel_key)
    check(world, access, changes.get("rule") or {})
    number = world.records.of(KIND).next_number()
    if changes.get("daily"):
        segment_counts.schedule(world, number)
    return records.add(
        world, KIND, Group(Family.SEGMENT, number, channel_key, name, kind, **changes)
    )


def change(world: World, number: int, version: int | None, changes: Mapping[str, Any]) -> Group:
    """Change name, rule or daily count of a segment. Only one by rules has a rule."""
    before = records.get_at(world, KIND, number, version)
    rule = changes.get("rule")
    if rule is not None:
        if before.kind != RULES:
            raise Invalid("rule", "only a segment of the kind `rules` has a rule")
        check(world, access_channels.get(world, before.channel_key), rule)
    if changes.get("daily"):  # first: a timer without a daily count only ends
        segment_counts.schedule(world, number)
    return records.update(world, KIND, before, **changes)


def set_of(segment: Group) -> str:
    """Return the set of a segment's stored members. Raises Conflict for one by rules."""
    if segment.kind == RULES:
        raise Conflict("the members of a segment by rules are found by its rule")
    return audiences.segment(segment.number)


def holds(world: World, number: int, userid: str) -> bool:
    """Tell if a user id is a member, of a segment by rules by its rule of now."""
    segment = groups.get(world, Family.SEGMENT, number)
    if segment.kind != RULES:
        return bool(world.audiences.holds(set_of(segment), [userid]))
    users = list(world.users.get([userid]).values())
    return bool(segments.members(world, segment.channel_key, segment.rule, users))


def members(
    world: World, segment: Group, position: str, limit: int
) -> tuple[list[User], str | None]:
    """Return the members among the next users by a rule, and the position after these users."""
    page = world.users.scan(range(keys.BUCKETS), position, limit)
    found = segments.members(world, segment.channel_key, segment.rule, page)
    is_last = len(page) < limit
    return found, None if is_last else keys.position(page[-1].userid)


# -- what a rule names


def check(world: World, access: AccessChannel, rule: Rule) -> None:
    """Raise Invalid for the first condition that names what the access channel does not have."""
    if not rule:
        return
    _check_tags(world, access, rule)
    for path, one in segment_rules.of_form(rule, Form.MESSAGE):
        if not interactions.are_kept(access):
            raise Invalid(path, "interactions are not kept: PUT /admin/v1/interactions/{key}")
        if "template" in one and not _has_template(world, access, one["template"]):
            raise Invalid(f"{path}.template", "there is no such template")
        topic = world.records.of(TOPICS).get(one["topic"]) if "topic" in one else None
        if "topic" in one and (topic is None or topic.channel_key != access.key):
            raise Invalid(f"{path}.topic", "there is no such topic")


def _has_template(world: World, access: AccessChannel, number: int) -> bool:
    template = world.settings.template(number)
    return template is not None and template.channel_key == access.key


def _check_tags(world: World, access: AccessChannel, rule: Rule) -> None:
    named = segment_rules.of_form(rule, Form.TAG)
    scopes = {ALL, access.key, *access.channels}
    for path, one in named:
        if one.get("scope", ALL) not in scopes:
            raise Invalid(f"{path}.scope", "must be `all`, the channel key, or a code of its own")
    wanted = {(scope, one["tag"]) for _, one in named for scope in _scopes(access, one)}
    known = world.audiences.known_tags(wanted) if wanted else frozenset()
    declared: frozenset[tuple[str, str]] | None = None
    for path, one in named:
        tags = {(scope, one["tag"]) for scope in _scopes(access, one)}
        if tags.isdisjoint(known):
            declared = _declared(world, access) if declared is None else declared
            if tags.isdisjoint(declared):
                raise Invalid(f"{path}.tag", "no user has this tag, and nobody has added it")


def _scopes(access: AccessChannel, condition: Rule) -> tuple[str, ...]:
    return (condition["scope"],) if "scope" in condition else (access.key, ALL)


def _declared(world: World, access: AccessChannel) -> frozenset[tuple[str, str]]:
    """Return the tags that members have added, whether a user has them or not."""
    return frozenset(_tags(world, access.key, ALL))


def _tags(world: World, *scopes: str) -> Iterator[tuple[str, str]]:
    for scope in scopes:
        for tag in world.records.of(GROUPS[Family.TAG]).list(scope):
            yield scope, tag.name

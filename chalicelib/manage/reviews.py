"""Reviews: what waits for approval, and the decisions of its reviewers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Conflict, Invalid, NotFound, NotReviewer, NotWaiting, Stale
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.domain.rules.reviews import (
    RULE,
    Kind,
    Origin,
    Review,
    Settings,
    settings_of,
    stored,
)
from chalicelib.domain.rules.schedules import Outcome
from chalicelib.domain.stored_requests import About, Form, Result, State, StoredRequest, Written
from chalicelib.domain.templates import Template, elements_in
from chalicelib.flow import keep, schedules
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.rules import reviews
from chalicelib.flow.schedules import Door
from chalicelib.manage import access_channels
from chalicelib.manage import schedules as scheduled
from chalicelib.manage.records import at_version
from chalicelib.ports import World

# -- settings


def settings(access: AccessChannel) -> Settings:
    return settings_of(access.rules)


def set_settings(world: World, key: str, version: int | None, wanted: Settings) -> AccessChannel:
    """Set the reviews of an access channel. Raise Invalid for a reviewer who is not a member."""
    for name, levels in (("messages", wanted.messages), ("templates", wanted.templates)):
        for n, level in enumerate(levels):
            for m, member in enumerate(level):
                record = world.records.of(MEMBERS).get(member)
                if record is None or not record.name:
                    raise Invalid(f"{name}.levels[{n}][{m}]", "is not the access key of a member")
    return access_channels.set_rule(world, key, version, RULE, stored(wanted))


# -- what is under review


def get(world: World, id: str) -> StoredRequest:
    """Return a request that is or was under review, or raise NotFound."""
    request = world.stored.get(id)
    if request is None or request.review is None:
        raise NotFound("review")
    return request


def page(world: World, name: str, member: str, before: str, limit: int) -> Sequence[StoredRequest]:
    """Return a list of a member, newest first: to review, asked for, or decided."""
    lists = {
        "to_review": world.stored.to_review,
        "asked": world.stored.asked,
        "decided": world.stored.decided,
    }
    return lists[name](member, before, limit)


def decide(
    world: World,
    id: str,
    version: int | None,
    member: Member,
    *,
    approved: bool,
    comment: str,
    door: Door,
) -> StoredRequest:
    """Take a reviewer's word. After the last level the message is sent, or the template is put.

    A repeat of the last approval carries on what broke off. Raises NotReviewer and NotWaiting.
    """
    before = get(world, id)
    if approved and _broke_off(before, member):
        return _carry_out(world, before, door)
    at_version(before, version)
    if before.review is None or not before.is_in_review:
        raise NotWaiting("id", state=before.state.value)
    if member.key not in before.review.reviewers:
        raise NotReviewer("access_key")
    now = world.clock.now()
    review = before.review.decide(member.key, member.name, now, approved=approved, comment=comment)
    after = before.changed(review=review)
    if review.rejected:
        after = replace(after, state=State.REJECTED)
    elif review.approved:
        # Without a time of its own it is due at once.
        after = replace(after, state=State.PENDING, next=after.next if after.timing else now)
    world.stored.update(before, after)
    return _carry_out(world, after, door) if after.state is State.PENDING else after


def _broke_off(request: StoredRequest, member: Member) -> bool:
    """Tell if a request is approved, by this member too, and not yet carried out."""
    decisions = request.review.decisions if request.review else ()
    is_theirs = bool(decisions) and decisions[-1].member == member.key
    return is_theirs and request.state is State.PENDING and request.timing is None


def _carry_out(world: World, request: StoredRequest, door: Door) -> StoredRequest:
    if request.timing is not None:
        return request
    if request.written.form is Form.TEMPLATE:
        _put_template(world, request)
    else:
        schedules.carry_out(world, request.id, door)
    return get(world, request.id)


def resend(
    world: World, id: str, version: int | None, member: Member, request: SendRequest, door: Door
) -> StoredRequest:
    """Change a message under review, and ask again from the first level on.

    What needs a review no more is sent.
    """
    before = at_version(get(world, id), version)
    _check_asker(before, member)
    after = scheduled.change(world, id, before.version, request, before.name)
    return _carry_out(world, after, door) if after.state is State.PENDING else after


def _check_asker(request: StoredRequest, member: Member) -> None:
    """Let those who asked change a request, and administrators."""
    askers = request.review.askers if request.review else ()
    if member.key not in askers and member.role is not Role.ADMINISTRATOR:
        raise NotReviewer("access_key")
    if request.state not in (State.IN_REVIEW, State.REJECTED):
        raise NotWaiting("id", state=request.state.value)


# -- templates


def propose(world: World, template: Template, member: str) -> StoredRequest | None:
    """Store a new version of a template for review. Return None where templates need none."""
    access = access_channels.get(world, template.channel_key)
    levels = settings_of(access.rules).templates
    if not levels:
        return None
    request = _proposal(world, template, member, reviews.begin(world, levels, (member,)))
    keep.add(world, request)
    return request


def change_proposal(
    world: World, id: str, version: int | None, member: Member, read: Callable[..., Template]
) -> StoredRequest:
    """Change a proposed template, and ask again. `read` makes the template of the proposed one."""
    before = at_version(get(world, id), version)
    _check_asker(before, member)
    access = access_channels.get(world, before.channel_key)
    levels, review = settings_of(access.rules).templates, before.review
    if review is None:
        raise NotFound("review")
    askers = tuple(dict.fromkeys((*review.askers, member.key)))
    fresh = reviews.begin(world, levels or review.levels, askers)
    made = _proposal(
        world,
        read(proposed(before)),
        member.key,
        replace(fresh, earlier=review.all_decisions),
    )
    after = replace(made, id=id, created=before.created, version=before.version).changed()
    world.stored.update(before, after)
    return after


def _proposal(world: World, template: Template, member: str, review: Review) -> StoredRequest:
    body = {
        "number": template.number,
        "version": template.version,
        "contents": {kind.value: content for kind, content in template.contents.items()},
        "links": sorted(template.links),
    }
    now = world.clock.now()
    return StoredRequest(
        id=keep.new_id(now),
        channel_key=template.channel_key,
        created=now,
        state=State.IN_REVIEW,
        written=Written(Form.TEMPLATE, body, Origin.CONSOLE, member),
        about=About(
            Kind.TEMPLATE, AudienceKind.USERS, tuple(template.contents), template=template.number
        ),
        name=template.name,
        next=keep.kept_until(world, template.channel_key) * 1000,
        review=review,
    )


def proposed(request: StoredRequest) -> Template:
    """Return the template that a request proposes."""
    body = request.written.body
    contents = {ChannelType(kind): content for kind, content in body["contents"].items()}
    return Template(
        body["number"],
        body["version"],
        request.channel_key,
        request.name,
        contents,
        frozenset(body["links"]),
    )


def _put_template(world: World, request: StoredRequest) -> None:
    """Put an approved version, once. Another version that came meanwhile stands."""
    template, now = proposed(request), world.clock.now()
    expires = keep.kept_until(world, request.channel_key)
    outcome = Outcome.SENT
    try:
        world.templates.put(template)
    except Conflict:
        if not _is_same(world.templates.version(template.number, template.version), template):
            outcome = Outcome.REFUSED
    result = Result(request.id, now, now, outcome, expires=expires)
    done = request.changed(state=State.DONE, last=result, expires=expires)
    try:
        world.stored.update(request, done)
    except Stale:
        return  # a repeat was faster


def _is_same(stored: Template | None, template: Template) -> bool:
    def plain(version: Template) -> list[Any]:
        contents = {k: [dict(e) for e in elements_in(c)] for k, c in version.contents.items()}
        return [version.name, contents, version.links]

    return stored is not None and plain(stored) == plain(template)

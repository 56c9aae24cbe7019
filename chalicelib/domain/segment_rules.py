"""Rules of segments: conditions on users, joined by `all`, `any` and `not`.

A rule is an object of JSON. It has one of these forms, of which the first three hold others:

    {"all": [...]}, {"any": [...]}, {"not": {...}}
    {"tag": "vip"}                          maybe with `scope`
    {"attribute": "points", "is": "more", "value": 100}
    {"event": "order"}                      maybe with `at_least`, `days`, `where`
    {"contact": "app"}                      a channel type
    {"consent": "marketing"}                maybe with `contact`
    {"message": "clicked", "days": 30}      maybe with `template` or `topic`

Every condition is true or false. Nothing is unknown: what is missing is false.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import UTC, date
from enum import StrEnum
from typing import Any

from chalicelib.domain.comparisons import ComparisonKind, Today, holds
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.traces import DAY, KEPT_DAYS, Interacted, Log, Occurrence
from chalicelib.domain.users import ALL, User
from chalicelib.domain.values import frozen

MAX_DEPTH = 6  # of conditions in each other
MAX_CONDITIONS = 50  # without `all`, `any` and `not`
MAX_SIZE = 8192  # characters, as JSON
MAX_LOGGED = 5  # events and purposes of a rule that are read besides the users
MAX_WHERE = 5  # comparisons of properties

Rule = Mapping[str, Any]
Path = str


class Form(StrEnum):
    """The form of a rule, by the field that only this form has."""

    ALL = "all"
    ANY = "any"
    NOT = "not"
    TAG = "tag"
    ATTRIBUTE = "attribute"
    EVENT = "event"
    MESSAGE = "message"
    CONSENT = "consent"
    CONTACT = "contact"  # the last: a consent may name a contact, too


@frozen
class Person:
    """A user, and what a rule needs to know besides."""

    user: User
    contacts: frozenset[ChannelType] = frozenset()  # on which the access channel reaches the user
    # purpose -> channel types on which a contact has agreed
    consents: Mapping[str, frozenset[ChannelType]] = field(default_factory=dict)
    logs: Mapping[str, Log] = field(default_factory=dict)  # by the name of the event
    interactions: Sequence[Interacted] = ()


@frozen
class View:
    """The access channel for which a rule is judged, and the time."""

    channel_key: str
    now: int  # ms
    today: Today


def form_of(rule: Rule) -> Form:
    """Return the form of a rule. Raise ValueError for an object without any."""
    for form in Form:
        if form.value in rule:
            return form
    raise ValueError("not a rule")


def matches(rule: Rule, person: Person, view: View) -> bool:
    """Tell if a person belongs to the segment of a rule."""
    form = form_of(rule)
    if form is Form.ALL:
        return all(matches(part, person, view) for part in rule["all"])
    if form is Form.ANY:
        return any(matches(part, person, view) for part in rule["any"])
    if form is Form.NOT:
        return not matches(rule["not"], person, view)
    return _CONDITIONS[form](rule, person, view)


def _has_tag(rule: Rule, person: Person, view: View) -> bool:
    scopes = (rule["scope"],) if "scope" in rule else (view.channel_key, ALL)
    return any(rule["tag"] in person.user.tags.get(scope, ()) for scope in scopes)


def _has_attribute(rule: Rule, person: Person, view: View) -> bool:
    return _compares(rule, person.user.attributes.get(rule["attribute"]), view)


def _compares(rule: Rule, stored: Any, view: View) -> bool:
    return holds(ComparisonKind(rule["is"]), stored, rule.get("value"), view.today)


def _had_event(rule: Rule, person: Person, view: View) -> bool:
    name, since = rule["event"], view.now - rule.get("days", 0) * DAY
    least = rule.get("at_least", 1)
    if needs_log(rule):
        since = view.now - rule.get("days", KEPT_DAYS) * DAY
        happened = (
            occurrence.time >= since and _has_properties(rule, occurrence, view)
            for occurrence in person.logs.get(name, ())
        )
        return bool(sum(happened) >= least)
    count, last = person.user.events.get(name, (0, 0))
    return bool(count >= least and ("days" not in rule or last >= since))


def _has_properties(rule: Rule, occurrence: Occurrence, view: View) -> bool:
    return all(
        _compares(where, occurrence.properties.get(where["property"]), view)
        for where in rule.get("where", ())
    )


def needs_log(rule: Rule) -> bool:
    """Tell if an event's condition needs the log of events, as sums per user do not answer it."""
    return bool(rule.get("where")) or ("days" in rule and rule.get("at_least", 1) > 1)


def _has_contact(rule: Rule, person: Person, view: View) -> bool:
    return rule["contact"] in person.contacts


def _has_agreed(rule: Rule, person: Person, view: View) -> bool:
    agreed = person.consents.get(rule["consent"], frozenset())
    return rule["contact"] in agreed if "contact" in rule else bool(agreed)


def _got_message(rule: Rule, person: Person, view: View) -> bool:
    since = (view.now - rule["days"] * DAY) // DAY
    return any(
        one.kind == rule["message"]
        and one.day >= since
        and rule.get("template", one.template) == one.template
        and rule.get("topic", one.topic) == one.topic
        for one in person.interactions
    )


_CONDITIONS: Mapping[Form, Callable[[Rule, Person, View], bool]] = {
    Form.TAG: _has_tag,
    Form.ATTRIBUTE: _has_attribute,
    Form.EVENT: _had_event,
    Form.CONTACT: _has_contact,
    Form.CONSENT: _has_agreed,
    Form.MESSAGE: _got_message,
}


# -- the parts of a rule


def conditions(rule: Rule, path: Path = "rule") -> Iterator[tuple[Path, Rule]]:
    """Yield the conditions of a rule with their paths, without `all`, `any` and `not`."""
    form = form_of(rule)
    if form in (Form.ALL, Form.ANY):
        for n, part in enumerate(rule[form.value]):
            yield from conditions(part, f"{path}.{form.value}[{n}]")
    elif form is Form.NOT:
        yield from conditions(rule["not"], f"{path}.not")
    else:
        yield path, rule


def of_form(rule: Rule, form: Form) -> list[tuple[Path, Rule]]:
    """Return the conditions of one form with their paths."""
    return [(path, one) for path, one in conditions(rule) if form_of(one) is form]


def purposes(rule: Rule) -> tuple[str, ...]:
    """Return the purposes of consents that a rule asks for."""
    return tuple(sorted({one["consent"] for _, one in of_form(rule, Form.CONSENT)}))


def logged_events(rule: Rule) -> tuple[str, ...]:
    """Return the events whose sums do not answer a rule."""
    events = (one for _, one in of_form(rule, Form.EVENT))
    return tuple(sorted({one["event"] for one in events if needs_log(one)}))


def days_of_messages(rule: Rule) -> int:
    """Return the days of interactions that a rule needs, 0 for none."""
    return max((one["days"] for _, one in of_form(rule, Form.MESSAGE)), default=0)


def levels(rule: Rule) -> int:
    """Return how deep the conditions of a rule are in each other."""
    form = form_of(rule)
    if form is Form.NOT:
        return 1 + levels(rule["not"])
    inner = rule[form.value] if form in (Form.ALL, Form.ANY) else ()
    return 1 + max(map(levels, inner), default=0)


# -- contradictions


def contradictions(rule: Rule, path: Path = "rule") -> Iterator[tuple[Path, Path]]:
    """Yield paths of conditions that must hold together, and never can."""
    form = form_of(rule)
    if form is Form.NOT:
        yield from contradictions(rule["not"], f"{path}.not")
    elif form in (Form.ALL, Form.ANY):
        if form is Form.ALL:
            together = list(_together(rule, path))
            for n, (other, second) in enumerate(together):
                for one, first in together[:n]:
                    if _exclude(first, second):
                        yield one, other
        for n, part in enumerate(rule[form.value]):
            if form is Form.ANY or form_of(part) is not Form.ALL:
                yield from contradictions(part, f"{path}.{form.value}[{n}]")


def _together(rule: Rule, path: Path) -> Iterator[tuple[Path, Rule]]:
    """Yield what an `all` requires, also by an `all` within it."""
    for n, part in enumerate(rule["all"]):
        at = f"{path}.all[{n}]"
        if form_of(part) is Form.ALL:
            yield from _together(part, at)
        else:
            yield at, part


def _exclude(first: Rule, second: Rule) -> bool:
    """Tell if two rules are surely never true together."""
    if _same(first.get("not"), second) or _same(second.get("not"), first):
        return True
    if "attribute" not in first or first["attribute"] != second.get("attribute"):
        return False
    return _are_apart(first, second) or _are_apart(second, first)


def _same(first: Any, second: Any) -> bool:
    return first is not None and json.dumps(first, sort_keys=True) == json.dumps(
        second, sort_keys=True
    )


def _are_apart(first: Rule, second: Rule) -> bool:
    """Tell if a value of the first comparison is never one of the second."""
    low: Any = first.get("value")
    high: Any = second.get("value")
    match ComparisonKind(first["is"]), ComparisonKind(second["is"]):
        case ComparisonKind.EQUALS, (
            ComparisonKind.EQUALS | ComparisonKind.MORE | ComparisonKind.LESS
        ) as other:
            is_boolean = {str(low).lower(), str(high).lower()} & {"true", "false"}
            return not is_boolean and not holds(other, low, high, _NO_DAY)
        case ComparisonKind.MORE | ComparisonKind.AT_LEAST, ComparisonKind.LESS:
            return bool(low >= high)
        case ComparisonKind.MORE, ComparisonKind.AT_MOST:
            return bool(low >= high)
        case ComparisonKind.AT_LEAST, ComparisonKind.AT_MOST:
            return bool(low > high)
        case ComparisonKind.AFTER, ComparisonKind.BEFORE:
            return bool(low >= high)
    return False


_NO_DAY = Today(date.min, UTC)

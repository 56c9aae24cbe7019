"""The page on which people choose what they get: who they are, what they chose, and saving it.

Its token is the person itself, sealed. So the links in mails work long after the mails' history.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Conflict, Forged, ForgedToken
from chalicelib.domain.notes import OptOut
from chalicelib.domain.rules import topics as rule
from chalicelib.domain.rules.topics import Preferences, QuietTime, choose, stored
from chalicelib.domain.topics import MAX_TOPICS, TOPICS, Topic
from chalicelib.domain.users import User
from chalicelib.domain.values import frozen
from chalicelib.flow import opt_outs, user_writes
from chalicelib.ports import Vault, World

_CONTEXT = "preferences"
LONGEST = 1024  # characters of a token
_OTHERS = re.compile(r"[^A-Za-z0-9_-]")  # characters that no token has

Chosen = Collection[tuple[int, str]]  # topics with the channel types on which they are wanted
Seen = tuple[Collection[int], Collection[str]]  # topics and channel types of a page
First = Mapping[int, str]  # topics with the channel type on which each is wanted most


@frozen
class Person:
    """A reader of a mail, for one access channel. A contact without a user has no userid."""

    channel_key: str
    userid: str
    kind: ChannelType
    contact: str
    template: int = 0  # of the mail with the link


@frozen
class Page:
    """The choices of a person, and what there is to choose from."""

    person: Person
    name: str  # of the access channel
    topics: Sequence[Topic]
    kinds: Sequence[ChannelType]
    chosen: frozenset[tuple[int, str]]
    quiet: QuietTime | None
    is_user: bool  # only users have quiet times, and channels to choose from
    first: First


def token(vault: Vault, person: Person) -> str:
    parts = [person.channel_key, person.userid, person.kind.value, person.contact]
    parts += [str(person.template)] if person.template else []
    raw = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    sealed = vault.seal(raw.encode("utf-8", "surrogatepass"), _CONTEXT)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _read(vault: Vault, token: str) -> Person:
    """Read a token. Raises ForgedToken for a token that was not made here."""
    token = _OTHERS.split(token, 1)[0]
    try:
        if len(token) > LONGEST:
            raise ValueError("too long")
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        opened = vault.open(sealed, _CONTEXT)
    except (ValueError, Forged):
        raise ForgedToken("link") from None
    channel_key, userid, kind, contact, *more = json.loads(opened.decode("utf-8", "surrogatepass"))
    template = int(more[0]) if more else 0
    return Person(channel_key, userid, ChannelType(kind), contact, template)


def page(world: World, token: str) -> Page:
    """Return what a person may choose. Raises ForgedToken."""
    return page_of(world, _read(world.vault, token))


def page_of(world: World, person: Person) -> Page:
    access = world.settings.access_channel(person.channel_key)
    if access is None:
        raise ForgedToken("link")
    topics = world.records.of(TOPICS).list(access.key, limit=MAX_TOPICS)
    user = _user(world, person)
    kinds = _kinds(user) if user else (person.kind,)
    preferences = rule.of(user, access.key) if user else _of_contact(world, person, topics)
    preferences = preferences or Preferences({})
    chosen = _chosen(preferences, topics, kinds)
    first = {number: kind for number, kind in preferences.first.items() if (number, kind) in chosen}
    is_user = user is not None
    return Page(person, access.name, topics, kinds, chosen, preferences.quiet, is_user, first)


def _chosen(
    preferences: Preferences, topics: Sequence[Topic], kinds: Sequence[ChannelType]
) -> frozenset[tuple[int, str]]:
    """Return the topics with the channel types on which somebody wants them."""
    return frozenset(
        (topic.number, kind.value)
        for topic in topics
        for kind in kinds
        if preferences.wants(topic.number, kind, opt_in=topic.opt_in)
    )


def _user(world: World, person: Person) -> User | None:
    return world.users.get([person.userid]).get(person.userid) if person.userid else None


def _kinds(user: User) -> tuple[ChannelType, ...]:
    """Return the channel types on which a user has a contact, in the order of all types."""
    has = {kind for kind, _ in user.all_contacts}
    return tuple(kind for kind in ChannelType if kind in has)


def _of_contact(world: World, person: Person, topics: Sequence[Topic]) -> Preferences:
    """Return the choices of a contact without a user: opt-outs and opt-ins by topic."""
    opt_outs = world.audiences.opt_outs({person.kind: [person.contact]})
    times = opt_outs.get(person.kind, {}).get(person.contact, {})
    said: dict[int, tuple[str, ...]] = {}
    for topic in topics:
        time = times.get(rule.refusal_key(person.channel_key, topic.number), 0)
        if time:
            said[topic.number] = () if time > 0 else (person.kind.value,)
    return Preferences(said)


def save(
    world: World,
    token: str,
    chosen: Chosen,
    quiet: QuietTime | None,
    first: First,
    *,
    seen: Seen | None = None,
) -> Page:
    """Save what a person chose, and return it. Safe to repeat. Raises ForgedToken, Conflict.

    `seen` is what there was to choose from, None for all. The rest stays as it is.
    """
    before = page(world, token)
    topics, kinds = seen or (None, ())
    unseen = {
        (number, kind)
        for number, kind in before.chosen
        if topics is not None and number in topics and kind not in kinds
    }
    save_of(world, before, {*chosen, *unseen}, quiet, first, topics, "preferences")
    return page_of(world, before.person)


def save_of(
    world: World,
    before: Page,
    chosen: Chosen,
    quiet: QuietTime | None,
    first: First,
    seen: Collection[int] | None = None,
    way: str = "",
) -> None:
    """Save the choices of a person for the topics of a page. Topics left by a `way` are counted.

    `seen`: the topics that are chosen, None for all. The others keep their choice.
    """
    person, numbers = before.person, [topic.number for topic in before.topics]
    choices = choose([n for n in numbers if seen is None or n in seen], before.kinds, chosen)
    if not before.is_user:
        _save_of_contact(world, before, choices, way)
        return
    wanted = {number: kind for number, kind in first.items() if kind in choices.get(number, ())}
    new, key = Preferences(choices, quiet, wanted), person.channel_key
    others = set(numbers).difference(choices)

    def attempt(userids: Sequence[str], known: Mapping[str, User]) -> Collection[str]:
        changed = [
            replace(user, preferences={**user.preferences, key: _with(user, key, new, others)})
            for user in known.values()
        ]
        left = {user.userid: _left(world, before, user, choices, way) for user in known.values()}
        return world.users.save(changed, known, counted=left) if changed else ()

    if user_writes.write(world, [person.userid], attempt):
        raise Conflict("others changed the user at the same time")


def _with(
    user: User, channel_key: str, new: Preferences, others: Collection[int]
) -> Mapping[str, Any]:
    """Return new choices as they are stored, with what a user has chosen for other topics."""
    known = rule.of(user, channel_key) or Preferences({})
    topics = {number: kinds for number, kinds in known.topics.items() if number in others}
    first = {number: kind for number, kind in known.first.items() if number in others}
    return stored(Preferences({**topics, **new.topics}, new.quiet, {**first, **new.first}))


def _left(
    world: World, page: Page, user: User, choices: Mapping[int, Collection[str]], way: str
) -> Sequence[OptOut]:
    """Return the notes of the topics that a user leaves, one for each channel type."""
    person = page.person
    known = rule.of(user, person.channel_key) or Preferences({})
    left = [
        ChannelType(kind)
        for number, kind in sorted(_chosen(known, page.topics, page.kinds))
        if number in choices and kind not in choices[number]
    ]
    return opt_outs.expected(world, [person.channel_key], left, way, person.template)


def _save_of_contact(
    world: World, page: Page, choices: Mapping[int, Collection[str]], way: str
) -> None:
    """Save the choices of a contact without a user, as opt-outs and opt-ins of its topics."""
    person, now = page.person, world.clock.now()
    wanted = {number for number, _ in page.chosen}
    for number, kinds in choices.items():
        counted: Sequence[OptOut] = ()
        if number in wanted and not kinds:
            of = ([person.channel_key], [person.kind], way, person.template)
            counted = opt_outs.expected(world, *of)
        key = rule.refusal_key(person.channel_key, number)
        world.audiences.set_opt_out(person.kind, person.contact, [key], now, not kinds, counted)

"""The truth table of rights: what a role on one access channel covers, over all routes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from chalice.app import Request

from chalicelib.domain.drafts import DRAFTS, Draft
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.imports import FileFormat
from chalicelib.domain.members import Member, Role
from chalicelib.domain.strategies import STRATEGIES, StrategyEntry
from chalicelib.domain.topics import TOPICS, Topic
from chalicelib.entrypoints.http import admin, rights
from chalicelib.entrypoints.http.route import VIEWS
from chalicelib.manage import exports
from tests.builders import SHOP, a_message, a_msgid, a_strategy, a_template
from tests.contracts.test_stored_requests import a_request
from tests.fakes.world import FakeWorld

OTHER = "bank"
ROOT = "/admin/v1/"

# Routes of one access channel. All others need the role everywhere, see SHARED.
OF_ONE = {
    *("POST ab-tests", "POST ab-tests/{id}/cancel", "POST ab-tests/{id}/winner"),
    *("POST drafts", "PUT drafts/{id}", "DELETE drafts/{id}", "POST drafts/{id}/send"),
    *("POST exports/statistics", "POST exports/targets", "GET exports/{id}"),
    *("POST lists", "PUT lists/{id}", "DELETE lists/{id}"),
    *("POST lists/{id}/contacts", "POST lists/{id}/members"),
    *("POST messages", "DELETE messages/{msgid}", "POST messages/{msgid}/again"),
    *("POST messages/{msgid}/body", "POST messages/{msgid}/targets/{target}/contacts"),
    "PUT reviews/{id}",
    *("POST schedules", "PUT schedules/{id}", "DELETE schedules/{id}"),
    *("POST schedules/{id}/copy", "GET schedules/{id}/message"),
    *("POST segments", "PUT segments/{id}", "DELETE segments/{id}"),
    *("POST segments/{id}/count", "POST segments/{id}/members"),
    "POST statistics/coverage",
    *("POST strategies", "PUT strategies/{rule_id}", "DELETE strategies/{rule_id}"),
    *("POST tags", "PUT tags/{id}", "DELETE tags/{id}"),
    *("POST templates", "PUT templates/{template_id}", "DELETE templates/{template_id}"),
    *("POST topics", "PATCH topics/{topic}", "DELETE topics/{topic}"),
}
# Beginnings of routes below the key of one access channel.
OF_KEY = (
    *("access-channels/{key}/callbacks", "access-channels/{key}/reviews"),
    *("access-channels/{key}/secret", "broadcast-quota/", "caps/", "choice/", "consents/"),
    *("interactions/", "quiet-hours/", "retention/", "sensitive-words/"),
    "users/{userid}/preferences/",
)
# Beginnings of routes about what several access channels share, or about an own limit.
SHARED = (
    *("access-channels", "budget/", "channels", "data-keys", "events", "imports", "members"),
    *("sandbox/messages", "suppressions", "users"),
)


def routes() -> list[str]:
    """Return the routes that need more than the lowest role, which every member has."""
    assert admin.ROUTES
    lowest = (None, Role.READ_ONLY)
    names = [n for n, (_, contract) in VIEWS.items() if ROOT in n and contract.role not in lowest]
    return sorted(name.replace(ROOT, "") for name in names)


def is_of_one(route: str) -> bool:
    return route in OF_ONE or route.partition(" ")[2].startswith(OF_KEY)


@dataclass
class Things:
    """A world in which two access channels have one of everything, with the ids."""

    fake: FakeWorld

    def add(self, key: str, number: int) -> dict[str, str]:
        fake, world = self.fake, self.fake.ports
        message = a_message(number=number, channel_key=key)
        fake.messages.stored[message.msgid] = message
        request = a_request(key, id=a_msgid(100 + number))
        fake.stored.stored[request.id] = request
        draft = Draft(a_msgid(200 + number), key, "chen", "draft", b"")
        fake.records.of(DRAFTS).put(draft)
        fake.settings.put_template(a_template(number, channel_key=key))
        strategy = StrategyEntry(number, key, f"strategy {number}", a_strategy("app"))
        fake.records.of(STRATEGIES).put(strategy)
        fake.records.of(TOPICS).put(Topic(number, key, f"topic {number}"))
        for family, kind in (
            (Family.LIST, "black"),
            (Family.SEGMENT, "manual"),
            (Family.TAG, "tag"),
        ):
            group = Group(family, number, key, f"{family} {number}", kind)
            fake.records.of(GROUPS[family]).put(group)
        export = exports.begin(world, "statistics", FileFormat.CSV, {"channel_key": key})
        ids = {"key": key, "msgid": message.msgid, "stored": request.id, "draft": draft.id}
        numbers = dict.fromkeys(("number", "template_id", "rule_id", "topic"), str(number))
        return {**ids, **numbers, "export": exports.id_of(export)}


def may(fake: FakeWorld, route: str, things: dict[str, str], role: Role) -> bool:
    """Tell if a member with a role on SHOP may call a route about these things."""
    method, _, path = route.partition(" ")
    family = path.partition("/")[0]
    id = {"drafts": "draft", "exports": "export"}.get(family, "number")
    id = "stored" if family in ("ab-tests", "reviews", "schedules") else id
    ids = {**things, "id": things[id], "code": "sms", "userid": "ann", "target": "ann"}
    body = {"channel_key": things["key"], "msgid": things["msgid"]}
    event: dict[str, Any] = {
        "requestContext": {"httpMethod": method, "resourcePath": ROOT + path},
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": json.dumps(body),
    }
    member = Member("chen", "Chen", Role.READ_ONLY, "", roles={SHOP: role})
    _, contract = VIEWS[f"{method} {ROOT}{path}"]
    return rights.may(fake.ports, member, contract, Request(event), ids)


@pytest.fixture
def things(fake: FakeWorld) -> Things:
    return Things(fake)


@pytest.fixture
def fake() -> FakeWorld:
    return FakeWorld()


def test_a_role_on_an_access_channel_covers_its_routes_and_nothing_of_others(
    fake: FakeWorld, things: Things
) -> None:
    own, foreign = things.add(SHOP, 1), things.add(OTHER, 2)
    unknown = {**dict.fromkeys(own, "9"), "key": "nobody", "msgid": a_msgid(999)}
    unknown |= {"stored": a_msgid(998), "draft": a_msgid(997), "export": a_msgid(996)}
    allowed = {route for route in routes() if may(fake, route, own, Role.ADMINISTRATOR)}
    assert allowed == {route for route in routes() if is_of_one(route)}
    for others in (foreign, unknown):
        assert not [r for r in routes() if may(fake, r, others, Role.ADMINISTRATOR)]
    assert not [route for route in routes() if may(fake, route, own, Role.READ_ONLY)]


def test_every_route_is_of_one_access_channel_or_shared() -> None:
    undecided = [r for r in routes() if not is_of_one(r) and not _path(r).startswith(SHARED)]
    assert undecided == [], "add it to OF_ONE, OF_KEY or SHARED"
    assert set(routes()) >= OF_ONE


def _path(route: str) -> str:
    return route.partition(" ")[2]


def test_an_operator_on_an_access_channel_leaves_its_secrets_to_administrators(
    fake: FakeWorld, things: Things
) -> None:
    own = things.add(SHOP, 1)
    missing = {route for route in routes() if is_of_one(route)}
    missing -= {route for route in routes() if may(fake, route, own, Role.OPERATOR)}
    administrators = ("access-channels/{key}/callbacks", "access-channels/{key}/reviews")
    administrators = (*administrators, "access-channels/{key}/secret")
    assert all(_path(route).startswith(administrators) for route in missing)
    assert missing

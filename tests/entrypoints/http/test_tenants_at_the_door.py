"""One access channel leaves the functions of the API to the others, whatever it asks for.

The worst that it may ask in a second is its rate times the longest of such requests. As long as
this keeps few functions busy, a request of somebody else never waits for one. Times are counted
from requests to AWS, so the verdict depends on no machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.limits import MAX_USERS
from chalicelib.entrypoints.http import allowances
from tests.builders import a_user
from tests.entrypoints.checks import contract_of
from tests.entrypoints.conftest import KEY, OPERATOR, SENDER, Api, message
from tests.fakes.world import FakeWorld

REQUEST = 0.005  # seconds of a request to AWS
CPU = 0.001  # seconds of an entry of a body, and of a request
USUAL = 500  # requests of a caller in a second, REQUEST_RATE
ROOM = 100  # functions that `make preflight` counts for the API
# Requests to AWS that one step of a fake stands for.
STEPS = {"users.scan": 256, "users.get": MAX_USERS // 100, "users.save": 100 // 25}
USERIDS = [f"u{n}" for n in range(MAX_USERS)]
USERS = [{"userid": u, "phone": {"all": f"138{n:08}"}} for n, u in enumerate(USERIDS)]

Ask = tuple[str, str, Any, str]
ASKED: dict[str, Ask] = {
    "uploads of users": ("POST", "/v1/user/opt", USERS, SENDER),
    "deletions of users": ("POST", "/v1/user/delete", USERIDS, OPERATOR),
    "sends to many": ("POST", "/v1/template/sent", message(aud_userid=USERIDS), SENDER),
    "simulations": ("POST", "/v1/simulate", message(aud_userid=USERIDS), SENDER),
    "searches by text": ("POST", "/v1/search", {"text": "greeting"}, SENDER),
    "searches of users": ("GET", "/admin/v1/users?prefix=u", None, OPERATOR),
    "searches of everything": (
        "POST",
        "/admin/v1/search",
        {"text": "u1", "channel_key": KEY},
        OPERATOR,
    ),
    "lists of messages": ("GET", f"/admin/v1/messages?channel_key={KEY}", None, OPERATOR),
    "counts": ("GET", f"/admin/v1/statistics?channel_key={KEY}", None, OPERATOR),
}


def seconds_of(fake: FakeWorld, ask: Callable[[], Any], entries: int) -> float:
    """Return the seconds of a function that a request takes."""
    begin = len(fake.log)
    assert ask().status < 300
    steps = [name for name in fake.log[begin:] if not name.endswith(".done")]
    return sum(STEPS.get(name, 1) for name in steps) * REQUEST + (1 + entries) * CPU


@pytest.mark.parametrize("name", ASKED)
def test_the_worst_that_one_caller_may_ask_leaves_half_of_the_room(
    configured: Api, name: str
) -> None:
    fake = configured.fake
    fake.users.stored |= {userid: a_user(userid) for userid in USERIDS[:500]}
    method, path, body, auth = ASKED[name]
    found = contract_of(method, path)
    assert found is not None
    entries = len(body) if isinstance(body, list) else 0
    rate = found[1].rate[1] if found[1].rate else USUAL
    if entries:
        rate = min(rate, allowances.CHANGES.most // entries)
    seconds = seconds_of(fake, lambda: configured(method, path, body, auth=auth), entries)
    assert seconds * rate <= ROOM / 2, f"{seconds:g} s, {rate} times in a second"


def test_more_changes_of_users_in_a_second_wait_for_the_next_one(api: Api) -> None:
    few = USERS[: allowances.FEW]
    for _ in range(allowances.CHANGES.most // MAX_USERS):
        assert api.users(USERS).status == 200
    refused = api.users(USERS)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert "10000" in refused.json["message"]
    assert api.users(few).status == 200  # the rate of requests bounds these
    assert api("POST", "/v1/user/delete", USERIDS, auth=OPERATOR).status == 200  # of its own
    api.fake.clock.advance(1)
    assert api.users(USERS).status == 200

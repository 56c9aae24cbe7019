"""Everybody who is refused leaves a trace, and guessing is bounded without locking anybody out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

import app
from chalicelib import observability
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.entrypoints.http import guesses
from chalicelib.entrypoints.http.route import SAFE_HEADERS
from tests.entrypoints.conftest import KEY, OTHER, SENDER, Api, message, sha256

WRONG = f"{KEY}:wrong secret of somebody"


class Lines:
    """The log lines of the API, by event."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self) -> list[dict[str, Any]]:
        written = self._capsys.readouterr().out.splitlines()
        return [json.loads(line) for line in written if line.startswith("{")]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return Lines(capsys)


def refused(written: list[dict[str, Any]]) -> float:
    return sum(line.get(observability.REFUSED, 0) for line in written)


def events(written: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [line for line in written if line.get("message") == name]


def test_a_thousand_wrong_secrets_are_bounded_and_do_not_lock_out_the_holder(
    configured: Api, lines: Lines
) -> None:
    lines()
    configured.fake.log.clear()
    statuses = [configured.send(message(), auth=WRONG).status for _ in range(1500)]
    assert statuses == [401] * guesses.PER_KEY + [429] * (1500 - guesses.PER_KEY)
    counted = [step for step in configured.fake.log if step.startswith("counters")]
    assert len(counted) <= 2 * (guesses.PER_KEY + guesses.PER_SOURCE + 2)
    written = lines()
    assert refused(written) >= 1500
    assert len(events(written, "login_refused")) == guesses.PER_KEY
    assert [line["subject"] for line in events(written, "guesses_bounded")] == ["key", "source"]
    assert {line["reason"] for line in events(written, "login_refused")} == {"wrong_secret"}
    assert "wrong secret of somebody" not in str(written)
    assert KEY not in str(written)
    assert configured.send(message()).status == 200
    assert configured.send(message(), auth=OTHER).status != 429


def test_each_pause_is_twice_as_long_as_the_one_before(configured: Api) -> None:
    pauses = []
    for _ in range(7):
        while (reply := configured.send(message(), auth=WRONG)).status == 401:
            pass
        pauses.append(int(reply.headers["Retry-After"]))
        configured.fake.clock.advance(pauses[-1])
    assert pauses == [60, 120, 240, 480, 900, 900, 900]


def test_who_guesses_keys_is_bounded_by_the_address(configured: Api) -> None:
    statuses = [
        configured.send(message(), auth=f"key{n}:secret").status for n in range(guesses.PER_SOURCE)
    ]
    assert statuses == [401] * guesses.PER_SOURCE
    assert configured.send(message(), auth="another:secret").status == 429
    assert configured.admin("GET", "channels", auth="another:secret").status == 429
    assert configured.send(message(), auth=SENDER).status == 200


def test_a_refused_role_a_forged_address_and_no_credentials_are_events(
    configured: Api, lines: Lines
) -> None:
    reader = Member("reader-of-the-shop", "r", Role.READ_ONLY, sha256("secret"))
    configured.fake.records.of(MEMBERS).put(reader)
    lines()
    configured.admin("POST", "access-channels", {"name": "x"}, auth="reader-of-the-shop:secret")
    configured("GET", "/l/" + "A" * 36)
    configured("GET", "/u/" + "A" * 80)
    configured("POST", "/receipts/sms1/not-the-token", {})
    configured.send(message(), auth=None)
    written = lines()
    assert refused(written) == 5
    (role,) = events(written, "role_refused")
    assert (role["needs"], role["key"]) == ("administrator", "reader-o")
    forged = [line["address_of"] for line in events(written, "address_forged")]
    assert forged == ["link", "link", "webhook"]
    (login,) = events(written, "login_refused")
    assert (login["reason"], login["route"]) == ("no_credentials", "POST /v1/template/sent")
    assert login["source"] in ("127.0.0.0/24", "192.0.2.0/24")
    served = events(written, "request_served")
    assert [line["status"] for line in served] == [403, 404, 404, 404, 401]
    assert "not-the-token" not in str(written)


def test_an_accepted_message_is_in_the_line_of_its_request_and_in_no_other(
    configured: Api, lines: Lines
) -> None:
    lines()
    msgid = configured.send(message()).json["msgid"]
    configured.send(message(), auth=None)
    accepted, refused_after = events(lines(), "request_served")
    assert (accepted["msgid"], accepted["audience"], accepted["targets"]) == (msgid, "users", 2)
    assert not {"msgid", "audience", "targets"} & refused_after.keys()


@pytest.mark.parametrize(
    ("setting", "shown"), [("network", "203.0.113.0/24"), ("address", "203.0.113.9"), ("none", "")]
)
def test_a_log_line_shows_of_an_address_what_the_stage_allows(
    monkeypatch: pytest.MonkeyPatch, setting: str, shown: str
) -> None:
    monkeypatch.setenv("LOG_SOURCES", setting)
    assert observability.shown_source("203.0.113.9") == shown
    assert observability.shown_source("") == ""


def test_an_address_of_ipv6_is_shown_as_the_network_of_its_site() -> None:
    assert observability.shown_source("not an address 9") == ""
    assert observability.shown_source("2001:db8:1:2::9") == "2001:db8:1::/48"


def test_every_answer_is_kept_from_caches_and_from_plain_http(configured: Api) -> None:
    for reply in (
        configured.send(message()),
        configured.send(message(), auth=WRONG),
        configured.send(raw=b"{"),
        configured.admin("GET", "channels"),
        configured.admin("GET", "channels/nobody"),
        configured("GET", "/l/x"),
        configured("POST", "/receipts/a/b", {}),
    ):
        assert {name: reply.headers[name] for name in SAFE_HEADERS} == SAFE_HEADERS


THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "GetItem")


@pytest.mark.parametrize("error", [THROTTLED, ReadTimeoutError(endpoint_url="x")])
def test_aws_that_is_busy_is_not_taken_for_what_does_not_exist(
    configured: Api, error: Exception
) -> None:
    token = "B" * 120
    configured.fake.vault.steps.fail(error, "vault.open", "vault.mac")
    for path in (f"/u/{token}", "/l/" + "A" * 36, "/o/" + "A" * 36):
        reply = configured("GET", path, headers={"User-Agent": "Mozilla/5.0 (iPhone)"})
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5"), path
    configured.fake.fail(error, "users.get")
    reply = configured.admin("GET", "users/ann")
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")


def test_every_route_declares_what_it_may_be_refused_with() -> None:
    for path, methods in app.app.routes.items():
        for entry in methods.values():
            assert {429, 500, 503} <= entry.view_function.contract.refusals(path)

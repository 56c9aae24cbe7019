"""The smoke test notices what is wrong, says it in one line, and leaves nothing behind."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import smoke
from infra.smoke_target import Failed
from infra.smoke_trial import MailServer
from tests.infra.smoke_service import TARGET, Service
from tests.infra.stubs import StubbedSession

SERVER = MailServer("mail.example", 587, "starttls")


@pytest.fixture
def service() -> Iterator[Service]:
    served = Service()
    yield served
    assert served.there == set(), "left behind"
    assert not any(served.enabled.values())


def smoked(service: Service, mail: MailServer | None = SERVER) -> tuple[bool, list[str]]:
    lines: list[str] = []
    passed = smoke.run(service.target, mail=mail, say=lines.append)
    assert all("\n" not in line for line in lines)
    return passed, lines


def test_a_stage_that_works_passes_every_check_each_in_one_line_with_its_time(
    service: Service,
) -> None:
    passed, lines = smoked(service)
    assert passed
    assert len(lines) == 10
    assert all(re.match(r"ok +\d+\.\d s  \w", line) for line in lines)
    assert "ran when the first step's time was over" in lines[7]
    assert "skipped: there are no AWS credentials" in lines[8]


def test_the_message_is_withdrawn_before_its_channels_are_deleted(service: Service) -> None:
    smoked(service)
    ends = [path for method, path, _ in service.asked if method == "DELETE" or "/retract/" in path]
    assert ends[0] == "/v1/retract/known"
    channels = [path for path in ends if "channels" in path]
    assert "/access-channels/" in channels[0]  # an authorised channel cannot be deleted
    assert "/access-channels/" not in channels[1]


def test_the_access_channel_of_an_earlier_run_is_used_again(service: Service) -> None:
    service.enabled["k"] = False
    assert smoked(service)[0]
    made = [path for method, path, _ in service.asked if method == "POST"]
    assert "/admin/v1/access-channels" not in made
    assert "/admin/v1/access-channels/k/secret" in made


@pytest.mark.parametrize(
    ("broken", "status", "body", "check", "reason"),
    [
        (r"GET /openapi\.json", 502, {}, "the API's document", "502"),
        (r"GET /openapi\.json", 200, {"message": "hi"}, "the API's document", "not an OpenAPI"),
        ("GET /no/.*", 403, {"message": "Missing"}, "an unknown path", "403"),
        ("GET /no/.*", 404, {"message": "Missing"}, "an unknown path", "404"),
        ("GET /admin/v1/channels", 200, {}, "no credentials", "not 401"),
        (r"GET /admin/v1/access-channels\?.*", 401, {}, "an access channel", "401"),
        ("POST /admin/v1/channels", 500, {}, "delivery channels", "500"),
        ("GET /admin/v1/platforms", 200, {"platforms": []}, "delivery channels", "none of"),
        ("PUT .*/channels/smoke.*", 404, {}, "delivery channels", "404"),
        ("POST .*/test", 409, {}, "a channel's test", "409"),
        (
            "POST .*/test|GET .*/checks/.*",
            202,
            {"status": "pending", "code": None, "check_id": "c"},
            "a channel's test",
            "not within 300 s",
        ),
        ("POST /v1/sent", 400, {"code": 1015006}, "an unknown user", "1015006"),
        (
            "GET /v1/messages/lost",
            200,
            {"losses": {"users": {}}},
            "an unknown user",
            "not within 300 s",
        ),
        (
            "GET /v1/messages/lost",
            200,
            {"losses": {"users": {"unknown_user": 1}}, "balanced": False},
            "an unknown user",
            "balanced False",
        ),
        ("GET /v1/messages/known", 200, {"steps": []}, "a second step", "not within 300 s"),
    ],
)
def test_the_first_failure_ends_the_run_with_its_reason_and_cleans_up(
    service: Service, broken: str, status: int, body: Any, check: str, reason: str
) -> None:
    service.broken[broken] = (status, body)
    passed, lines = smoked(service)
    assert not passed
    assert [line.startswith("fail") for line in lines] == [False] * (len(lines) - 2) + [True, False]
    assert check in lines[-2]
    assert reason in lines[-2]


def test_settings_that_are_not_known_everywhere_yet_are_waited_for(service: Service) -> None:
    service.first["/v1/sent"] = [(401, {"code": 4005})] * 12
    assert smoked(service)[0]


def test_what_could_not_be_deleted_is_named(service: Service) -> None:
    service.broken["DELETE /admin/v1/users/.*"] = (500, {})
    passed, lines = smoked(service)
    assert not passed
    assert re.search(r"fail .*left behind: DELETE /admin/v1/users/smoke-\w+: 500", lines[-1])
    assert {path.rsplit("/", 1)[0] for path in service.there} == {"/admin/v1/users"}
    service.there.clear()


def test_without_a_mail_server_nothing_leaves_the_account(service: Service) -> None:
    passed, lines = smoked(service, mail=None)
    assert passed
    assert "ran at once: without --mail-server" in lines[7]
    made = [
        body
        for method, path, body in service.asked
        if (method, path) == ("POST", "/admin/v1/channels")
    ]
    hosts = [str(body["options"].get("server") or body["options"].get("base_url")) for body in made]
    assert all(host.endswith(".invalid") for host in hosts)
    sent = [body for _, path, body in service.asked if path == "/v1/sent"]
    assert all(body["msg_email"][0]["files"] == [f"{TARGET.url}/no/such/file"] for body in sent)


def test_a_stage_without_mails_skips_the_second_step_and_says_so(service: Service) -> None:
    service.platforms = ("jpush", "jsms")
    passed, lines = smoked(service)
    assert passed
    assert "skipped: the stage runs no e-mail" in lines[7]


# ---- where the stage is


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("OPENUMS_URL", "OPENUMS_ACCESS_KEY", "OPENUMS_ACCESS_SECRET"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_environment_says_where_the_stage_is(
    no_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_environment.setenv("OPENUMS_URL", "https://m.example")
    no_environment.setenv("OPENUMS_ACCESS_KEY", "k")
    no_environment.setenv("OPENUMS_ACCESS_SECRET", "s")
    target = smoke.find_target("prod", tmp_path / "none.json")
    assert (target.url, target.pair, dict(target.local)) == ("https://m.example", ("k", "s"), {})
    assert "'s'" not in repr(target)


def test_a_local_stack_says_where_it_is_but_only_for_its_own_stage(
    no_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    description = tmp_path / "stack.json"
    local = {"stage": "local", "api_url": "u", "access_key": "k", "access_secret": "s"}
    description.write_text(json.dumps(local))
    assert smoke.find_target("local", description).pair == ("k", "s")
    with pytest.raises(Failed, match="no access key for the stage prod: set OPENUMS_ACCESS_KEY"):
        smoke.find_target("prod", description)


def test_without_an_address_the_stack_is_asked_for_it(
    no_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    session = StubbedSession()
    output = {"OutputKey": "PublicUrl", "OutputValue": "https://x.execute-api.example/api"}
    stack = {
        "StackName": "openums-prod",
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": datetime.datetime.now(datetime.UTC),
        "Outputs": [output],
    }
    session.add("cloudformation", "describe_stacks", {"Stacks": [stack]})
    session.refuse("cloudformation", "describe_stacks", "ExpiredToken")
    no_environment.setenv("OPENUMS_ACCESS_KEY", "k")
    where = "prod", tmp_path / "none", lambda: session
    assert smoke.find_target(*where).url == output["OutputValue"]
    with pytest.raises(Failed, match=r"set OPENUMS_URL.*sign in again"):
        smoke.find_target(*where)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("mail.example:25", MailServer("mail.example", 25)),
        ("mail.example:587:starttls", MailServer("mail.example", 587, "starttls")),
    ],
)
def test_a_mail_server_is_named_with_its_port(text: str, server: MailServer) -> None:
    assert MailServer.read(text) == server

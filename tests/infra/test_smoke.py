"""The smoke test notices what is wrong, says it in one line, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from infra import smoke, smoke_aws, smoke_target
from infra.smoke_target import Failed, Target
from infra.smoke_trial import NAME, MailServer
from tests.infra.stubs import StubbedSession

TARGET = Target("prod", "https://api.example", ("key", "secret"))
SERVER = MailServer("mail.example", 587, "starttls")


class Service:
    """The HTTP API as the smoke test sees it. `broken` answers instead where its pattern fits."""

    def __init__(self, platforms: tuple[str, ...] = ("smtp", "jpush")) -> None:
        self.platforms = platforms
        self.there: set[str] = set()  # paths of what was made
        self.enabled: dict[str, bool] = {}  # access channels
        self.asked: list[tuple[str, str, Any]] = []
        self.broken: dict[str, tuple[int, Any]] = {}
        self.step = 1

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        path = url.removeprefix(TARGET.url)
        self.asked.append((method, path, options["json"]))
        for pattern, (status, body) in self.broken.items():
            if re.fullmatch(pattern, f"{method} {path}"):
                return _response(status, body)
        if options["auth"] is None and path.startswith("/admin"):
            return _response(401, {"title": "Unauthorized"})
        return _response(*self._answer(method, path.partition("?")[0], options["json"]))

    def _answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/openapi.json":
            return 200, {"openapi": "3.1.0", "paths": {"/v1/sent": {}}}
        if path == "/v1/sent":
            is_known = not body["aud_userid"][0].startswith("nobody")
            return 201, {"msgid": "known" if is_known else "lost"}
        if path.startswith(("/v1/messages/", "/v1/retract/")):
            return 200, self._message(path.endswith("known"))
        if path.startswith("/admin/v1/"):
            return self._configure(method, path, body)
        return 404, {"code": 4004}

    def _message(self, is_known: bool) -> dict[str, Any]:
        losses = {} if is_known else {"unknown_user": 1}
        steps = [{"step": self.step, "targets": 1}]
        self.step += 1
        return {"losses": {"users": losses}, "balanced": True, "steps": steps}

    def _configure(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/admin/v1/platforms":
            names = ("smtp", "jpush", "jsms")
            listed = [{"platform": name, "available": name in self.platforms} for name in names]
            return 200, {"platforms": listed}
        if path.endswith("/test"):
            return 200, {"status": "failed", "code": "dns", "check_id": "c"}
        if method == "DELETE":
            self.there.remove(path)
            return 204, None
        if path.startswith("/admin/v1/access-channels") and "/channels/" not in path:
            return self._access_channel(method, body)
        made = {
            "/admin/v1/channels": lambda: f"{path}/{body['code']}",
            "/admin/v1/users": lambda: f"{path}/{body['userid']}",
            "/admin/v1/strategies": lambda: f"{path}/7",
        }.get(path, lambda: path)()
        self.there.add(made)
        return 201, {"rule_id": 7}

    def _access_channel(self, method: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            listed = [{"channel_key": key, "name": NAME} for key in self.enabled]
            return 200, {"access_channels": listed, "cursor": None}
        self.enabled["k"] = method == "POST" or body["enabled"]
        return 200, {"channel_key": "k", "master_secret": "m"}


def _response(status: int, body: Any) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = b"" if body is None else json.dumps(body).encode()
    response.headers["content-type"] = "application/json"
    return response


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """In which waiting takes no time."""
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    served = Service()
    fake_time = SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep)
    monkeypatch.setattr(smoke_target, "time", fake_time)
    monkeypatch.setattr(smoke_target.requests, "request", served.request)
    yield served
    assert served.there == set(), "left behind"
    assert not any(served.enabled.values())


def smoked(mail: MailServer | None = SERVER) -> tuple[bool, list[str]]:
    lines: list[str] = []
    passed = smoke.run(TARGET, mail=mail, say=lines.append)
    assert all("\n" not in line for line in lines)
    return passed, lines


def test_a_stage_that_works_passes_every_check_each_in_one_line_with_its_time(
    service: Service,
) -> None:
    passed, lines = smoked()
    assert passed
    assert len(lines) == 10
    assert all(re.match(r"ok +\d+\.\d s  \w", line) for line in lines)
    assert "ran when the first step's time was over" in lines[7]
    assert "skipped: there are no AWS credentials" in lines[8]


def test_the_message_is_withdrawn_before_its_channels_are_deleted(service: Service) -> None:
    smoked()
    ends = [path for method, path, _ in service.asked if method == "DELETE" or "/retract/" in path]
    assert ends[0] == "/v1/retract/known"
    channels = [path for path in ends if "channels" in path]
    assert "/access-channels/" in channels[0]  # an authorised channel cannot be deleted
    assert "/access-channels/" not in channels[1]


def test_the_access_channel_of_an_earlier_run_is_used_again(service: Service) -> None:
    service.enabled["k"] = False
    assert smoked()[0]
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
    passed, lines = smoked()
    assert not passed
    assert [line.startswith("fail") for line in lines] == [False] * (len(lines) - 2) + [True, False]
    assert check in lines[-2]
    assert reason in lines[-2]


def test_settings_that_are_not_known_everywhere_yet_are_waited_for(service: Service) -> None:
    refusals = [(401, {"code": 4005})] * 12
    answer = service._answer

    def late(method: str, path: str, body: Any) -> tuple[int, Any]:
        is_refused = path == "/v1/sent" and refusals
        return refusals.pop() if is_refused else answer(method, path, body)

    service._answer = late  # type: ignore[method-assign]
    assert smoked()[0]


def test_what_could_not_be_deleted_is_named(service: Service) -> None:
    service.broken["DELETE /admin/v1/users/.*"] = (500, {})
    passed, lines = smoked()
    assert not passed
    assert re.search(r"fail .*left behind: DELETE /admin/v1/users/smoke-\w+: 500", lines[-1])
    assert {path.rsplit("/", 1)[0] for path in service.there} == {"/admin/v1/users"}
    service.there.clear()


def test_without_a_mail_server_nothing_leaves_the_account(service: Service) -> None:
    passed, lines = smoked(mail=None)
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
    passed, lines = smoked()
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
    found = smoke.find_target("prod", tmp_path / "none.json")
    assert (found.url, found.pair, dict(found.local)) == ("https://m.example", ("k", "s"), {})
    assert "'s'" not in repr(found)


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
    no_environment.setattr(smoke, "aws", lambda: session)
    no_environment.setenv("OPENUMS_ACCESS_KEY", "k")
    assert smoke.find_target("prod", tmp_path / "none").url == output["OutputValue"]
    with pytest.raises(Failed, match=r"set OPENUMS_URL.*sign in again"):
        smoke.find_target("prod", tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("mail.example:25", MailServer("mail.example", 25)),
        ("mail.example:587:starttls", MailServer("mail.example", 587, "starttls")),
    ],
)
def test_a_mail_server_is_named_with_its_port(text: str, server: MailServer) -> None:
    assert MailServer.read(text) == server


# ---- behind the API


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    fake_time = SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda seconds: None)
    monkeypatch.setattr(smoke_target, "time", fake_time)


def execution(name: str, started: float) -> dict[str, Any]:
    moment = datetime.datetime.fromtimestamp(started, datetime.UTC)
    arn = f"arn:aws:states:us-east-1:1:execution:openums-prod-clock:{name}"
    return {
        "executionArn": arn,
        "stateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:openums-prod-clock",
        "name": name,
        "status": "SUCCEEDED",
        "startDate": moment,
    }


@pytest.mark.usefixtures("at_once")
def test_a_tick_counts_if_it_was_started_during_the_run() -> None:
    session, now = StubbedSession(), 1_800_000_000.0
    machines = [
        {
            "stateMachineArn": f"arn:aws:states:us-east-1:1:stateMachine:{name}",
            "name": name,
            "type": "STANDARD",
            "creationDate": datetime.datetime.now(datetime.UTC),
        }
        for name in ("openums-prod-clock", "openums-test-clock")
    ]
    session.add("stepfunctions", "list_state_machines", {"stateMachines": machines})
    for executions in ([], [execution("old", now - 9)], [execution("tick-1", now + 1)]):
        session.add("stepfunctions", "list_executions", {"executions": executions})
    assert smoke_aws.tick_succeeded(session, "prod", now, 60) == "tick-1"
    session.assert_all_asked()


@pytest.mark.usefixtures("at_once")
def test_a_timer_that_stays_overdue_fails() -> None:
    session = StubbedSession()
    row = {"shard": {"N": "1"}, "due": {"S": "1800000000000#check"}}
    session.add("dynamodb", "query", {"Items": []})
    session.add("dynamodb", "query", {"Items": [row]})
    for _ in range(4):
        session.add("dynamodb", "query", {"Items": []})
    assert smoke_aws.no_timer_is_overdue(session, "prod", 60) == "no timer has waited 300 s"
    session.assert_all_asked()
    for _ in range(3):
        session.add("dynamodb", "query", {"Items": [row]})
    with pytest.raises(Failed, match="openums-prod-due"):
        smoke_aws.no_timer_is_overdue(session, "prod", 2)


def test_without_credentials_of_aws_nothing_behind_the_api_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with contextlib.ExitStack() as opened:
        assert smoke_aws.session_of(TARGET, opened) is None

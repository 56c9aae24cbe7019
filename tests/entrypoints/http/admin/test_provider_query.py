"""Queries to providers for operators, also on a stage without their function."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, Channel, ChannelType
from chalicelib.domain.jobs import Envelope, QueryJob
from chalicelib.entrypoints.lambdas import queues
from chalicelib.ports import World
from tests.entrypoints.conftest import JSMS, SENDER, Api
from tests.entrypoints.http.admin.management import problem


def _work_on(world: World, envelope: Envelope) -> None:
    text = envelopes.encode(envelope.job)  # type: ignore[arg-type]
    queues._deliver(world, text, queues._batch(world, [text]))


def test_a_test_of_a_channel_is_asked_by_a_delivery_function(configured: Api) -> None:
    def work() -> None:
        while (envelope := configured.fake.queues.take()) is not None:
            assert isinstance(envelope.job, QueryJob)
            _work_on(configured.fake.ports, envelope)

    fake, path = configured.fake, "channels/test1"
    configured.world.providers.scripted["push"] = fake.providers.push  # type: ignore[attr-defined]
    for key, expected in (
        ("right", ("ok", "", "")),
        ("wrong", ("failed", "wrong_key", "misconfigured")),
    ):
        fake.records.of(DELIVERY_CHANNELS).stored.pop("test1", None)
        fake.settings.put_channel(scripted_channel(fake, key))
        fake.clock.while_asleep = [work]
        reply = configured.admin("POST", f"{path}/test")
        assert (reply.status, reply.json["status"], reply.json["code"], reply.json["kind"]) == (
            200,
            *expected,
        )
        assert configured.admin("GET", f"checks/{reply.json['check_id']}").json == reply.json
    fake.clock.while_asleep = []
    begun = fake.clock.now()
    slow = configured.admin("POST", f"{path}/test")
    assert (slow.status, slow.json["status"]) == (202, "pending")
    assert 8000 <= fake.clock.now() - begun < 9000
    assert configured.admin("GET", f"checks/{slow.json['check_id']}").status == 202
    work()
    assert configured.admin("GET", f"checks/{slow.json['check_id']}").json["status"] == "failed"
    fake.clock.advance(601)
    assert configured.admin("GET", f"checks/{slow.json['check_id']}").status == 202
    problem(configured, "GET", "checks/x", status=404)
    problem(configured, "POST", "channels/nothing/test", status=404)


def test_the_page_of_an_authorisation_is_asked_for_by_a_delivery_function(
    configured: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = configured.fake
    fake.providers.push.can(authorisation=True)
    fake.providers.push.of_session["authorisation_link"] = lambda self, uri: (
        f"https://page.example/?code=a-marked-one&then={uri}"
    )
    configured.world.providers.scripted["push"] = fake.providers.push  # type: ignore[attr-defined]
    fake.settings.put_channel(scripted_channel(fake, "right"))
    asked = {"redirect_uri": "https://us.example/done"}
    slow = configured.admin("POST", "channels/test1/authorisation", asked)
    assert (slow.status, slow.json["status"], slow.json["link"]) == (202, "pending", None)
    envelope = fake.queues.take()
    assert envelope is not None
    _work_on(fake.ports, envelope)
    done = configured.admin("GET", f"checks/{slow.json['check_id']}")
    link = "https://page.example/?code=a-marked-one&then=https://us.example/done"
    assert (done.status, done.json["status"], done.json["link"]) == (200, "ok", link)
    assert "a-marked-one" not in capsys.readouterr().out
    newest = configured.admin("GET", "audit").json["changes"][0]
    assert (newest["route"], newest["ids"]) == (
        "/admin/v1/channels/{code}/authorisation",
        {"code": "test1"},
    )
    for wrong in (
        "",
        "ftp://us.example",
        "//us.example",
        "https://us.example:8443/",
        "https://us example",
        "javascript:alert(1)",
        5,
    ):
        problem(
            configured,
            "POST",
            "channels/test1/authorisation",
            {"redirect_uri": wrong},
            field="redirect_uri",
        )
    problem(configured, "POST", "channels/app1/authorisation", asked, field="code")
    problem(configured, "POST", "channels/nothing/authorisation", asked, status=404)


def test_what_the_stage_does_not_run_is_refused_clearly_and_not_sent_on(configured: Api) -> None:
    """A delivery channel of a type that was deployed once, and is not any more."""
    less = replace(configured.world.limits, channel_types=(ChannelType.APP,))
    wiring.use(replace(configured.world, limits=less))
    answer = problem(configured, "POST", "channels/sms1/test", status=409, field="code")
    assert "this stage does not deliver on sms" in answer["detail"]
    problem(
        configured,
        "POST",
        "channels",
        {**JSMS, "code": "sms2", "name": "another"},
        field="platform",
    )
    ordinary = {"aud_userid": ["user1"], "msg_sms": [{"temp_id": 1, "temp_para": {}}]}
    assert configured("POST", "/v1/sent", ordinary, auth=SENDER).code == 1015007
    shown = configured.admin("GET", "templates/1").json
    assert (shown["valid"], shown["closed"]) == (False, ["sms"])
    listed = {
        each["platform"]: each["available"]
        for each in configured.admin("GET", "platforms").json["platforms"]
    }
    assert (listed["jpush"], listed["jsms"], listed["cmpp"]) == (True, False, False)
    assert not configured.fake.queues.sent


def scripted_channel(fake: Any, key: str) -> Any:
    sealed = fake.credentials.seal_credentials({"key": key})
    return Channel("test1", 9, "test", ChannelType.APP, "push", sealed, b"", "hash")

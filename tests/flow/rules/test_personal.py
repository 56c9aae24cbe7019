"""Personal values on the way of a message: frozen, escaped, and grouped into calls."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.simulation import volume
from chalicelib.domain.templates import Template
from chalicelib.domain.users import UserChange
from chalicelib.flow import submit
from chalicelib.flow.requests import SendRequest
from chalicelib.manage import users
from tests.builders import SHOP, a_strategy, a_template, an_access_channel
from tests.simulation.world import Simulation

FRIENDLY = 'Hi {{user.name|default:"friend"}}'
NAMES = {"ann": "Ann", "bob": "Bob", "cem": "Ann", "fay": None}


def a_simulation(text: str = FRIENDLY, *kinds: str, **changes: Any) -> Simulation:
    simulation = Simulation(strategy=a_strategy(",".join(kinds or ("app",))), **changes)
    simulation.world.settings.put_template(a_template(2, kinds or ("app",), text))
    given = [UserChange(u, attributes={"name": name}) for u, name in NAMES.items() if name]
    users.change(simulation.world.ports, given)
    simulation.world.forget_steps()
    return simulation


def request(*userids: str, **changes: Any) -> SendRequest:
    fields = {"userids": userids or tuple(NAMES), "app_para": {"platform": "all"}, **changes}
    return SendRequest(channel=an_access_channel(), template=2, rule_id=1, **fields)


def send(simulation: Simulation, *userids: str, **changes: Any) -> str:
    return submit.submit(simulation.world.ports, request(*userids, **changes))


def texts(simulation: Simulation, code: str = "push") -> Mapping[str, str]:
    provider = getattr(simulation.world.providers, code)
    return {taken.contact: taken.content["text"] for taken in provider.taken}


def chunk_of(simulation: Simulation, msgid: str) -> Chunk:
    message = simulation.world.messages.stored[msgid]
    chunk = simulation.world.ledger.chunk(ChunkId(msgid, 0), message)
    assert chunk is not None
    return chunk


def test_each_person_reads_the_own_name_and_who_has_none_the_default() -> None:
    simulation = a_simulation()
    send(simulation)
    simulation.run()
    assert texts(simulation) == {
        "reg-ann": "Hi Ann",
        "reg-bob-silent": "Hi Bob",
        "reg-cem-silent": "Hi Ann",
        "reg-fay": "Hi friend",
        "reg-fay2-silent": "Hi friend",
    }


def test_people_with_equal_values_share_a_call_and_the_number_is_told() -> None:
    simulation = a_simulation()
    msgid = send(simulation)
    message = simulation.world.messages.stored[msgid]
    assert volume(message, "push", [chunk_of(simulation, msgid).plan]) == (5, 3)
    simulation.run()
    calls = [[r.contact for r in call.recipients] for call in simulation.world.providers.push.calls]
    assert sorted(map(sorted, calls)) == [
        ["reg-ann", "reg-cem-silent"],
        ["reg-bob-silent"],
        ["reg-fay", "reg-fay2-silent"],
    ]


def test_a_platform_with_a_content_for_each_recipient_takes_them_in_one_call() -> None:
    simulation = a_simulation(FRIENDLY, "sms")
    msgid = send(simulation, "ann", "bob", "cem")
    message = simulation.world.messages.stored[msgid]
    assert volume(message, "text", [chunk_of(simulation, msgid).plan]) == (3, 1)
    simulation.run()
    assert len(simulation.world.providers.text.calls) == 1
    assert sorted(texts(simulation, "text").values()) == ["Hi Ann", "Hi Ann", "Hi Bob"]


def test_without_a_default_who_lacks_the_attribute_falls_out_with_a_reason() -> None:
    simulation = a_simulation("Hi {{user.name}}")
    chunk = chunk_of(simulation, send(simulation))
    assert {target.id: target.loss for target in chunk.plan.targets} == {
        "ann": None,
        "bob": None,
        "cem": None,
        "fay": "no_value",
    }
    assert chunk.plan.targets[3].refused == {"push": "no_value"}


def test_another_channel_that_needs_no_value_is_still_used() -> None:
    simulation = a_simulation("Hi", "app", "sms")
    contents = {ChannelType.APP: {"text": "Hi {{user.name}}"}, ChannelType.SMS: {"text": "Hi"}}
    simulation.world.settings.put_template(Template(3, 1, SHOP, "mixed", contents))
    msgid = submit.submit(simulation.world.ports, replace(request("dan"), template=3))
    (target,) = chunk_of(simulation, msgid).plan.targets
    assert (target.loss, dict(target.contacts)) == (None, {"text": 1})


@pytest.mark.parametrize("name", ["x" * 501, "{{name}}"])
def test_a_value_that_does_not_fit_is_a_loss_of_its_own(name: str) -> None:
    simulation = a_simulation()
    users.change(simulation.world.ports, [UserChange("ann", attributes={"name": name})])
    chunk = chunk_of(simulation, send(simulation, "ann"))
    assert chunk.plan.targets[0].loss == "unfit_value"


def test_the_platform_judges_each_content() -> None:
    from chalicelib.domain.errors import Invalid

    simulation = a_simulation()
    judged: list[str] = []

    def check(content: Mapping[str, Any]) -> None:
        judged.append(content["text"])
        if content["text"] == "Hi Bob":
            raise Invalid("text", "is not for Bob")

    simulation.world.providers.push.judge = check
    chunk = chunk_of(simulation, send(simulation))
    assert chunk.plan.targets[1].loss == "unfit_value"
    assert judged.count("Hi Ann") == 1, "equal values are judged once"


def test_a_name_is_escaped_in_a_mail_and_keeps_its_line_in_a_header() -> None:
    simulation = a_simulation("Hi", "email")
    content = {
        "subject": "For {{user.name}}",
        "text": "<p>{{user.name}}</p>",
        "plain_text": "{{user.name}}",
        "html": True,
    }
    simulation.world.settings.put_template(
        Template(3, 1, SHOP, "mail", {ChannelType.EMAIL: content})
    )
    users.change(simulation.world.ports, [UserChange("ann", attributes={"name": "A <b>\r\nX: y"})])
    submit.submit(simulation.world.ports, replace(request("ann"), template=3))
    simulation.run()
    (taken,) = simulation.world.providers.mail.taken
    assert taken.content["subject"] == "For A <b> X: y"
    assert taken.content["text"].startswith("<p>A &lt;b&gt;\r\nX: y</p>")
    assert taken.content["plain_text"] == "A <b>\r\nX: y"


def test_a_value_that_changes_after_the_planning_changes_nothing() -> None:
    simulation = a_simulation()
    simulation.world.providers.push.fail(Unavailable("later"))
    send(simulation)
    changes = [UserChange(userid, attributes={"name": "New"}) for userid in NAMES]
    users.change(simulation.world.ports, changes)
    simulation.run()
    assert sorted(Counter(texts(simulation).values()).items()) == [
        ("Hi Ann", 2),
        ("Hi Bob", 1),
        ("Hi friend", 2),
    ]


def test_braces_of_an_ordinary_message_are_text() -> None:
    simulation = a_simulation()
    plain = SendRequest(
        channel=an_access_channel(),
        userids=("ann",),
        contents={ChannelType.APP: [{"text": FRIENDLY}]},
    )
    submit.submit(simulation.world.ports, plain)
    simulation.run()
    assert texts(simulation) == {"reg-ann": FRIENDLY}


def test_a_target_that_is_named_by_its_contact_gets_the_default() -> None:
    simulation = a_simulation(FRIENDLY, "sms")
    to = {"userids": (), "contacts": {ChannelType.SMS: ["13800138000"]}, "rule_id": 0}
    submit.submit(simulation.world.ports, replace(request(), **to))
    simulation.run()
    assert texts(simulation, "text") == {"13800138000": "Hi friend"}


def finished(simulation: Simulation, userids: Sequence[str] = tuple(NAMES)) -> Simulation:
    simulation._attempt(lambda: send(simulation, *userids))
    simulation.run()
    simulation.world.spare()
    if simulation.msgid is not None:
        sent = simulation.world.providers.push.sent()
        assert set(sent.values()) == {1}
        assert len(sent) == 5
        assert sorted(texts(simulation).values()) == ["Hi Ann"] * 2 + ["Hi Bob"] + ["Hi friend"] * 2
    return simulation


@pytest.mark.parametrize("seed", range(4))
def test_wherever_a_worker_is_ended_each_gets_the_own_content_once(seed: int) -> None:
    steps = list(finished(a_simulation()).world.log)
    for number in range(seed, len(steps), 4):
        simulation = a_simulation(twice=bool(seed % 2), order=random.Random(seed))
        simulation.world.kill_at(number)
        finished(simulation)

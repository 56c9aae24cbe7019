"""Wherever a request with an idempotency key is ended, repeating it makes one message of it."""

from __future__ import annotations

from chalicelib.flow import submit
from chalicelib.flow.requests import SendRequest
from chalicelib.ports import IdempotencyKey
from tests.builders import an_access_channel
from tests.simulation.world import PEOPLE, UNKNOWN, Simulation

ONCE = IdempotencyKey("once#shop#/v1/sent#order-1", "digest")


def request(simulation: Simulation, answers: list[str]) -> bool:
    people = (*(p.userid for p in PEOPLE), UNKNOWN)
    para = {"template_para": {"name": "you"}, "app_para": {"platform": "all"}}
    send = SendRequest(
        channel=an_access_channel(),
        userids=people,
        template=1,
        rule_id=1,
        **para,  # type: ignore[arg-type]
    )
    return simulation._attempt(
        lambda: answers.append(submit.submit(simulation.world.ports, send, ONCE))
    )


def test_a_request_that_is_ended_anywhere_and_repeated_is_one_message() -> None:
    sample = Simulation()
    assert request(sample, [])
    for number in sample.world.kills:
        simulation, answers = Simulation(), list[str]()
        simulation.world.kill_at(number)
        ended = not request(simulation, answers)
        assert ended
        assert request(simulation, answers)
        assert request(simulation, answers)
        assert len(simulation.world.messages.stored) == 1
        assert set(answers) == {simulation.msgid}
        simulation.run()
        simulation.check()


def test_a_repeat_while_the_first_is_under_way_gets_the_same_answer() -> None:
    simulation, answers = Simulation(), list[str]()

    def meanwhile(number: int, name: str) -> None:
        if name == "messages.create":
            simulation.world.spare()
            assert request(simulation, answers)

    simulation.world.on_step = meanwhile
    assert request(simulation, answers)
    assert len(simulation.world.messages.stored) == 1
    assert len(set(answers)) == 1
    simulation.run()
    simulation.check()

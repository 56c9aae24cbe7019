"""Records of a batch of single sends: which wait for each other, and which fail alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chalicelib.domain.chunks import CallAnswer
from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import OutgoingCall
from chalicelib.flow import deliver
from chalicelib.ports import Recording
from tests.builders import a_strategy
from tests.simulation.singles import Singles

FOUR = ("ann", "bob", "fay", "cem")


def sent(simulation: Singles) -> Singles:
    simulation.world.recordings.torn = False
    simulation.submit()
    return simulation


@pytest.fixture
def four() -> Singles:
    return sent(Singles(strategy=a_strategy("app"), people=FOUR))


def order(simulation: Singles, *names: str) -> list[str]:
    """Work on one batch, and return these of its steps in order."""
    begun = len(simulation.world.log)
    simulation._next()
    return [name for name in simulation.world.log[begun:] if name in names]


CALL, WRITE = "provider.send", "recordings.put"


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [
        (0.9, [CALL, CALL, CALL, CALL, WRITE]),
        (1.1, [CALL, CALL, WRITE, CALL, CALL, WRITE]),
    ],
)
def test_answers_are_written_after_a_call_that_took_more_than_a_second(
    four: Singles, seconds: float, steps: list[str]
) -> None:
    def slow(call: OutgoingCall) -> None:
        if len(four.world.providers.push.calls) == 1:
            four.world.clock.advance(seconds)

    four.world.providers.push.watchers.append(slow)
    assert order(four, CALL, WRITE) == steps


def test_answers_are_written_before_the_call_of_a_slow_account(four: Singles) -> None:
    four.world.slowness.keep("push#mall", four.world.clock.now())
    assert order(four, CALL, WRITE) == [CALL, WRITE, CALL, CALL, WRITE, CALL, WRITE]


def test_nothing_waits_when_the_function_ends_soon(four: Singles) -> None:
    limits = four.world.limits
    four.world.ends = four.world.clock.now() + round(1900 * limits.provider_timeout)
    assert order(four, CALL, WRITE) == [CALL, WRITE] * 4


def test_a_token_that_may_be_forgotten_before_its_job_returns_is_as_none(four: Singles) -> None:
    four.world.providers.push.can(token_life=four.world.limits.lease)
    assert order(four, CALL, WRITE) == [CALL, WRITE] * 4


def test_calls_without_token_in_one_job_are_written_one_by_one() -> None:
    simulation = Singles(strategy=a_strategy("app"), people=("fay",))
    simulation.world.providers.push.can(token_life=None, call_size=1)
    put = "ledger.put_answer"
    assert order(sent(simulation), CALL, put, WRITE) == [CALL, put, CALL, put, WRITE]


def test_an_answer_whose_lease_ends_soon_replaces_no_other(four: Singles) -> None:
    """The worker was held up: another one may have taken the call over."""
    written = dict.fromkeys(four.msgids, 0)

    def hold_up(number: int, name: str) -> None:
        if name == "provider.send.done" and len(four.world.providers.push.calls) == len(FOUR):
            four.world.clock.advance(four.world.limits.lease - 10)

    four.world.on_step = hold_up
    steps = order(four, "ledger.put_answer", WRITE)
    assert steps == ["ledger.put_answer"] * len(written) + [WRITE]


def test_records_that_cannot_be_written_fail_their_own_job_only(four: Singles) -> None:
    tries, poisoned = list[int](), [next(iter(four.msgids))]

    def judge(recordings: Sequence[Recording]) -> None:
        tries.append(len(recordings))
        if any(recording.message.msgid in poisoned for recording in recordings):
            raise OSError

    four.world.recordings.judge = judge
    four._next()
    assert tries == [4, 1, 1, 1, 1]
    assert len(four.world.queues.waiting) == 1
    assert four.contacts("push", FactKind.SUBMITTED) == {
        "reg-bob-silent",
        "reg-fay",
        "reg-fay2-silent",
        "reg-cem-silent",
    }
    poisoned.clear()
    four.run()
    four.check()


def test_a_job_that_fails_is_no_hindrance_to_the_answers_of_others(four: Singles) -> None:
    def fail(number: int, name: str) -> None:
        if name == "ledger.begin" and four.world.log.count(name) == 3:
            raise OSError

    four.world.on_step = fail
    four._next()
    four.world.spare()
    assert len(four.world.queues.waiting) == 1
    assert len(four.contacts("push", FactKind.SUBMITTED)) == 3
    four.run()
    four.check()


def test_messages_that_cannot_be_read_together_are_read_alone(four: Singles) -> None:
    four.world.fail(OSError(), "recordings.read")
    reads = ("messages.get", "users.get")
    assert order(four, *reads, CALL) == [*reads, CALL] * 4


def test_a_clock_that_cannot_be_started_costs_no_answer() -> None:
    simulation = sent(Singles(strategy=a_strategy("app", "sms", within=60), people=FOUR))
    simulation.world.fail(OSError(), "timers.start_clock")
    simulation._next()
    simulation.world.spare()
    assert len(simulation.world.queues.waiting) == 4
    assert len(simulation.contacts("push", FactKind.SUBMITTED)) == 5
    simulation.run()
    simulation.check()


def test_a_job_that_comes_twice_in_a_batch_sends_once(four: Singles) -> None:
    waiting = four.world.queues.waiting
    jobs = [envelope.job for _, envelope in waiting[:1]] * 2
    batch = deliver.Batch(four.world.ports, jobs)  # type: ignore[arg-type]
    for n, job in enumerate(jobs):
        batch.deliver(four.world.ports, job, str(n))  # type: ignore[arg-type]
    assert batch.end() == {}
    assert len(four.world.providers.push.calls) == 1
    assert "ledger.put_answer" not in four.world.log
    answers: list[CallAnswer] = [a for chunk in four.chunks() for a in chunk.answers.values()]
    assert len(answers) == 1


def test_a_job_that_comes_again_does_what_follows_and_waits_for_no_lease(four: Singles) -> None:
    jobs = [envelope for _, envelope in four.world.queues.waiting]
    four._next()
    four.world.lookups.found.clear()
    for envelope in jobs:
        four.world.queues.back(envelope)
    assert order(four, CALL, "ledger.chunk") == ["ledger.chunk"] * 4
    assert len(four.world.lookups.found) == 4
    assert not four.world.queues.waiting


def test_the_answer_to_a_call_that_was_taken_over_replaces_no_other(four: Singles) -> None:
    """The worker that had claimed it may be late, not dead."""
    jobs = [envelope for _, envelope in four.world.queues.waiting]
    four.world.fail(OSError(), "recordings.put")
    four._next()
    four.world.spare()
    four.world.queues.waiting.clear()
    four.world.clock.advance(2 * four.world.limits.lease)
    for envelope in jobs:
        four.world.queues.back(envelope)
    put = "ledger.put_answer"
    assert order(four, CALL, put, WRITE) == [CALL, put, WRITE] * 4
    four.run()
    four.check()


def test_answers_do_not_wait_for_a_job_of_several_calls() -> None:
    four = Singles(strategy=a_strategy("app"), people=FOUR)
    four.world.providers.push.can(call_size=1)
    assert order(sent(four), CALL, WRITE) == [CALL, CALL, WRITE, CALL, CALL, CALL, WRITE]

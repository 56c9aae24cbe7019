"""Records of several jobs: written together, whatever their tables are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.aws import timers
from chalicelib.aws.tables import table
from chalicelib.domain.chunks import CallAnswer
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import CallKey
from chalicelib.ports import Lookup, Recording, World
from tests.builders import a_plan, a_user
from tests.contracts import faults
from tests.contracts.conftest import Container, a_message, read, real_container

HOUR = 3_600_000


def a_recording(world: World, unique: str, userid: str, number: int = 1) -> Recording:
    """Build the records of a job, and put the plan of its message."""
    message = a_message(userid)
    plan = a_plan(message)
    world.ledger.put_plan(plan, message)
    now = world.clock.now()
    ref = DeliveryRef(0, "push", 0)
    submitted = Fact(ref, FactKind.SUBMITTED, now, "", "call")
    answer = CallAnswer(CallKey(0, 0, "push", 0), (submitted,), now, f"id-{userid}")
    lookups = {f"{userid}-{n}": Lookup(plan.id, (0, 0)) for n in range(number)}
    timer = Timer(now + HOUR, TimerKind.CHECK, plan.id, Priority.MEDIUM)
    return Recording(message, plan.id, [answer], unique, lookups, [timer])


def check(container: Container, unique: str, recordings: list[Recording]) -> None:
    world = container()
    rows = world.timers.due(world.clock.now() + 2 * HOUR, 10**5)
    due = {timer.chunk for row in rows for timer in row.timers}
    for recording in recordings:
        (answer,) = recording.answers
        assert read(container(), recording.chunk).answers == {answer.key: answer}
        ids = list(recording.lookups)
        assert world.lookups.get(unique, ids, fresh=True) == recording.lookups
        assert recording.chunk in due


def test_records_of_several_jobs_are_read_as_they_were_put(
    container: Container, unique: str
) -> None:
    world = container()
    recordings = [a_recording(world, unique, userid) for userid in ("ann", "bob", "cem")]
    world.recordings.put(recordings)
    world.recordings.put(recordings)
    check(container, unique, recordings)


def test_records_of_a_batch_are_one_request(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    recordings = [a_recording(real, unique, userid) for userid in ("ann", "bob", "cem", "dan")]
    with faults.counted(aws("dynamodb")) as calls:
        real.recordings.put(recordings)
    assert calls == ["BatchWriteItem"]


def test_records_that_come_back_unprocessed_are_written_in_the_end(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    recordings = [a_recording(real, unique, "ann", 28), a_recording(real, unique, "bob")]

    def some_back(asked: Any) -> Any:
        return {"UnprocessedItems": asked["RequestItems"]}

    with faults.answered(aws("dynamodb"), "BatchWriteItem", some_back) as seen:
        real.recordings.put(recordings)
    sizes = [sum(map(len, asked["RequestItems"].values())) for asked in seen]
    assert sizes in ([25, 25, 7], [25, 25, 8])  # timers of one slot are one row
    assert set(seen[0]["RequestItems"]) == {table("ledger"), table("lookups")}
    check(lambda: real, unique, recordings)


def test_a_clock_that_cannot_be_started_costs_no_answer(
    real: World, aws: Callable[[str], Any], unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "_started", {})  # slots of earlier tests
    recording = a_recording(real, unique, "ann")
    with (
        faults.answered(aws("stepfunctions"), "StartExecution", *[{}] * 9, status=500),
        pytest.raises(Exception, match="StartExecution"),
    ):
        real.recordings.put([recording])
    assert read(real, recording.chunk).answers
    real.recordings.put([recording])
    check(lambda: real, unique, [recording])


def test_messages_and_users_are_read_together(container: Container, unique: str) -> None:
    ann = a_user(f"{unique}-ann", push=("reg-ann",))
    container().users.save([ann])
    message, never = a_message(ann.userid), a_message("never")
    container().messages.create(message, None, None)
    messages, users = container().recordings.read(
        [message.msgid, never.msgid], [ann.userid, f"{unique}-nobody"]
    )
    assert messages == {message.msgid: message}
    assert {userid: user.contacts for userid, user in users.items()} == {ann.userid: ann.contacts}


def test_messages_and_users_are_one_request(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    messages = [a_message("ann"), a_message("bob")]
    for message in messages:
        real.messages.create(message, None, None)
    with faults.answered(aws("dynamodb"), "BatchGetItem") as seen:
        found, _ = real_container().recordings.read([m.msgid for m in messages], [f"{unique}-a"])
    assert found == {message.msgid: message for message in messages}
    (asked,) = seen
    fresh = {name: of_table["ConsistentRead"] for name, of_table in asked["RequestItems"].items()}
    assert fresh == {table("messages"): False, table("users"): True}


def test_a_message_that_a_replica_does_not_have_yet_is_read_again(
    real: World, aws: Callable[[str], Any]
) -> None:
    message, never = a_message("ann"), a_message("never")
    real.messages.create(message, None, None)
    stale = {"Responses": {}, "UnprocessedKeys": {}}
    with faults.answered(aws("dynamodb"), "BatchGetItem", stale) as seen:
        found, _ = real_container().recordings.read([message.msgid, never.msgid], [])
    assert found == {message.msgid: message}
    assert [asked["RequestItems"][table("messages")]["ConsistentRead"] for asked in seen] == [
        False,
        True,
    ]

"""Batches, of which one answer may do a part."""

from __future__ import annotations

from typing import Any

from chalicelib.aws import items, queues
from tests.aws.test_retries import Answer, Sky
from tests.aws.test_retries import environment as environment
from tests.aws.test_retries import session as session
from tests.aws.test_retries import sky as sky


def one_by_one(number: int) -> Answer:
    """Answer with one item of a batch at a time, as DynamoDB does with items that are large."""
    left = [{"pk": {"S": str(n)}} for n in range(number)]

    def answer(operation: str) -> tuple[int, Any]:
        done = left.pop()
        if operation == "BatchGetItem":
            unread = {"UnprocessedKeys": {"t": {"Keys": list(left)}}} if left else {}
            return 200, {"Responses": {"t": [done]}, **unread}
        puts = [{"PutRequest": {"Item": item}} for item in left]
        return 200, {"UnprocessedItems": {"t": puts} if puts else {}}

    return answer


def test_a_batch_goes_on_while_something_of_it_is_done(sky: Sky) -> None:
    number = 3 * items.ROUNDS
    sky.answer = one_by_one(number)
    rows = items.get_many("t", [{"pk": str(n)} for n in range(number)])
    assert {row["pk"] for row in rows} == {str(n) for n in range(number)}
    sky.answer, sky.attempts = one_by_one(number), 0
    items.write_many("t", [items.to_item({"pk": str(n)}) for n in range(number)], key=("pk",))
    assert sky.attempts == number


def test_jobs_are_sent_while_a_queue_takes_some_of_them(sky: Sky) -> None:
    left = [{"Id": str(number), "MessageBody": "x"} for number in range(queues.BATCH)]
    entries = list(left)

    def answer(operation: str) -> tuple[int, Any]:
        left.pop()
        failed = [{**entry, "SenderFault": False, "Code": "RequestThrottled"} for entry in left]
        return 200, {"Successful": [], "Failed": failed}

    sky.answer = answer
    queues._send("https://q", entries)
    assert sky.attempts == queues.BATCH > queues.ROUNDS

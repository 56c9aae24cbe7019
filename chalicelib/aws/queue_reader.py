"""The receiving side of a queue, for processes that no event source feeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.config import queue_name, settings
from chalicelib.ports import QueueMessage

WAIT = 8  # seconds that one question stays open: less than the client's patience for an answer


class QueueReader:
    """`queue` as chalicelib/config.py names it: `cmpp-1`. What is not done comes back when its visibility timeout is over."""

    def __init__(self, queue: str) -> None:
        self._url = settings().queue_url_prefix + queue_name(settings().stage, queue)
        client("sqs")  # the SDK makes its clients for one thread at a time; using them is safe

    def receive(self) -> Sequence[QueueMessage]:
        answer = client("sqs").receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=WAIT,
            AttributeNames=["ApproximateReceiveCount"],
        )
        return [_letter(each) for each in answer.get("Messages", [])]

    def done(self, letter: QueueMessage) -> None:
        client("sqs").delete_message(QueueUrl=self._url, ReceiptHandle=letter.handle)


def _letter(raw: dict[str, Any]) -> QueueMessage:
    receives = raw.get("Attributes", {}).get("ApproximateReceiveCount", "1")
    return QueueMessage(raw["MessageId"], raw["Body"], raw["ReceiptHandle"], int(receives))

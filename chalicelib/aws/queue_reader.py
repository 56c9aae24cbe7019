"""The receiving side of a queue, for processes that have no event source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.config import queue_name, settings
from chalicelib.ports import QueueMessage

WAIT = 8  # seconds of a long poll: less than the client's read timeout


class QueueReader:
    """A reader of one queue, by its name in chalicelib/config.py, such as `cmpp-1`.

    A message that is not done comes back after its visibility timeout.
    """

    def __init__(self, queue: str, wait: int = WAIT) -> None:
        self._wait = wait
        self._url = settings().queue_url_prefix + queue_name(settings().stage, queue)
        # The SDK makes clients in one thread at a time. Using one is safe in all.
        client("sqs")

    def receive(self) -> Sequence[QueueMessage]:
        answer = client("sqs").receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=self._wait,
            AttributeNames=["ApproximateReceiveCount"],
        )
        return [_message(raw) for raw in answer.get("Messages", [])]

    def done(self, message: QueueMessage) -> None:
        client("sqs").delete_message(QueueUrl=self._url, ReceiptHandle=message.handle)


def _message(raw: dict[str, Any]) -> QueueMessage:
    receives = raw.get("Attributes", {}).get("ApproximateReceiveCount", "1")
    return QueueMessage(raw["MessageId"], raw["Body"], raw["ReceiptHandle"], int(receives))

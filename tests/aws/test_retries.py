"""Repeats of requests to AWS: the API's end within a second, and the workers' go on."""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError

from chalicelib import wiring
from chalicelib.aws import items, queues, retries
from chalicelib.aws.clients import ATTEMPTS, client, is_busy
from tests import own_thread

AWS = Path(items.__file__).parent
SERVICES = ("dynamodb", "sqs", "kms", "stepfunctions", "scheduler", "s3")
Answer = Callable[[str], tuple[int, Any]]


def called() -> set[tuple[str, str]]:
    """Find each operation of a service that the adapters call: `client("sqs").receive_message`."""
    found = set()
    for path in AWS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Call)
                and getattr(node.value.func, "id", "") == "client"
            ):
                found.add((ast.literal_eval(node.value.args[0]), node.attr))
    return {(service, name) for service, name in found if not name.startswith("generate_presigned")}


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """A session for all clients of these tests, since it reads the services' models once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "x")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield boto3.Session()


@pytest.fixture
def environment(session: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("boto3.DEFAULT_SESSION", session)
    client.cache_clear()
    yield
    client.cache_clear()


class Sky:
    """An AWS that gives one answer to all requests, and a clock that only pauses move."""

    def __init__(self, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer: Answer = throttled
        self.attempts, self.seconds = 0, 0.0
        self.each = 0.004  # seconds until an answer
        own_thread.replace(monkeypatch, "time.sleep", self._sleep)
        own_thread.replace(monkeypatch, "time.monotonic", lambda: self.seconds)
        session.events.register_first("before-send", self._send, "sky")  # of clients made later

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def _send(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        self.attempts += 1
        self.seconds += self.each
        _, service, operation = event_name.split(".")
        status, body = self.answer(operation)
        if service == "s3":
            status, body = 503, "SlowDown"  # S3 throttles by its status
        headers = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, status, headers, _Body(json.dumps(body).encode()))


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any) -> Iterator[bytes]:
        yield self._content


def throttled(operation: str) -> tuple[int, Any]:
    return 400, {"__type": "ThrottlingException", "message": "slow"}


def exceeded(operation: str) -> tuple[int, Any]:
    return 400, {"__type": "ProvisionedThroughputExceededException", "message": "hot"}


def failed(operation: str) -> tuple[int, Any]:
    return 503, {"__type": "ServiceUnavailable", "message": "down"}


def lost(operation: str) -> tuple[int, Any]:
    raise ConnectTimeoutError(endpoint_url="x")


@pytest.fixture
def sky(session: Any, environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sky]:
    yield Sky(session, monkeypatch)
    session.events.unregister("before-send", unique_id="sky")


def request(service: str, name: str) -> Any:
    """Make the smallest request that the service's model takes."""
    operation = client(service).meta.method_to_api_mapping[name]
    shape = client(service).meta.service_model.operation_model(operation).input_shape
    return getattr(client(service), name)(**_smallest(shape))


def _smallest(shape: Any) -> Any:
    if shape.type_name == "structure":
        return {name: _smallest(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [_smallest(shape.member)]
    if shape.type_name == "map":
        return {_smallest(shape.key): _smallest(shape.value)}
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else "x" * max(3, int(shape.metadata.get("min", 0)))
    return {"blob": b"x", "boolean": True}.get(shape.type_name, 1)


def test_every_operation_of_the_adapters_is_known() -> None:
    assert len(called()) > 15
    assert {service for service, _ in called()} == {*SERVICES}


@pytest.mark.parametrize(("service", "name"), sorted(called()))
@pytest.mark.parametrize("answer", [throttled, exceeded, failed, lost])
def test_a_caller_never_waits_a_second_for_a_busy_service(
    sky: Sky, service: str, name: str, answer: Answer
) -> None:
    sky.answer = answer
    with wiring.hurried(), pytest.raises(Exception) as raised:
        request(service, name)
    assert is_busy(raised.value), raised.value
    assert 2 <= sky.attempts <= ATTEMPTS
    assert sky.seconds <= retries.CALLER + ATTEMPTS * sky.each


@pytest.mark.parametrize("answer", [throttled, exceeded, failed])
def test_a_worker_repeats_as_often_as_before(sky: Sky, answer: Answer) -> None:
    sky.answer = answer
    with pytest.raises(Exception) as raised:
        request("dynamodb", "put_item")
    assert is_busy(raised.value)
    assert sky.attempts == ATTEMPTS


def unprocessed(operation: str) -> tuple[int, Any]:
    """Answer as DynamoDB does where nothing of a batch or a transaction could be done."""
    put = {"PutRequest": {"Item": {"pk": {"S": "x"}}}}
    codes = [{"Code": "ThrottlingError"}, {"Code": "None"}]
    error = {"__type": "TransactionCanceledException", "CancellationReasons": codes}
    return {
        "BatchGetItem": (200, {"Responses": {}, "UnprocessedKeys": {"t": {"Keys": [put]}}}),
        "BatchWriteItem": (200, {"UnprocessedItems": {"t": [put]}}),
        "TransactWriteItems": (400, error),
        "SendMessageBatch": (200, {"Successful": [], "Failed": [_failure("0")]}),
    }[operation]


def _failure(id: str) -> dict[str, Any]:
    return {"Id": id, "SenderFault": False, "Code": "RequestThrottled"}


ROUNDS: dict[str, tuple[Callable[[], Any], int]] = {
    "get_many": (lambda: items.get_many("t", [{"pk": "x"}]), items.ROUNDS),
    "write_many": (
        lambda: items.write_many("t", [items.to_item({"pk": "x"})], key=("pk",)),
        items.ROUNDS,
    ),
    "put_all": (lambda: items.put_all([("t", ("pk",), items.to_item({"pk": "x"}))]), items.ROUNDS),
    "transact": (
        lambda: items.transact([{"Put": {"TableName": "ttt", "Item": items.to_item({"pk": "x"})}}]),
        items.ROUNDS,
    ),
    "send": (
        lambda: queues._send("https://q", [{"Id": "0", "MessageBody": "x"}]),
        queues.ROUNDS,
    ),
}


@pytest.mark.parametrize("name", ROUNDS)
def test_what_is_done_in_rounds_ends_soon_for_a_caller(sky: Sky, name: str) -> None:
    act, rounds = ROUNDS[name]
    sky.answer = unprocessed
    with wiring.hurried(), pytest.raises(Exception) as raised:
        act()
    assert is_busy(raised.value)
    assert not isinstance(raised.value, items.Contended)
    assert 2 <= sky.attempts < rounds or name == "send"
    assert sky.seconds <= retries.CALLER + rounds * sky.each


@pytest.mark.parametrize("name", ROUNDS)
def test_a_worker_goes_through_all_rounds(sky: Sky, name: str) -> None:
    act, rounds = ROUNDS[name]
    sky.answer = unprocessed
    with pytest.raises(Exception) as raised:
        act()
    assert is_busy(raised.value)
    assert sky.attempts == rounds


def conflict(operation: str) -> tuple[int, Any]:
    reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
    return 400, {"__type": "TransactionCanceledException", "CancellationReasons": reasons}


def test_conflicts_in_every_round_are_told_apart_from_throttles(sky: Sky) -> None:
    sky.answer = conflict
    with wiring.hurried(), pytest.raises(items.Contended):
        ROUNDS["transact"][0]()
    assert sky.attempts >= items.CONTENDED
    with pytest.raises(items.Contended):
        ROUNDS["transact"][0]()


def test_a_conflict_when_no_time_is_left_does_not_say_that_others_were_faster(sky: Sky) -> None:
    with wiring.hurried():
        for _ in range(20):
            with contextlib.suppress(Exception):
                ROUNDS["get_many"][0]()
        sky.answer = conflict
        sky.attempts = 0
        with pytest.raises(items.Unprocessed) as raised:
            ROUNDS["transact"][0]()
    assert sky.attempts < items.CONTENDED
    assert not isinstance(raised.value, items.Contended)


def test_a_throttle_in_any_round_is_no_contention(sky: Sky) -> None:
    answers = iter([conflict, unprocessed])
    sky.answer = lambda name: next(answers, conflict)(name)
    with pytest.raises(items.Unprocessed) as raised:
        ROUNDS["transact"][0]()
    assert sky.attempts == items.ROUNDS
    assert not isinstance(raised.value, items.Contended)


def of_a_second(sky: Sky) -> Answer:
    def answer(operation: str) -> tuple[int, Any]:
        return throttled(operation) if sky.seconds < 1 else (200, {"Item": {"pk": {"S": "x"}}})

    return answer


def test_a_provider_does_not_notice_a_throttle_of_a_second(sky: Sky) -> None:
    """A caller is told to come again, but not every provider does."""
    sky.answer = of_a_second(sky)
    with wiring.hurried(for_provider=True):
        assert request("dynamodb", "get_item")["Item"]
    sky.seconds = 0.0
    with wiring.hurried(), pytest.raises(Exception) as raised:
        request("dynamodb", "get_item")
    assert is_busy(raised.value)


@pytest.mark.parametrize("answer", [throttled, exceeded, failed, lost])
def test_a_provider_has_its_answer_within_five_seconds(sky: Sky, answer: Answer) -> None:
    sky.answer = answer
    with wiring.hurried(for_provider=True):
        for _ in range(5):
            with contextlib.suppress(Exception):
                request("dynamodb", "get_item")
    assert 1 < sky.seconds <= retries.PROVIDER + sky.attempts * sky.each < 4


def test_all_requests_of_a_caller_share_one_budget(sky: Sky) -> None:
    with wiring.hurried():
        for _ in range(20):
            with contextlib.suppress(Exception):
                request("dynamodb", "get_item")
    assert sky.seconds <= retries.CALLER + sky.attempts * sky.each
    assert sky.attempts <= 20 + 2 * ATTEMPTS
    sky.attempts, sky.seconds = 0, 0.0
    with wiring.hurried(), contextlib.suppress(Exception):
        request("dynamodb", "get_item")
    assert sky.attempts >= 3, "the next caller has a budget of its own"


def test_an_attempt_that_hangs_uses_the_budget_up(sky: Sky) -> None:
    sky.answer, sky.each = lost, 2.0
    with wiring.hurried(), pytest.raises(ConnectTimeoutError):
        request("dynamodb", "get_item")
    assert sky.attempts == 1


def test_a_short_throttle_is_not_noticed(sky: Sky) -> None:
    answers = iter([exceeded, throttled])
    sky.answer = lambda name: next(answers, lambda _: (200, {"Item": {"pk": {"S": "x"}}}))(name)
    with wiring.hurried():
        assert request("dynamodb", "get_item")["Item"]
    assert sky.attempts == 3


def test_adapters_pause_in_one_place_only() -> None:
    sleepers = {path.name for path in AWS.glob("*.py") if "time.sleep(" in path.read_text()}
    assert sleepers == {"retries.py", "clock.py"}

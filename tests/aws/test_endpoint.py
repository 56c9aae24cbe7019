"""The short way of requests to DynamoDB and SQS, beside the SDK's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError

from chalicelib.aws.clients import client
from chalicelib.aws.endpoint import Request, ShortEndpoint
from tests import own_thread
from tests.contracts import emulator

OURS = ("dynamodb", "sqs")
ITEM = {"pk": {"S": "日本"}, "raw": {"B": b"\x00\xff"}, "n": {"N": "1"}}
# Headers that tell the SDK's attempts, its name and the time. AWS does not need them.
OF_THE_SDK = {"User-Agent", "Authorization", "X-Amz-Date", "amz-sdk-invocation-id"}
OF_THE_SDK |= {"amz-sdk-request"}


class Line:
    """A stand-in for AWS. It keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[Request | AWSPreparedRequest] = []
        self.answers: list[tuple[int, Any]] = []

    def send(self, request: Any, **_: Any) -> AWSResponse:
        self.requests.append(request)
        status, body = self.answers.pop(0) if self.answers else (200, {})
        headers = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, status, headers, _Raw(json.dumps(body).encode()))

    def connect(self, each: Any) -> Any:
        each.meta.events.register_first("before-send", self.send)
        return each


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any) -> Iterator[bytes]:
        yield self._content


@contextmanager
def surroundings(**more: str) -> Iterator[None]:
    variables = emulator.environment("https://aws.example:4566") | more
    with emulator.in_environment(variables), emulator.own_session():
        yield


@pytest.fixture
def line() -> Iterator[Line]:
    with surroundings():
        yield Line()


def act(service: str, each: Any) -> None:
    if service == "dynamodb":
        each.put_item(TableName="t", Item=ITEM)
    else:
        each.send_message(QueueUrl="https://aws.example:4566/1/q", MessageBody="日本")


def told(request: Request | AWSPreparedRequest) -> tuple[str, str, dict[str, bytes], bytes]:
    """Return what a request tells AWS."""
    headers = {
        name: value if isinstance(value, bytes) else str(value).encode()
        for name, value in request.headers.items()
        if name not in OF_THE_SDK
    }
    return request.method, request.url, headers, request.body


@pytest.mark.parametrize("service", OURS)
def test_a_request_tells_what_the_sdks_own_tells(line: Line, service: str) -> None:
    act(service, line.connect(client(service)))
    act(service, line.connect(boto3.client(service)))
    ours, theirs = line.requests
    assert isinstance(ours, Request)
    assert isinstance(theirs, AWSPreparedRequest)
    assert told(ours) == told(theirs)
    assert b"SignedHeaders=content-type;host;x-amz-date" in ours.headers["Authorization"]


def test_each_attempt_is_signed_anew(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.answers = [(503, {}), (400, {"__type": "ThrottlingException"}), (200, {})]
    times = iter(["20261130T000000Z", "20261130T000001Z", "20261130T000002Z"])
    own_thread.replace(monkeypatch, "time.strftime", lambda *_: next(times))
    own_thread.replace(monkeypatch, "time.sleep", lambda _: None)
    answer = line.connect(client("dynamodb")).put_item(TableName="t", Item=ITEM)
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    signatures = {request.headers["Authorization"] for request in line.requests}
    dates = [request.headers["X-Amz-Date"] for request in line.requests]
    assert len(signatures) == 3
    assert dates == [b"20261130T000000Z", b"20261130T000001Z", b"20261130T000002Z"]


def test_an_error_is_raised_as_the_sdk_raises_it(line: Line) -> None:
    name = "ConditionalCheckFailedException"
    line.answers = [(400, {"__type": f"com.amazonaws#{name}", "message": "no", "Item": ITEM_SENT})]
    each = line.connect(client("dynamodb"))
    with pytest.raises(each.exceptions.ConditionalCheckFailedException) as raised:
        each.put_item(TableName="t", Item=ITEM)
    assert isinstance(raised.value, ClientError)
    assert raised.value.response["Item"] == ITEM
    assert raised.value.response["Error"] == {"Code": name, "Message": "no"}


ITEM_SENT = {"pk": {"S": "日本"}, "raw": {"B": "AP8="}, "n": {"N": "1"}}


def test_a_header_that_x_ray_adds_is_sent(line: Line) -> None:
    """X-Ray's SDK wraps this method of the SDK's endpoint (aws_xray_sdk/ext/botocore/patch.py)."""
    assert ShortEndpoint.prepare_request is Endpoint.prepare_request
    each = line.connect(client("sqs"))
    prepare = each._endpoint.prepare_request

    def traced(request: Any) -> Any:
        request.headers["X-Amzn-Trace-Id"] = "Root=1-2-3"
        return prepare(request)

    each._endpoint.prepare_request = traced
    act("sqs", each)
    assert line.requests[0].headers["X-Amzn-Trace-Id"] == b"Root=1-2-3"


def test_an_address_is_looked_up_once_for_each_operation(line: Line) -> None:
    each = line.connect(client("dynamodb"))
    asked = []
    resolve = each._ruleset_resolver._resolver.construct_endpoint

    def note(operation_model: Any, **request: Any) -> Any:
        asked.append(operation_model.name)
        return resolve(operation_model=operation_model, **request)

    each._ruleset_resolver._resolver.construct_endpoint = note
    for _ in range(3):
        act("dynamodb", each)
    each.describe_table(TableName="t")
    assert asked == ["PutItem", "DescribeTable"]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "https://dynamodb.eu-central-1.amazonaws.com/"),
        ("cn-north-1", "https://dynamodb.cn-north-1.amazonaws.com.cn/"),
    ],
)
def test_the_address_of_aws_is_that_of_the_sdk(
    region: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line()
    with surroundings(AWS_DEFAULT_REGION=region):
        monkeypatch.delenv("AWS_ENDPOINT_URL")
        act("dynamodb", line.connect(client("dynamodb")))
    assert line.requests[0].url == host
    assert f"/{region}/dynamodb/".encode() in line.requests[0].headers["Authorization"]


def test_who_goes_the_short_way() -> None:
    """A proxy is for the SDK's own way, which knows proxies."""

    def goes(service: str, **more: str) -> bool:
        with surroundings(**more):
            return isinstance(client(service)._endpoint, ShortEndpoint)

    assert [goes(service) for service in (*OURS, "s3", "kms")] == [True, True, False, False]
    assert not goes("dynamodb", https_proxy="http://proxy.example:3128")

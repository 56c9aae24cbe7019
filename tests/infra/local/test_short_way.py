"""The short way answers as MiniStack's own way does, and leaves the rest to it.

A header makes MiniStack answer. Its own answers tell the date.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local import short_way
from infra.local.emulator import Emulator
from tests.contracts import emulator
from tests.liveness import eventually

TABLE, OTHER, CLOSED = "short-way", "short-way-other", "short-way-closed"
READ = ("x-amzn-errortype", "x-amzn-query-error", "x-amz-crc32", "content-type", "content-length")
LONG = {"x-forwarded-proto": "http"}
ITEM = {"pk": {"S": "a"}, "text": {"S": "日本"}, "n": {"N": "12"}}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any
    is_short: bool


class Aws:
    """An emulator that enforces rights, as a function sees it."""

    def __init__(self, address: str) -> None:
        self.address, self.host = address, address.removeprefix("http://")
        self.root = Credentials("test", "test")
        self._create()

    def client(self, service: str) -> Any:
        return emulator.root_client(self.address, service)

    def _create(self) -> None:
        for table in (TABLE, OTHER, CLOSED):
            self.client("dynamodb").create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            )
        sqs, iam = self.client("sqs"), self.client("iam")
        self.queue, self.closed = (
            sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("short-way", "closed")
        )
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        iam.create_role(RoleName="function", AssumeRolePolicyDocument=json.dumps(_document(trust)))
        self.allow("function", *_statements())
        session = self.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{emulator.ACCOUNT}:role/function", RoleSessionName="function"
        )["Credentials"]
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        self.function = Credentials(*(session[name] for name in names))

    def allow(self, role: str, *statements: Mapping[str, Any]) -> None:
        self.client("iam").put_role_policy(
            RoleName=role, PolicyName="rights", PolicyDocument=json.dumps(_document(*statements))
        )

    def signed(self, target: str, body: Any, credentials: Credentials | None = None) -> AWSRequest:
        service = "sqs" if target.startswith("AmazonSQS") else "dynamodb"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
        request = AWSRequest("POST", f"{self.address}/", data=content, headers=headers)
        SigV4Auth(credentials or self.function, service, emulator.REGION).add_auth(request)
        return request

    def ask(self, request: AWSRequest, more: Mapping[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection(self.host, timeout=60)
        headers = {**dict(request.headers.items()), **(more or {})}
        connection.request("POST", "/", request.data, headers)
        response = connection.getresponse()
        body = re.sub(rb"\d{8}T\d{6}Z", b"<time>", response.read())
        lines = {name.lower(): value for name, value in response.getheaders()}
        read = {name: lines[name] for name in READ if name in lines}
        connection.close()
        return Answer(response.status, read, json.loads(body), "date" not in lines)

    def both(self, request: AWSRequest) -> tuple[Answer, Answer]:
        return self.ask(request), self.ask(request, LONG)

    def counted(self, method: str = "GET") -> Any:
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request(method, "/_openums/counts")
        return json.loads(connection.getresponse().read())


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statements() -> list[dict[str, Any]]:
    scope = f"{emulator.REGION}:{emulator.ACCOUNT}"
    table, queue = f"arn:aws:dynamodb:{scope}:table/", f"arn:aws:sqs:{scope}:"
    of_ours = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["ours#*"]}}
    missing = f"{table}missing"
    return [
        {"Effect": "Allow", "Action": "dynamodb:*", "Resource": [f"{table}{TABLE}", missing]},
        {"Effect": "Allow", "Action": "dynamodb:Frobnicate", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "dynamodb:PutItem",
            "Resource": f"{table}{OTHER}",
            "Condition": of_ours,
        },
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": f"{queue}short-way"},
        {"Effect": "Allow", "Action": "sqs:*", "Resource": f"{queue}missing"},
    ]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with (
        emulator.in_environment({"NO_PROXY": "127.0.0.1"}),
        emulator.running(tmp_path_factory.mktemp("short"), enforces_iam=True) as address,
    ):
        yield Aws(address)


def put(table: str = TABLE, key: str = "a", **more: Any) -> tuple[str, Any]:
    body = {"TableName": table, "Item": {**ITEM, "pk": {"S": key}}, **more}
    return "DynamoDB_20120810.PutItem", body


def transaction(*actions: tuple[str, Any]) -> tuple[str, Any]:
    items = [{"Put": body} for _, body in actions]
    return "DynamoDB_20120810.TransactWriteItems", {"TransactItems": items}


def reads(*tables: str) -> tuple[str, Any]:
    items = {table: {"Keys": [{"pk": {"S": "a"}}, {"pk": {"S": "none"}}]} for table in tables}
    return "DynamoDB_20120810.BatchGetItem", {"RequestItems": items}


ALLOWED: dict[str, tuple[str, Any]] = {
    "a write": put(),
    "a write under an allowed key": put(OTHER, "ours#1"),
    "a failed condition": put(ConditionExpression="attribute_not_exists(pk)"),
    "a condition that cannot be read": put(ConditionExpression="attribute_not_exists("),
    "a body that is not JSON": ("DynamoDB_20120810.GetItem", b"{"),
    "a table that is not there": put("missing"),
    "an unknown operation": ("DynamoDB_20120810.Frobnicate", {"TableName": TABLE}),
    "reads of a batch": reads(TABLE),
    "a transaction": transaction(put(), put(OTHER, "ours#2")),
    "a query": (
        "DynamoDB_20120810.Query",
        {
            "TableName": TABLE,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "a"}},
        },
    ),
    "a queue that is not there": (
        "AmazonSQS.SendMessage",
        {
            "QueueUrl": f"http://127.0.0.1/{emulator.ACCOUNT}/missing",
            "MessageBody": "a",
        },
    ),
}
REFUSED: dict[str, tuple[str, Any]] = {
    "a table without a right": put(CLOSED),
    "a write under another key": put(OTHER, "theirs#1"),
    "one of two tables": reads(TABLE, CLOSED),
    "one part of a transaction": transaction(put(), put(OTHER, "theirs#2")),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed_is_answered_as_ministack_answers_it(aws: Aws, name: str) -> None:
    aws.ask(aws.signed(*put()))
    short, long = aws.both(aws.signed(*ALLOWED[name]))
    assert (short.status, short.headers, short.body) == (long.status, long.headers, long.body)
    assert (short.is_short, long.is_short) == (name != "a body that is not JSON", False)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_allowed_is_refused_by_ministack(aws: Aws, name: str) -> None:
    short, long = aws.both(aws.signed(*REFUSED[name]))
    assert short == long
    assert short.body["__type"] == "AccessDeniedException"


def test_messages_are_sent_to_allowed_queues_alone(aws: Aws) -> None:
    entries = [{"Id": str(number), "MessageBody": "日本"} for number in range(3)]

    def send(queue: str) -> tuple[Answer, Answer]:
        body = {"QueueUrl": queue, "Entries": entries}
        return aws.both(aws.signed("AmazonSQS.SendMessageBatch", body))

    short, long = send(aws.queue)
    for answer in (short, long):
        for sent in answer.body["Successful"]:
            sent.pop("MessageId")
    assert (short.status, short.headers, short.body) == (200, long.headers, long.body)
    assert (short.is_short, long.is_short) == (True, False)
    refused, too = send(aws.closed)
    assert refused == too
    assert refused.status == 403


def test_a_signature_its_time_and_its_key_are_checked(aws: Aws) -> None:
    key, secret, token = aws.function.access_key, aws.function.secret_key, aws.function.token
    wrong = [
        aws.signed(*put(), Credentials(key, "wrong", token)),
        aws.signed(*put(), Credentials(key, secret, "wrong")),
        aws.signed(*put(), Credentials("AKIAUNKNOWN", secret)),
    ]
    changed = aws.signed(*put())
    changed.data = changed.data.replace(b"12", b"13")
    expired = aws.signed(*put())
    expired.headers.replace_header("X-Amz-Date", "20200101T000000Z")
    unsigned = aws.signed(*put())
    del unsigned.headers["Authorization"]
    nameless = aws.signed(*put())
    text = re.sub("Credential=[^/]+", "Credential=", nameless.headers["Authorization"])
    nameless.headers.replace_header("Authorization", text)
    for request in (*wrong, changed, expired, unsigned, nameless):
        short, long = aws.both(request)
        assert short == long
        assert short.status in (400, 403)
        assert not short.is_short


def test_root_needs_neither_a_policy_nor_a_token(aws: Aws) -> None:
    short, long = aws.both(aws.signed(*put(CLOSED), aws.root))
    assert (short.status, short.headers, short.body) == (200, long.headers, long.body)
    assert short.is_short


def test_a_change_of_rights_is_noticed(aws: Aws) -> None:
    def status() -> int:
        return aws.ask(aws.signed(*put(key="b"))).status

    assert status() == 200
    aws.allow("function", *_statements()[1:])
    assert eventually(status, lambda it: it == 400 or it == 403)
    aws.allow("function", *_statements())
    assert eventually(status, lambda it: it == 200)


def test_both_ways_are_counted_alike(aws: Aws) -> None:
    def counts(more: Mapping[str, str]) -> Any:
        aws.counted("DELETE")
        for target, body in (put(), reads(TABLE), put(TABLE, "c")):
            aws.ask(aws.signed(target, body), {**more, "User-Agent": "Boto3 app/api"})
        return aws.counted()

    short = counts({})
    assert short == counts(LONG)
    assert short["by_caller"]["api"]["dynamodb"] == {"PutItem": 2, "BatchGetItem": 1}
    assert short["write_units"] == {TABLE: 2}


def test_an_answer_leaves_before_it_is_counted() -> None:
    events: list[str] = []

    class Answering:
        def headers_of(self, scope: Any) -> dict[str, str]:
            return {}

        async def answer(self, *request: Any) -> short_way.Answer:
            return short_way.Answer(200, {}, b"{}")

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return lambda *counted: events.append(name)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}"}

    async def send(event: Any) -> None:
        asyncio.get_running_loop().call_soon(events.append, "written")

    answering: Any = Answering()
    counting: Any = Counting()
    call = ("dynamodb", "PutItem", "api")
    none: Any = None
    served = Emulator(none, answering, none, 1, counting)
    asyncio.run(served._counted(call, {}, receive, send))
    assert events == ["written", "written", "dynamodb_units", "aws_request"]


def test_every_name_of_ministack_is_looked_up_at_the_start() -> None:
    source = Path(short_way.__file__).read_text()
    used = set(re.findall(r"self\.(app|actions|iam|responses)\.(\w+)", source))
    assert used == {(module, name) for module, names in short_way.USED.items() for name in names}

"""Amazon SES: its signature, its errors, and the mails that it gets."""

from __future__ import annotations

import email
import email.policy
import json
from base64 import b64decode
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    QuotaUsedUp,
    Throttled,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import Account, Answer, Loss, Outcome, OutgoingCall, Recipient
from chalicelib.providers.email import ses_signing
from chalicelib.providers.email.ses import Ses
from chalicelib.providers.email.ses_signing import Keys
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Request, Response
from tests.providers.email.topics import TOPIC

NOW = 1_700_000_000.0
LOGIN = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI/bPxRfiCY+K"}
OPTIONS = {"region": "eu-west-1", "sender": "news@corp.example", "sender_name": "Büro"}
CONTENT = {"subject": "Grüße – Übersicht", "text": "Hello"}
TAKEN = Response(200, body=b'{"MessageId": "0102018b-000000"}')


class Aws:
    """Implements Transport: answers as SES does, and keeps what it was asked."""

    def __init__(self, answer: Response = TAKEN) -> None:
        self.answer, self.requests = answer, list[Request]()

    def send(self, request: Request, timeout: float) -> Response:
        self.requests.append(request)
        return self.answer


def refusal(status: int, code: str, message: str = "") -> Response:
    headers = {"x-amzn-errortype": f"{code}:http://internal.amazon.com/coral/…"}
    return Response(status, headers, json.dumps({"message": message}).encode())


def sent(aws: Aws, contact: str = "ann@example.org", **options: Any) -> Answer:
    provider = Ses(Http(Policy(), 5.0, aws), lambda: NOW)
    account = Account("news", LOGIN, {**OPTIONS, **options})
    recipient = Recipient(contact, CONTENT, "ref", "https://ums.example/u/x")
    with provider.connect(account) as session:
        return session.send(OutgoingCall("m", [recipient]))


def test_a_mail_is_one_request_with_its_bytes() -> None:
    aws = Aws()
    answer = sent(aws, configuration_set="marketing")
    assert answer.outcomes == [Outcome(provider_id="0102018b-000000")]
    (request,) = aws.requests
    assert request.url == "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails"
    body = json.loads(request.body or b"")
    assert body["Destination"] == {"ToAddresses": ["ann@example.org"]}
    assert body["ConfigurationSetName"] == "marketing"
    mail = email.message_from_bytes(
        b64decode(body["Content"]["Raw"]["Data"]), policy=email.policy.default
    )
    assert (mail["Subject"], mail["To"]) == (CONTENT["subject"], "ann@example.org")
    assert mail["List-Id"] == "<news.corp.example>"


@given(st.binary(max_size=100), st.sampled_from(["", "session/token+"]), st.booleans())
def test_it_is_signed_as_botocore_signs(body: bytes, token: str, has_port: bool) -> None:
    host = "127.0.0.1:8080/ses" if has_port else "email.eu-west-1.amazonaws.com"
    url = f"https://{host}/v2/email/outbound-emails"
    keys = Keys(LOGIN["access_key_id"], LOGIN["secret_access_key"], token)
    headers = ses_signing.signed("POST", url, body, keys, "eu-west-1", NOW)
    request = AWSRequest("POST", url, {"content-type": "application/json"}, body)
    request.context["timestamp"] = request.headers["X-Amz-Date"] = headers["x-amz-date"]
    if token:
        request.headers["X-Amz-Security-Token"] = token
    signer = SigV4Auth(Credentials(keys.id, keys.secret, token or None), "ses", "eu-west-1")
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    assert headers["authorization"].endswith(f"Signature={signer.signature(to_sign, request)}")
    assert headers["x-amz-date"] == "20231114T221320Z"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(429, "TooManyRequestsException", "Maximum sending rate exceeded."), Throttled),
        (refusal(429, "TooManyRequestsException", "Daily message quota exceeded."), QuotaUsedUp),
        (refusal(400, "LimitExceededException"), Throttled),
        (refusal(400, "MessageRejected", "Email address is not verified."), Misconfigured),
        (refusal(400, "MailFromDomainNotVerifiedException"), Misconfigured),
        (refusal(400, "AccountSuspendedException"), Misconfigured),
        (refusal(400, "SendingPausedException"), Misconfigured),
        (refusal(404, "NotFoundException", "Configuration set"), Misconfigured),
        (refusal(403, "InvalidSignatureException"), Misconfigured),
        (refusal(403, "UnrecognizedClientException"), Misconfigured),
        (refusal(400, "RequestExpired"), Misconfigured),
        (refusal(500, "InternalServiceErrorException"), Unavailable),
        (Response(502, body=b"<html>"), Uncertain),
        (Response(200, body=b"{}"), Uncertain),
    ],
)
def test_its_errors_mean_what_the_reference_says(answer: Response, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        sent(Aws(answer))
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("code", "message"), [("MessageRejected", "Illegal content"), ("BadRequestException", "")]
)
def test_a_mail_that_it_will_never_take_has_failed_alone(code: str, message: str) -> None:
    answer = sent(Aws(refusal(400, code, message)))
    assert answer.outcomes == [Outcome(Loss.SUBMIT_FAILED, code)]


@pytest.mark.parametrize(
    ("contact", "outcome"),
    [
        ("nobody", Outcome(Loss.INVALID_TARGET, "bad_address")),
        ("张三@example.cn", Outcome(Loss.SUBMIT_FAILED, "utf8_not_offered")),
    ],
)
def test_addresses_that_it_cannot_take_stay_here(contact: str, outcome: Outcome) -> None:
    aws = Aws()
    assert sent(aws, contact).outcomes == [outcome]
    assert aws.requests == []


@pytest.mark.parametrize(("enabled", "error"), [(True, None), (False, Misconfigured)])
def test_a_test_asks_whether_the_account_may_send(
    enabled: bool, error: type[Exception] | None
) -> None:
    aws = Aws(Response(200, body=json.dumps({"SendingEnabled": enabled}).encode()))
    with Ses(Http(Policy(), 5.0, aws)).connect(Account("news", LOGIN, OPTIONS)) as session:
        if error is None:
            session.check()
        else:
            with pytest.raises(error):
                session.check()
    assert aws.requests[0].url.endswith("/v2/email/account")


@pytest.mark.parametrize(
    ("credentials", "options", "field"),
    [
        ({"access_key_id": ""}, {}, "credentials.access_key_id"),
        ({"access_key_id": "a/b"}, {}, "credentials.access_key_id"),
        ({"secret_access_key": ""}, {}, "credentials.secret_access_key"),
        ({"session_token": "a\r\nx: y"}, {}, "credentials.session_token"),
        ({"topic_arn": "mails"}, {}, "credentials.topic_arn"),
        ({}, {"region": "evil.example/"}, "options.region"),
        ({}, {"sender": "nobody"}, "options.sender"),
        ({}, {"configuration_set": "a b"}, "options.configuration_set"),
        ({}, {"base_url": "http://169.254.169.254"}, "options.base_url"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    credentials: dict[str, str], options: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        Ses(Http(Policy(), 5.0)).check_credentials(
            {**LOGIN, "topic_arn": TOPIC, **credentials}, {**OPTIONS, **options}
        )
    assert error.value.field == field

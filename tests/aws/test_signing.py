"""Signatures of requests to AWS, beside those of the SDK."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws import signing
from chalicelib.aws.clients import client
from tests.contracts import emulator

HOSTS = (
    "https://dynamodb.us-east-1.amazonaws.com/",
    "https://123456789012.ddb.eu-central-1.amazonaws.com",
    "https://sqs.cn-north-1.amazonaws.com.cn/",
    "http://LocalHost:4566/",
    "https://sqs.us-east-1.amazonaws.com:443/",
    "http://[::1]:4566",
    "https://gateway.example/to//aws/./a%20b~/",
)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
NAMES = st.sampled_from(
    ["Content-Type", "X-Amz-Target", "User-Agent", "X-Amzn-Trace-Id", "amz-sdk-request", "Expect"]
)


@given(
    url=st.sampled_from(HOSTS),
    headers=st.dictionaries(NAMES, VALUES),
    body=st.binary(min_size=1, max_size=200),
    token=st.none() | st.text("abcXYZ019/+=", min_size=1),
)
def test_a_request_is_signed_as_the_sdk_signs_it(
    url: str, headers: dict[str, Any], body: bytes, token: str | None
) -> None:
    """A request is signed twice, as a repeated one is. The SDK signs it with the same time."""
    request = AWSRequest("POST", url, headers=headers, data=body)
    names = "dynamodb", "us-east-1"
    for secret in ("of before", "secret/+="):
        signing.Signer(Credentials("AKIDEXAMPLE", secret, token), *names).add_auth(request)
    (authorization,) = request.headers.get_all("Authorization")
    assert request.headers.get_all("X-Amz-Date") == [request.context["timestamp"]]
    assert request.headers.get_all("X-Amz-Security-Token") == ([token] if token else None)
    del request.headers["Authorization"]
    of_sdk = SigV4Auth(Credentials("AKIDEXAMPLE", "secret/+=", token), *names)
    text = of_sdk.string_to_sign(request, of_sdk.canonical_request(request))
    of_sdk._inject_signature_to_request(request, of_sdk.signature(text, request))
    assert authorization == request.headers["Authorization"]


def test_nothing_is_sent_without_credentials() -> None:
    with pytest.raises(NoCredentialsError):
        signing.Signer(None, "dynamodb", "us-east-1").add_auth(AWSRequest("POST", HOSTS[0]))


@pytest.mark.parametrize(("service", "is_ours"), [("dynamodb", True), ("sqs", True), ("s3", False)])
def test_what_is_signed_by_this_signer(service: str, is_ours: bool) -> None:
    variables = emulator.environment("http://127.0.0.1:1")
    with emulator.in_environment(variables), emulator.own_session():
        chosen = client(service)._request_signer._choose_signer("DoIt", "standard", {})
    assert (chosen == signing.VERSION) == is_ours

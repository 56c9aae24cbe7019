"""Signatures of requests to AWS, beside those of the SDK."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from botocore.hooks import HierarchicalEmitter
from botocore.model import ServiceId
from botocore.signers import RequestSigner
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws import signing
from chalicelib.aws.endpoint import Request

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


def signer_of(credentials: Credentials | None) -> RequestSigner:
    """Return the signer that the SDK's client has."""
    names = ServiceId("DynamoDB"), "us-east-1", "dynamodb", "v4"
    return RequestSigner(*names, credentials, HierarchicalEmitter())


@given(
    url=st.sampled_from(HOSTS),
    headers=st.dictionaries(NAMES, VALUES),
    body=st.binary(min_size=1, max_size=200),
    token=st.none() | st.text("abcXYZ019/+=", min_size=1),
)
def test_a_request_is_signed_as_the_sdk_signs_it(
    url: str, headers: dict[str, Any], body: bytes, token: str | None
) -> None:
    signer = signer_of(Credentials("AKIDEXAMPLE", "secret/+=", token))
    ours, theirs = Request(url, {**headers}, body), AWSRequest("POST", url, headers, body)
    signing.sign(ours, signer, {})
    theirs.context["timestamp"] = ours.headers["X-Amz-Date"]
    of_sdk = SigV4Auth(signer._credentials, "dynamodb", "us-east-1")
    theirs.headers["X-Amz-Date"] = theirs.context["timestamp"]
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    text = of_sdk.string_to_sign(theirs, of_sdk.canonical_request(theirs))
    of_sdk._inject_signature_to_request(theirs, of_sdk.signature(text, theirs))
    assert ours.headers == dict(theirs.headers.items())


def test_the_region_and_the_name_may_be_those_of_the_address() -> None:
    request = Request(HOSTS[0], {}, b"{}")
    scope = {"region": "eu-west-3", "signing_name": "sqs"}
    signing.sign(request, signer_of(Credentials("AKIDEXAMPLE", "secret")), scope)
    assert "/eu-west-3/sqs/aws4_request, " in request.headers["Authorization"]


def test_nothing_is_sent_without_credentials() -> None:
    with pytest.raises(NoCredentialsError):
        signing.sign(Request(HOSTS[0], {}, b"{}"), signer_of(None), {})

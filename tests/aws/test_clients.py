"""Clients of AWS."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ParamValidationError

from chalicelib.aws.clients import _repeats, client
from chalicelib.aws.files import Files
from tests.contracts import emulator
from tests.contracts.emulator import BUCKET


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "s3.amazonaws.com"),
        ("ap-southeast-1", "s3.ap-southeast-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_signed_addresses_lead_to_the_host_of_the_buckets_region(
    region: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host of us-east-1 redirects while a bucket is some hours old.

    The signature is wrong there (boto/boto3#4768).
    """
    variables = emulator.environment("") | {"KMS_KEY": "k", "AWS_DEFAULT_REGION": region}
    del variables["AWS_ENDPOINT_URL"]
    for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with emulator.in_environment(variables), emulator.own_session():
        assert Files().form("imports/uploads/1", 1, 2, 60).url == f"https://{host}/{BUCKET}"
        assert (
            Files()
            .address("imports/errors/1", "bad.csv", 60)
            .startswith(f"https://{host}/{BUCKET}/imports/errors/1?")
        )


def test_no_address_is_built_of_an_empty_name() -> None:
    """Without its key, the address of an object is that of its bucket."""
    variables = emulator.environment("http://127.0.0.1:1") | {"KMS_KEY": "k"}
    with emulator.in_environment(variables), emulator.own_session():
        with pytest.raises(ParamValidationError, match="Invalid length for parameter Key"):
            client("s3").delete_object(Bucket=BUCKET, Key="")
        with pytest.raises(ParamValidationError, match="FunctionName"):
            client("lambda").get_function_configuration(FunctionName="")


@pytest.mark.parametrize(
    ("parsed", "is_repeated"), [({"Error": {"Code": "SlowDown"}}, True), ({}, False)]
)
def test_an_error_with_status_200_is_repeated(parsed: dict[str, Any], is_repeated: bool) -> None:
    """S3 answers so when it has begun to answer before it fails."""
    seconds = _repeats()(
        response=(AWSResponse("https://s3.example", 200, {}, None), parsed),
        attempts=1,
        caught_exception=None,
        operation=None,
        request_dict={"context": {}},
    )
    assert (seconds is not None) == is_repeated

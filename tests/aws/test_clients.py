"""Clients of AWS."""

from __future__ import annotations

import pytest

from chalicelib.aws.clients import client
from chalicelib.aws.files import Files


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
    for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    monkeypatch.setattr("chalicelib.aws.files.settings", lambda: _Bucket)
    client.cache_clear()
    try:
        assert Files().form("imports/uploads/1", 1, 2, 60).url == f"https://{host}/files"
        assert (
            Files()
            .address("imports/errors/1", "bad.csv", 60)
            .startswith(f"https://{host}/files/imports/errors/1?")
        )
    finally:
        client.cache_clear()


class _Bucket:
    files_bucket = "files"

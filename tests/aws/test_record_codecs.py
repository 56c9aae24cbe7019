"""Records as they are stored."""

from __future__ import annotations

from typing import Any

from chalicelib.aws.items import pack
from chalicelib.aws.record_codecs import CODECS
from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.strategies import STRATEGIES


def test_an_access_channel_stored_with_a_rate_of_0_has_the_deployments_rate() -> None:
    """No rate was stored as 0 before. A limit of 0 would refuse every request."""
    row: dict[str, Any] = {"name": "shop", "enabled": 1, "secret_hashes": "[]", "channels": {}}
    decode = CODECS[ACCESS_CHANNELS.name].decode
    assert decode("key", {**row, "rate": 0}).rate is decode("key", row).rate is None
    assert decode("key", {**row, "rate": 5}).rate == 5


def test_a_strategy_stored_without_a_version_has_the_first() -> None:
    row = {"channel_key": "key", "name": "push", "body": pack({"steps": []})}
    assert CODECS[STRATEGIES.name].decode("000007", row).version == 1

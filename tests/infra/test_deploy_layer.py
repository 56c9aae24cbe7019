"""The layer of the function of fact files is uploaded only where fact files are on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra import change_sets, deploy
from infra.package_lock import LAYER_FILE

TEMPLATE = {
    "Parameters": {"FactFiles": {"Type": "String", "Default": "off"}},
    "Resources": {
        "Facts": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "x"}},
        "Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": "x"}},
    },
}


class Bucket:
    meta = SimpleNamespace(endpoint_url="https://s3.amazonaws.com")

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
        self.stored[Key] = Body


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    (tmp_path / "sam.json").write_text(json.dumps(TEMPLATE))
    (tmp_path / "deployment.zip").write_bytes(b"code")
    (tmp_path / LAYER_FILE).write_bytes(b"layer")
    return tmp_path


def stored(value: str) -> Mapping[str, Any]:
    return {"Parameters": [{"ParameterKey": "FactFiles", "ParameterValue": value}]}


@pytest.mark.parametrize(
    ("values", "before", "value"),
    [
        ({}, None, "off"),
        ({"FactFiles": "on"}, None, "on"),
        ({}, stored("on"), "on"),
        ({"FactFiles": "off"}, stored("on"), "off"),
        ({}, {}, "off"),
    ],
)
def test_a_parameter_is_what_is_asked_for_then_what_was_before_then_the_default(
    packaged: Path, values: Mapping[str, str], before: Mapping[str, Any] | None, value: str
) -> None:
    assert change_sets.value(packaged, values, before, "FactFiles") == value
    assert change_sets.value(packaged, values, before, "Unknown") is None


@pytest.mark.parametrize("layers", [True, False])
def test_the_layer_is_uploaded_only_where_it_is_used(packaged: Path, layers: bool) -> None:
    bucket = Bucket()
    template = deploy._upload(bucket, "packages", packaged, layers=layers)
    assert (b"layer" in bucket.stored.values()) is layers
    assert b"code" in bucket.stored.values()
    key = template["Resources"]["Layer"]["Properties"]["Content"]["S3Key"]
    assert (key in bucket.stored) is layers

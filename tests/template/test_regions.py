"""The template fits every region."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.template.conftest import Resource, sources

Template = Mapping[str, Any]
Functions = Mapping[str, Resource]


def test_in_china_functions_have_nothing_that_lambda_does_not_know_there(
    template: Template, functions: Functions
) -> None:
    """Lambda in China lacks X-Ray, loop detection, and a bucket for failed batches.

    Source: https://docs.amazonaws.cn/en_us/aws/latest/userguide/lambda.html
    """
    assert template["Conditions"]["InChina"] == {
        "Fn::Equals": [{"Ref": "AWS::Partition"}, "aws-cn"]
    }

    assert {"Fn::Not": [{"Condition": "InChina"}]} in template["Conditions"]["TracingOn"]["Fn::And"]

    clock = template["Resources"]["Clock"]["Properties"]
    assert clock["TracingConfiguration"] == {"Enabled": {"Fn::If": ["TracingOn", True, False]}}

    def there(value: Any) -> Any:
        condition, within, _ = value["Fn::If"]
        assert condition == "InChina"
        return within

    nothing = {"Ref": "AWS::NoValue"}
    for name, function in functions.items():
        assert function["Tracing"]["Fn::If"][0] == "TracingOn", name
        assert (
            there(function.get("RecursiveLoop", {"Fn::If": ["InChina", nothing, nothing]}))
            == nothing
        ), name
        for source in sources(function, "DynamoDB"):
            assert there(source["DestinationConfig"]["OnFailure"]) == nothing, name


def test_no_name_is_of_one_partition(template: Template) -> None:
    assert "arn:aws:" not in json.dumps(template)
    assert set(re.findall(r"[a-z.-]+\.amazonaws\.com[a-z.]*", json.dumps(template))) <= {
        f"{service}.amazonaws.com"
        for service in ("apigateway", "ecs-tasks", "lambda", "scheduler", "states")
    }  # services as principals have these names in China, too

"""Fact files: a bucket of their own, and a function that writes them. They are an option.

The function has DuckDB in a layer, so that the package of all other functions stays small.
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib import config
from infra.package_lock import LAYER_FILE
from infra.template.stage import Resource, Stage, camel, logical_id
from infra.template.workers import conditional

NAME = config.facts_queue()  # also the name of the function
ON = "FactsOn"
LAYER = "FactsLayer"
DISK_MB = 5120  # rows wait there as text, some 200 bytes each
BUCKET = {"Fn::If": [ON, {"Ref": "FactsBucket"}, ""]}  # empty: nothing is written


def function() -> Resource:
    """Return the properties that only this function has."""
    return {"Layers": [{"Ref": LAYER}], "EphemeralStorage": {"Size": DISK_MB}}


def resources(stage: Stage) -> Resource:
    """Build the bucket and the layer, and make the role an option."""
    scope = stage.chalice.scope(stage.name, NAME)
    layer = {
        "LayerName": f"{config.APP}-{stage.name}-facts",  # by which a deployer has its rights
        "Description": "DuckDB, which writes fact files as Parquet",
        "Content": f"./{LAYER_FILE}",  # the deployment puts its place here
        "CompatibleRuntimes": [scope.lambda_python_version],
        "CompatibleArchitectures": [scope.lambda_architecture],
    }
    return conditional(
        {
            "FactsRole": {},  # Chalice builds it
            LAYER: {"Type": "AWS::Lambda::LayerVersion", "Properties": layer},
            "FactsBucket": _bucket(),
            "FactsBucketPolicy": _only_over_tls(),
        },
        ON,
    )


def where_on(resources: Mapping[str, Resource]) -> Resource:
    """Make all that belongs to the function an option: its logs, queues and alarms."""
    return {
        name: {**resource, "Condition": ON} if _is_of_function(name) else resource
        for name, resource in resources.items()
    }


def _is_of_function(name: str) -> bool:
    family = camel(NAME)
    return name == logical_id(NAME) or name.startswith(
        (f"{family}Logs", f"{family}Error", f"{family}Dead", f"{family}3Queue")
    )


def _bucket() -> Resource:
    sealed = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    rule = {
        "Id": "FactsAreDeleted",
        "Status": "Enabled",
        "Prefix": "facts/",
        "ExpirationInDays": {"Ref": "FactsDays"},
    }
    half = {
        "Id": "NoHalfUploads",
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
    }
    return {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [sealed]},
            "PublicAccessBlockConfiguration": dict.fromkeys(closed, True),
            "LifecycleConfiguration": {"Rules": [rule, half]},
        },
    }


def _only_over_tls() -> Resource:
    statement = {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [
            {"Fn::GetAtt": ["FactsBucket", "Arn"]},
            {"Fn::Sub": "${FactsBucket.Arn}/*"},
        ],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    properties = {"Bucket": {"Ref": "FactsBucket"}, "PolicyDocument": document}
    return {"Type": "AWS::S3::BucketPolicy", "Properties": properties}

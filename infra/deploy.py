"""Deploy a packaged stage by CloudFormation change sets: `python -m infra.deploy --stage prod`.

The code is the same for AWS and for the local stack. Only the credentials, the endpoint
(AWS_ENDPOINT_URL) and the template's parameters differ.
The first deployment makes the first access key, which may do everything through the HTTP API.
It prints the key's secret once. Only a hash of the secret is stored.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from chalicelib import config
from infra.package import AWS, CONTAINER, HERE, package_apart

ADMINISTRATOR = "administrator"
BEGUN = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
NO_CHANGES = ("didn't contain changes", "No updates are to be performed", "no changes")


class DeploymentFailed(Exception):
    pass


@dataclass(frozen=True)
class AccessKey:
    access_key: str
    access_secret: str = field(repr=False)


@dataclass(frozen=True)
class Deployment:
    outputs: Mapping[str, str]
    changed: bool


def stack_name(stage: str) -> str:
    return f"{config.APP}-{stage}"


def deploy(
    session: Any,
    *,
    stage: str,
    packaged: Path,
    parameters: Mapping[str, str],
    poll: float = 5.0,
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
) -> Deployment:
    """Bring the stack to the packaged template. Omitted parameters keep their values."""
    stack = stack_name(stage)
    cloudformation, s3 = session.client("cloudformation"), session.client("s3")
    template = _upload(s3, _artifacts_bucket(session, s3), packaged)
    before = _existing(cloudformation, stack, poll)
    exists = before is not None and before["StackStatus"] != "REVIEW_IN_PROGRESS"
    change_set = f"deploy-{int(time.time() * 1000)}"
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=change_set,
        ChangeSetType="UPDATE" if exists else "CREATE",
        TemplateURL=template,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=_parameters(packaged, parameters, before if exists else None),
    )
    if not _has_changes(cloudformation, stack, change_set, poll):
        say(f"{stack}: nothing has changed")
        return Deployment(_outputs(before), changed=False)
    say(f"{stack}: {'updating' if exists else 'creating'}")
    _execute(cloudformation, stack, change_set, poll, exists=exists)
    return Deployment(_outputs(_describe(cloudformation, stack)), changed=True)


def _existing(cloudformation: Any, stack: str, poll: float) -> dict[str, Any] | None:
    """Return the stack, and delete one whose creation failed, since it cannot be updated."""
    before = _describe(cloudformation, stack)
    if before is None or before["StackStatus"] != "ROLLBACK_COMPLETE":
        return before
    cloudformation.delete_stack(StackName=stack)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=before["StackId"], WaiterConfig={"Delay": poll})
    return None


def _execute(
    cloudformation: Any, stack: str, change_set: str, poll: float, *, exists: bool
) -> None:
    # Tables of a failed creation would block the next attempt: CloudFormation deletes them then.
    cloudformation.execute_change_set(
        StackName=stack, ChangeSetName=change_set, RetainExceptOnCreate=True
    )
    waiter = cloudformation.get_waiter(
        "stack_update_complete" if exists else "stack_create_complete"
    )
    try:
        waiter.wait(StackName=stack, WaiterConfig={"Delay": poll, "MaxAttempts": int(3600 / poll)})
    except WaiterError as error:
        raise DeploymentFailed(_why(cloudformation, stack)) from error


def first_access_key(session: Any, stage: str) -> AccessKey | None:
    """Make an administrator's access key if the stage lacks one. Its secret is returned once."""
    dynamodb = session.client("dynamodb")
    table = config.table_name(stage, "settings")
    present = {
        "FilterExpression": "begins_with(pk, :key)",
        "ExpressionAttributeValues": {":key": {"S": "access-key#"}},
    }
    for page in dynamodb.get_paginator("scan").paginate(
        TableName=table, ConsistentRead=True, ProjectionExpression="pk", **present
    ):
        if page["Items"]:
            return None
    return new_access_key(session, stage)


def new_access_key(session: Any, stage: str) -> AccessKey:
    key = AccessKey(secrets.token_hex(12), secrets.token_hex(12))
    item = {
        "pk": {"S": f"access-key#{key.access_key}"},
        "sk": {"S": "-"},
        "secret_hash": {"S": hashlib.sha256(key.access_secret.encode()).hexdigest()},
        "role": {"S": ADMINISTRATOR},
        "created": {"N": str(int(time.time()))},
    }
    session.client("dynamodb").put_item(TableName=config.table_name(stage, "settings"), Item=item)
    return key


def _artifacts_bucket(session: Any, s3: Any) -> str:
    """Return the bucket of packages for CloudFormation, and create a missing one.

    The bucket must belong to this account, because anybody can guess its name.
    """
    account = session.client("sts").get_caller_identity()["Account"]
    region = session.region_name
    bucket = f"{config.APP}-packages-{account}-{region}"
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
        return bucket
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
    location: dict[str, Any] = {}
    if region != "us-east-1":
        location = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **location)
    closed = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=closed)
    return bucket


def _upload(s3: Any, bucket: str, packaged: Path) -> str:
    """Upload the code, and a template that points to it. Return the template's address."""
    code = (packaged / "deployment.zip").read_bytes()
    code_key = f"code/{hashlib.sha256(code).hexdigest()}.zip"
    s3.put_object(Bucket=bucket, Key=code_key, Body=code)
    template = json.loads((packaged / "sam.json").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{bucket}/{code_key}"
    body = json.dumps(template, separators=(",", ":")).encode()
    key = f"template/{hashlib.sha256(body).hexdigest()}.json"
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    # The region's host, since the host of us-east-1 does not know every new bucket.
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"


def _parameters(
    packaged: Path, values: Mapping[str, str], before: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Build the stack's parameters: `values`, and the previous values of the others."""
    declared = json.loads((packaged / "sam.json").read_text())["Parameters"]
    unknown = set(values) - set(declared)
    if unknown:
        raise DeploymentFailed(
            f"unknown parameter: {', '.join(sorted(unknown))}."
            f" The template has {', '.join(sorted(declared))}."
        )
    parameters: list[dict[str, Any]] = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in values.items()
    ]
    previous = {entry["ParameterKey"] for entry in (before or {}).get("Parameters", [])}
    for name in declared:
        if name in previous and name not in values:
            parameters.append({"ParameterKey": name, "UsePreviousValue": True})
    return parameters


def _has_changes(cloudformation: Any, stack: str, change_set: str, poll: float) -> bool:
    """Wait for the change set. Delete it if it is empty."""
    while True:
        answer = cloudformation.describe_change_set(StackName=stack, ChangeSetName=change_set)
        if answer["Status"] == "CREATE_COMPLETE":
            return True
        if answer["Status"] == "FAILED":
            reason = answer.get("StatusReason", "")
            if any(text in reason for text in NO_CHANGES):
                cloudformation.delete_change_set(StackName=stack, ChangeSetName=change_set)
                return False
            raise DeploymentFailed(reason)
        time.sleep(min(poll, 1.0))


def _describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    try:
        (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        return dict(described)
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _outputs(described: Mapping[str, Any] | None) -> dict[str, str]:
    outputs = (described or {}).get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def _why(cloudformation: Any, stack: str) -> str:
    """Return CloudFormation's reasons for the failed attempt, first cause first."""
    lines: list[str] = []
    # Events come newest first. A rollback alone fills several pages.
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    events = itertools.chain.from_iterable(page["StackEvents"] for page in pages)
    for event in events:
        status = event["ResourceStatus"]
        if status.endswith("_FAILED"):
            reason = event.get("ResourceStatusReason", "?")
            lines.insert(0, f"{event['LogicalResourceId']}: {reason}")
        elif event.get("PhysicalResourceId") == event["StackId"] and status in BEGUN:
            break
    return f"{stack} failed\n" + "\n".join(lines[:10])


def aws() -> Any:
    """Return a boto3 session that reads AWS_REGION, as other AWS tools do.

    By itself, boto3 reads only AWS_DEFAULT_REGION.
    """
    import boto3

    if region := os.environ.get("AWS_REGION"):
        os.environ["AWS_DEFAULT_REGION"] = region
    return boto3.session.Session()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", default="prod")
    parser.add_argument("--target", choices=(AWS, HERE, CONTAINER), default=AWS)
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the template (may be repeated)",
    )
    parser.add_argument(
        "--new-access-key",
        action="store_true",
        help="make another administrator's key, e.g. after losing the first",
    )
    return parser


def main() -> None:
    parser = _parser()
    options = parser.parse_args()
    session = aws()
    if not session.region_name:
        parser.error("the region is unknown: set AWS_REGION or AWS_PROFILE")
    try:
        packaged = package_apart(options.stage, options.target)
        parameters = dict(parameter.split("=", 1) for parameter in options.parameter)
        deployment = deploy(session, stage=options.stage, packaged=packaged, parameters=parameters)
    except DeploymentFailed as failure:
        sys.exit(str(failure))
    print(f"API  {deployment.outputs['PublicUrl']}")
    make_key = new_access_key if options.new_access_key else first_access_key
    key = make_key(session, options.stage)
    if key:
        print(f"access key     {key.access_key}")
        print(f"access secret  {key.access_secret}    (shown only once)")


if __name__ == "__main__":
    main()

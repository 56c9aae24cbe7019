"""Deploy a packaged stage by CloudFormation change sets: `python -m infra.deploy --stage prod`.

The same code deploys to AWS and to the local stack; only the credentials, the endpoint (AWS_ENDPOINT_URL) and the template's
parameters differ. The first deployment makes the first access key, which can do everything through the HTTP API, and prints its
secret: it is stored as a hash only and never shown again.
"""

from __future__ import annotations

import argparse
import hashlib
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
    """Bring the stack to what the packaged template says. Parameters that are not given keep what they have."""
    stack = stack_name(stage)
    cloudformation, s3 = session.client("cloudformation"), session.client("s3")
    bucket = _artifacts_bucket(session, s3)
    template = _upload(s3, bucket, packaged)
    before = _describe(cloudformation, stack)
    if (
        before is not None and before["StackStatus"] == "ROLLBACK_COMPLETE"
    ):  # what could not be created is gone, and cannot be updated
        cloudformation.delete_stack(StackName=stack)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=before["StackId"], WaiterConfig={"Delay": poll}
        )
        before = None
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
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=change_set)
        say(f"{stack}: nothing has changed")
        return Deployment(_outputs(before), changed=False)
    say(f"{stack}: {'updating' if exists else 'creating'}")
    # Tables that were made in vain would stand in the way of the next attempt: what is kept is kept from the first success on.
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
    return Deployment(_outputs(_describe(cloudformation, stack)), changed=True)


def first_access_key(session: Any, stage: str) -> AccessKey | None:
    """Make an administrator's access key if there is none yet; its secret leaves this function once."""
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
    """Where packages wait for CloudFormation; made when it is not there. Its name can be guessed: it must be of this account."""
    account = session.client("sts").get_caller_identity()["Account"]
    region = session.region_name
    bucket = f"{config.APP}-packages-{account}-{region}"
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
        return bucket
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
    where = (
        {}
        if region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    s3.create_bucket(Bucket=bucket, **where)
    closed = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=closed)
    return bucket


def _upload(s3: Any, bucket: str, packaged: Path) -> str:
    """Put the code and a template that points to it where CloudFormation finds them; the template's address."""
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
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"  # at its region's host: that of us-east-1 does not know every new bucket


def _parameters(
    packaged: Path, given: Mapping[str, str], before: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    known = json.loads((packaged / "sam.json").read_text())["Parameters"]
    kept = {each["ParameterKey"] for each in before.get("Parameters", [])} if before else set()
    wrong = set(given) - set(known)
    if wrong:
        raise DeploymentFailed(
            f"no such parameter: {', '.join(sorted(wrong))}; there are {', '.join(sorted(known))}"
        )
    values: list[dict[str, Any]] = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
    ]
    return values + [
        {"ParameterKey": name, "UsePreviousValue": True}
        for name in known
        if name in kept - set(given)
    ]


def _has_changes(cloudformation: Any, stack: str, change_set: str, poll: float) -> bool:
    while True:
        found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=change_set)
        if found["Status"] == "CREATE_COMPLETE":
            return True
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "")
            if any(words in reason for words in NO_CHANGES):
                return False
            raise DeploymentFailed(reason)
        time.sleep(min(poll, 1.0))


def _describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return found
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _outputs(described: Mapping[str, Any] | None) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in (described or {}).get("Outputs", [])}


def _why(cloudformation: Any, stack: str) -> str:
    """The reasons that CloudFormation gives for what it has just tried, first cause first."""
    lines: list[str] = []
    pages = cloudformation.get_paginator("describe_stack_events").paginate(
        StackName=stack
    )  # newest first; a rollback alone fills some
    for each in (event for page in pages for event in page["StackEvents"]):
        if each["ResourceStatus"].endswith("_FAILED"):
            lines.insert(0, f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '?')}")
        elif each.get("PhysicalResourceId") == each["StackId"] and each["ResourceStatus"] in BEGUN:
            break
    return f"{stack} failed\n" + "\n".join(lines[:10])


def aws() -> Any:
    """boto3 as other tools for AWS are configured: by itself it reads AWS_DEFAULT_REGION and not AWS_REGION."""
    import boto3

    if region := os.environ.get("AWS_REGION"):
        os.environ["AWS_DEFAULT_REGION"] = region
    return boto3.session.Session()


def main() -> None:
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
        help="of the template; may be repeated",
    )
    parser.add_argument(
        "--new-access-key",
        action="store_true",
        help="make another administrator's key, e.g. after losing the first",
    )
    options = parser.parse_args()

    session = aws()
    if not session.region_name:
        parser.error("no region: set AWS_REGION or AWS_PROFILE")
    try:
        packaged = package_apart(options.stage, options.target)
        parameters = dict(each.split("=", 1) for each in options.parameter)
        done = deploy(session, stage=options.stage, packaged=packaged, parameters=parameters)
    except DeploymentFailed as failure:
        sys.exit(str(failure))
    print(f"API  {done.outputs['PublicUrl']}")
    key = (
        new_access_key(session, options.stage)
        if options.new_access_key
        else first_access_key(session, options.stage)
    )
    if key:
        print(
            f"access key     {key.access_key}\naccess secret  {key.access_secret}    (shown this once)"
        )


if __name__ == "__main__":
    main()

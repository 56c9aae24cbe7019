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
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from chalicelib import config
from infra import aws_errors, change_sets, preflight
from infra.access_keys import first_access_key, new_access_key
from infra.package import package_apart
from infra.package_lock import LAYER_FILE
from infra.releases import Releases
from infra.stacks import NOT_CREATED, DeploymentFailed, aws, describe, refuse_unready, stack_name

Packaging = Callable[[str, str], Path]
BEGUN = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")


@dataclass(frozen=True)
class Deployment:
    outputs: Mapping[str, str]
    changed: bool


def deploy(
    session: Any,
    *,
    stage: str,
    packaged: Path,
    parameters: Mapping[str, str],
    poll: float = 5.0,
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
    may_replace: Collection[str] = (),
) -> Deployment:
    """Create or update the stack by the packaged template. Omitted parameters keep their values.

    Raise DeploymentFailed if a resource with data would be replaced or removed, unless
    `may_replace` names it.
    """
    stack = stack_name(stage)
    cloudformation = session.client("cloudformation")
    before = _existing(cloudformation, stack, poll)
    exists = before is not None
    noted = noted_releases(session, stage)
    if before is not None:
        noted.settle(template_of(cloudformation, stack), before)
    change_set, template = _change_set(cloudformation, noted, packaged, parameters, before, poll)
    if change_set is None:
        say(f"{stack}: nothing has changed")
        return Deployment(_outputs(before), changed=False)
    if exists:
        refuse_losses(cloudformation, stack, change_set, may_replace)
    say(f"{stack}: {'updating' if exists else 'creating'}")
    execute(cloudformation, stack, change_set, poll, exists=exists)
    if not exists:
        _protect(cloudformation, stack, say)
    after = describe(cloudformation, stack)
    noted.remember(template, after)
    return Deployment(_outputs(after), changed=True)


def plan(
    session: Any, *, stage: str, packaged: Path, parameters: Mapping[str, str], poll: float = 1.0
) -> Iterator[str]:
    """Yield the lines of a table of all changes. The stack stays as it is."""
    stack = stack_name(stage)
    cloudformation = session.client("cloudformation")
    before = ready(cloudformation, stack)
    if before is not None and before["StackStatus"] == NOT_CREATED:
        raise DeploymentFailed(
            f"{stack} is left from a first deployment that failed, and cannot be planned."
            " A deployment deletes it and creates everything."
        )
    noted = noted_releases(session, stage)
    change_set, _ = _change_set(cloudformation, noted, packaged, parameters, before, poll)
    if change_set is None:
        yield f"{stack}: nothing would change"
        return
    try:
        yield from change_sets.table(change_sets.changes(cloudformation, stack, change_set))
    finally:
        change_sets.discard(cloudformation, stack, change_set, exists=before is not None)


def _change_set(
    cloudformation: Any,
    noted: Releases,
    packaged: Path,
    parameters: Mapping[str, str],
    before: Mapping[str, Any] | None,
    poll: float,
) -> tuple[str | None, str]:
    """Upload the package. Return a change set, or None if nothing changes, and its template."""
    has_facts = change_sets.value(packaged, parameters, before, "FactFiles") == "on"
    template = noted.upload(_upload(noted.s3, noted.bucket, packaged, layers=has_facts))
    change_set = change_sets.create(
        cloudformation,
        stack_name(noted.stage),
        template=template,
        parameters=change_sets.parameters(packaged, parameters, before),
        exists=before is not None,
        poll=poll,
    )
    return change_set, template


def refuse_losses(
    cloudformation: Any, stack: str, change_set: str, may_replace: Collection[str]
) -> None:
    listed = change_sets.changes(cloudformation, stack, change_set)
    try:
        change_sets.refuse_losses(listed, may_replace)
    except DeploymentFailed:
        change_sets.discard(cloudformation, stack, change_set, exists=True)
        raise


def _protect(cloudformation: Any, stack: str, say: Callable[[str], None]) -> None:
    """Switch termination protection on. Without the right to do so, the deployment still stands."""
    try:
        cloudformation.update_termination_protection(
            StackName=stack, EnableTerminationProtection=True
        )
    except ClientError as error:
        say(f"{stack} is not protected against deletion. {aws_errors.explain(error)}")


def _existing(cloudformation: Any, stack: str, poll: float) -> dict[str, Any] | None:
    """Return the stack, and delete one whose creation failed, since it cannot be updated."""
    before = ready(cloudformation, stack)
    if before is None or before["StackStatus"] != NOT_CREATED:
        return before
    cloudformation.delete_stack(StackName=stack)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=before["StackId"], WaiterConfig={"Delay": poll})
    return None


def ready(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    """Return the stack if there is one. Raise DeploymentFailed if it takes no change set now."""
    before = describe(cloudformation, stack)
    if before is not None:
        refuse_unready(stack, before["StackStatus"])
    return before


def execute(cloudformation: Any, stack: str, change_set: str, poll: float, *, exists: bool) -> None:
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
        raise DeploymentFailed(why(cloudformation, stack)) from error


def noted_releases(session: Any, stage: str) -> Releases:
    s3 = session.client("s3")
    return Releases(s3, artifacts_bucket(session, s3), stage)


def template_of(cloudformation: Any, stack: str) -> dict[str, Any]:
    """Return the template that a stack has, as it was uploaded."""
    answer = cloudformation.get_template(StackName=stack, TemplateStage="Original")
    return dict(answer["TemplateBody"])


def artifacts_bucket(session: Any, s3: Any) -> str:
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


def _upload(s3: Any, bucket: str, packaged: Path, *, layers: bool) -> dict[str, Any]:
    """Upload the code, and return a template that points to it.

    The layer is larger than the code. Only the function of fact files has one.
    """
    code_key = _upload_zip(s3, bucket, packaged / "deployment.zip")
    template: dict[str, Any] = json.loads((packaged / "sam.json").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{bucket}/{code_key}"
        if resource["Type"] == "AWS::Lambda::LayerVersion":
            file = packaged / LAYER_FILE
            layer_key = _upload_zip(s3, bucket, file) if layers else _zip_key(file.read_bytes())
            resource["Properties"]["Content"] = {"S3Bucket": bucket, "S3Key": layer_key}
    return template


def _upload_zip(s3: Any, bucket: str, file: Path) -> str:
    content = file.read_bytes()
    key = _zip_key(content)
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    return key


def _zip_key(content: bytes) -> str:
    return f"code/{hashlib.sha256(content).hexdigest()}.zip"


def _outputs(described: Mapping[str, Any] | None) -> dict[str, str]:
    outputs = (described or {}).get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def why(cloudformation: Any, stack: str) -> str:
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    preflight.add_arguments(parser)
    parser.add_argument(
        "--plan", action="store_true", help="print what would change, and change nothing"
    )
    parser.add_argument(
        "--yes-replace",
        action="append",
        default=[],
        metavar="LOGICAL_ID",
        help="a table, bucket or key that may be replaced or removed (may be repeated)",
    )
    parser.add_argument(
        "--no-preflight", action="store_true", help="deploy without checking the account"
    )
    parser.add_argument(
        "--new-access-key",
        action="store_true",
        help="make another administrator's key, e.g. after losing the first",
    )
    return parser


def main(arguments: Sequence[str] | None = None, *, session_of: Callable[[], Any] = aws) -> None:
    options = _parser().parse_args(arguments)
    try:
        _run(session_of(), options)
    except DeploymentFailed as failure:
        sys.exit(str(failure))
    except subprocess.CalledProcessError:
        sys.exit("the stage could not be packaged: the reason is above")
    except (BotoCoreError, ClientError) as error:
        sys.exit(aws_errors.explain(error))


def _run(session: Any, options: argparse.Namespace, package: Packaging = package_apart) -> None:
    packaged = package(options.stage, options.target)
    wanted = {"stage": options.stage, "packaged": packaged, "parameters": dict(options.parameter)}
    if not options.no_preflight and not preflight.report(session, **wanted):
        raise DeploymentFailed("nothing was deployed; --no-preflight deploys nevertheless")
    if options.plan:
        for line in plan(session, **wanted):
            print(line)
        return
    deployment = deploy(session, **wanted, may_replace=options.yes_replace)
    print(f"API  {deployment.outputs['PublicUrl']}")
    make_key = new_access_key if options.new_access_key else first_access_key
    key = make_key(session, options.stage)
    if key:
        print(f"access key     {key.access_key}")
        print(f"access secret  {key.access_secret}    (shown only once)")


if __name__ == "__main__":
    main()

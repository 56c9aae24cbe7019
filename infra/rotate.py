"""Rotate what a deployment has of its own: `python -m infra.rotate --stage prod`.

Makes another global access key and prints it once. With it, adds a data key for contacts and
contents. Then names the earlier global keys. `--end KEY` ends such a key, once no program uses it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import config
from chalicelib.aws.vault import CACHE_SECONDS
from infra import aws_errors
from infra.access_keys import new_access_key
from infra.smoke_target import Api, Failed, settled
from infra.stacks import DeploymentFailed, aws, describe, stack_name

PREFIX = "access-key#"


def rotate(session: Any, stage: str, *, say: Callable[[str], None] = print) -> None:
    """Make both keys. Raise DeploymentFailed without a stack."""
    described = describe(session.client("cloudformation"), stack_name(stage))
    if described is None:
        raise DeploymentFailed(f"{stack_name(stage)} does not exist")
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}
    earlier = list(global_keys(session, stage))
    key = new_access_key(session, stage)
    say(f"access key     {key.access_key}")
    say(f"access secret  {key.access_secret}    (shown only once)")
    api = Api(outputs["PublicUrl"], (key.access_key, key.access_secret))
    answer = settled(lambda: api.ask("POST", "/admin/v1/data-keys", {}))
    say(f"data key       version {answer['version']}")
    say(f"               all functions seal with it within {CACHE_SECONDS} seconds")
    for name in earlier:
        say(f"earlier key    {name}: when no program uses it, end it with --end {name}")


def global_keys(session: Any, stage: str) -> Iterator[str]:
    """Yield the global access keys. They have no name, as members have."""
    pages = (
        session.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=config.table_name(stage, "settings"),
            ConsistentRead=True,
            FilterExpression="begins_with(pk, :key) AND attribute_not_exists(#name)",
            ExpressionAttributeNames={"#name": "name"},
            ExpressionAttributeValues={":key": {"S": PREFIX}},
        )
    )
    for page in pages:
        for item in page["Items"]:
            yield item["pk"]["S"].removeprefix(PREFIX)


def end(session: Any, stage: str, name: str) -> None:
    """End a global access key. Raise DeploymentFailed for the last one, and for another name."""
    names = set(global_keys(session, stage))
    if name not in names:
        raise DeploymentFailed(f"{name} is not a global access key of {stack_name(stage)}")
    if len(names) == 1:
        raise DeploymentFailed(f"{name} is the last global access key: make another one first")
    session.client("dynamodb").delete_item(
        TableName=config.table_name(stage, "settings"),
        Key={"pk": {"S": PREFIX + name}, "sk": {"S": "-"}},
    )


def main(arguments: Sequence[str] | None = None, *, session_of: Callable[[], Any] = aws) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", required=True)
    parser.add_argument("--end", default="", metavar="KEY", help="end an earlier global key")
    options = parser.parse_args(arguments)
    try:
        session = session_of()
        if options.end:
            end(session, options.stage, options.end)
            print(f"{options.end} is ended")
        else:
            rotate(session, options.stage)
    except (DeploymentFailed, Failed) as failure:
        sys.exit(str(failure))
    except requests.RequestException as error:
        sys.exit(f"the API of {stack_name(options.stage)} was not reached: {error}")
    except (BotoCoreError, ClientError) as error:
        sys.exit(aws_errors.explain(error))


if __name__ == "__main__":
    main()

"""Deploy the release before the present one again: `python -m infra.rollback --stage prod`.

The code and the template are those that were uploaded then. Parameters keep their values, and so
does all data. A parameter that only that release has gets its value of then. A second rollback goes
forward again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra import aws_errors, change_sets, deploy
from infra.releases import Release, Releases, values_of
from infra.stacks import NOT_CREATED, DeploymentFailed, aws, describe, stack_name

FUNCTION = "AWS::Serverless::Function"


def rollback(
    session: Any,
    *,
    stage: str,
    poll: float = 5.0,
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
    may_replace: Collection[str] = (),
) -> None:
    """Raise DeploymentFailed if there is nothing to go back to, or if data would be lost."""
    stack, cloudformation = stack_name(stage), session.client("cloudformation")
    before = deploy.ready(cloudformation, stack)
    if before is None:
        raise DeploymentFailed(f"{stack} does not exist")
    if before["StackStatus"] == NOT_CREATED:
        raise DeploymentFailed(f"{stack} is left from a first deployment that failed")
    noted = deploy.noted_releases(session, stage)
    release, body = _earlier(cloudformation, stack, noted, before)
    template = noted.upload(body)
    parameters = _parameters(body["Parameters"], release, before)
    change_set = change_sets.create(
        cloudformation, stack, template=template, parameters=parameters, exists=True, poll=poll
    )
    if change_set is None:
        say(f"{stack}: nothing has changed")
        return
    deploy.refuse_losses(cloudformation, stack, change_set, may_replace)
    moment = datetime.fromtimestamp(release.time / 1000, UTC)
    say(f"{stack}: going back to the release of {moment:%Y-%m-%d %H:%M} UTC")
    deploy.execute(cloudformation, stack, change_set, poll, exists=True)
    noted.remember(template, describe(cloudformation, stack))


def _earlier(
    cloudformation: Any, stack: str, noted: Releases, before: Mapping[str, Any]
) -> tuple[Release, dict[str, Any]]:
    """Return the release to go back to, and its template. Raise DeploymentFailed without one."""
    present = deploy.template_of(cloudformation, stack)
    noted.settle(present, before)
    release = noted.earlier()
    if release is None:
        raise DeploymentFailed(f"{stack} has no earlier release: check it out, and deploy it")
    body = noted.body_of(release) if noted.has_template(release) else None
    if body is None or not all(map(noted.has, _codes(noted, body))):
        moment = datetime.fromtimestamp(release.time / 1000, UTC)
        raise DeploymentFailed(
            f"the package of {moment:%Y-%m-%d %H:%M} UTC is gone from the bucket {noted.bucket}:"
            " check that release out, and deploy it"
        )
    return release, _with_layers(noted, body, present)


def _codes(noted: Releases, body: Mapping[str, Any]) -> set[str]:
    """Return the keys of the zips of functions."""
    functions = [each for each in body["Resources"].values() if each["Type"] == FUNCTION]
    return {
        each["Properties"]["CodeUri"].removeprefix(f"s3://{noted.bucket}/") for each in functions
    }


def _parameters(
    declared: Collection[str], release: Release, before: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Let parameters keep their values. Those that the stack has no more get theirs of then."""
    lost = set(declared) & set(release.parameters) - set(values_of(before))
    values = [
        {"ParameterKey": name, "ParameterValue": release.parameters[name]} for name in sorted(lost)
    ]
    return values + change_sets.kept(declared, before)


def _with_layers(
    noted: Releases, body: dict[str, Any], present: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a template whose layers are there. One that was never uploaded becomes today's.

    A layer is uploaded only where fact files are on. They may have been turned on since then.
    """
    resources = dict(body["Resources"])
    for name, resource in body["Resources"].items():
        today = present["Resources"].get(name)
        is_layer = resource["Type"] == "AWS::Lambda::LayerVersion"
        if is_layer and today and not noted.has(resource["Properties"]["Content"]["S3Key"]):
            resources[name] = today
    return {**body, "Resources": resources}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", required=True)
    parser.add_argument("--yes-replace", action="append", default=[], metavar="LOGICAL_ID")
    options = parser.parse_args(arguments)
    try:
        rollback(aws(), stage=options.stage, may_replace=options.yes_replace)
    except DeploymentFailed as failure:
        sys.exit(str(failure))
    except (BotoCoreError, ClientError) as error:
        sys.exit(aws_errors.explain(error))


if __name__ == "__main__":
    main()

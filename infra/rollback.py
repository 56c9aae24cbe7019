"""Deploy the release before the present one again: `python -m infra.rollback --stage prod`.

The code and the template are those that were uploaded then. Parameters keep their values, and so
does all data. A second rollback goes forward again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra import aws_errors, change_sets, deploy, releases
from infra.stacks import DeploymentFailed, aws, stack_name


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
    s3 = session.client("s3")
    bucket = deploy.artifacts_bucket(session, s3)
    template = releases.earlier(s3, bucket, stage)
    if template is None:
        raise DeploymentFailed(f"{stack} has no earlier release: check it out, and deploy it")
    declared = json.loads(releases.read(s3, bucket, template))["Parameters"]
    parameters = change_sets.kept(declared, before)
    change_set = change_sets.create(
        cloudformation, stack, template=template, parameters=parameters, exists=True, poll=poll
    )
    if change_set is None:
        say(f"{stack}: nothing has changed")
        return
    deploy.refuse_losses(cloudformation, stack, change_set, may_replace)
    say(f"{stack}: going back")
    deploy.execute(cloudformation, stack, change_set, poll, exists=True)
    releases.remember(s3, bucket, stage, template)


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

"""Check an account before a deployment: `python -m infra.preflight --stage prod`.

Every check only reads. A check that AWS does not allow is a warning.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra import aws_errors, routes_out, taken, upgrade
from infra.concurrency import ROOM_FOR_API, fitting, reserved, sources
from infra.package import AWS, CONTAINER, HERE, package_apart
from infra.releases import values_of
from infra.stacks import NOT_CREATED, DeploymentFailed, aws, describe, refuse_unready, stack_name

QUOTA = "Service Quotas, Lambda, “Concurrent executions”"


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    level: Level
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:5} {self.subject:12} {self.text}"


@dataclass(frozen=True)
class Deployment:
    """A deployment that is about to happen. `before` is the stack that exists, if any."""

    session: Any
    stack: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    before: Mapping[str, Any] | None

    def named(self, kind: str, name: str) -> list[str]:
        """Return the names of the resources of a type that always exist."""
        return [
            resource["Properties"][name]
            for resource in self.template["Resources"].values()
            if resource["Type"] == kind and "Condition" not in resource
        ]

    @property
    def is_created(self) -> bool:
        return self.before is not None and self.before["StackStatus"] != NOT_CREATED


Check = Callable[[Deployment], Iterator[Finding]]


def report(
    session: Any,
    *,
    stage: str,
    packaged: Path,
    parameters: Mapping[str, str],
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
) -> bool:
    """Print the findings, and return whether the deployment may begin."""
    may_begin = True
    for finding in check(session, stage=stage, packaged=packaged, parameters=parameters):
        say(str(finding))
        may_begin = may_begin and finding.level is not Level.FAIL
    return may_begin


def check(
    session: Any, *, stage: str, packaged: Path, parameters: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield the findings. Without valid credentials there is only one."""
    template = json.loads((packaged / "sam.json").read_text())
    stack = stack_name(stage)
    try:
        caller = session.client("sts").get_caller_identity()
        before = describe(session.client("cloudformation"), stack)
    except (BotoCoreError, ClientError) as error:
        yield Finding(Level.FAIL, "caller", aws_errors.explain(error))
        return
    yield Finding(Level.OK, "caller", f"{caller['Arn']} in {session.region_name}")
    effective = _effective(template, before, parameters)
    deployment = Deployment(session, stack, template, effective, before)
    for subject, run in CHECKS.items():
        try:
            yield from run(deployment)
        except (BotoCoreError, ClientError) as error:
            yield Finding(Level.WARN, subject, f"not checked. {aws_errors.explain(error)}")


def _effective(
    template: Mapping[str, Any], before: Mapping[str, Any] | None, values: Mapping[str, str]
) -> dict[str, str]:
    """Return the parameters that the stack will have."""
    defaults = {
        name: str(parameter.get("Default", ""))
        for name, parameter in template["Parameters"].items()
    }
    kept = (before or {}).get("Parameters", [])
    previous = {
        entry["ParameterKey"]: entry["ParameterValue"]
        for entry in kept
        if entry["ParameterKey"] in defaults
    }
    return {**defaults, **previous, **values}


def _stack(deployment: Deployment) -> Iterator[Finding]:
    before = deployment.before
    if before is None:
        yield Finding(Level.OK, "stack", f"{deployment.stack} will be created")
        return
    try:
        refuse_unready(deployment.stack, before["StackStatus"])
    except DeploymentFailed as failure:
        yield Finding(Level.FAIL, "stack", str(failure))
        return
    yield Finding(Level.OK, "stack", f"{deployment.stack} is {before['StackStatus']}")


def _concurrency(deployment: Deployment) -> Iterator[Finding]:
    """Compare the functions that may run at once with what the account allows."""
    limits = deployment.session.client("lambda").get_account_settings()["AccountLimit"]
    # Reserved functions of other applications are not there for a stage.
    allowed = limits.get("UnreservedConcurrentExecutions", limits["ConcurrentExecutions"])
    before = values_of(deployment.before) if deployment.is_created else {}
    allowed -= reserved(deployment.parameters) - reserved(before)
    waiting = sources(deployment.template)
    needed = sum(map(sum, waiting.values())) + ROOM_FOR_API
    if needed <= allowed:
        text = f"the account runs {allowed} functions at once, and the stage needs {needed}"
        yield Finding(Level.OK, "concurrency", text)
        return
    text = f"the account runs {allowed} functions at once, but the stage needs {needed}"
    smaller = fitting(waiting, allowed - ROOM_FOR_API)
    if smaller is None:
        least = 2 * sum(map(len, waiting.values())) + ROOM_FOR_API
        advice = f"ask AWS for {needed} ({QUOTA}), or for {least} with a `concurrency` of 2"
    else:
        advice = (
            f'set "concurrency": {json.dumps(smaller)} of the stage in .chalice/config.json,'
            f" or ask AWS for {needed} ({QUOTA})"
        )
    yield Finding(Level.FAIL, "concurrency", f"{text}: {advice}")


def _runtime(deployment: Deployment) -> Iterator[Finding]:
    known = deployment.session.client("lambda").meta.service_model.shape_for("Runtime").enum
    for runtime in sorted(set(deployment.named("AWS::Serverless::Function", "Runtime"))):
        if runtime in known:
            yield Finding(Level.OK, "runtime", runtime)
        else:
            text = f"Lambda has no {runtime}: raise RUNTIME in infra/package.py"
            yield Finding(Level.FAIL, "runtime", text)


def _names(deployment: Deployment) -> Iterator[Finding]:
    """Look for names that an earlier stack left behind, before a stack is created."""
    if deployment.is_created:
        return
    session = deployment.session
    names = [
        *taken.tables(session, deployment.named("AWS::DynamoDB::Table", "TableName")),
        *taken.log_groups(session, deployment.named("AWS::Logs::LogGroup", "LogGroupName")),
        *taken.aliases(session, deployment.named("AWS::KMS::Alias", "AliasName")),
    ]
    if names:
        text = f"left by an earlier stack: {', '.join(names)}. Import or delete them"
        yield Finding(Level.FAIL, "names", f"{text} (docs/how-to/restore.md)")
    else:
        yield Finding(Level.OK, "names", "no table, log group or alias is in the way")


def _layout(deployment: Deployment) -> Iterator[Finding]:
    """Look for settings that today's code would not find, and would give other numbers."""
    stage = deployment.stack.removeprefix(stack_name(""))
    if deployment.is_created and upgrade.is_needed(deployment.session, stage):
        text = f"settings are kept as in November 2026: run `make upgrade STAGE={stage}` first"
        yield Finding(Level.FAIL, "layout", f"{text} (docs/how-to/deploy.md)")


def _parameters(deployment: Deployment) -> Iterator[Finding]:
    declared = deployment.template["Parameters"]
    for name in sorted(set(deployment.parameters) - set(declared)):
        text = f"{name} is unknown. The template has {', '.join(sorted(declared))}"
        yield Finding(Level.FAIL, "parameters", text)


def _subnets(deployment: Deployment) -> Iterator[Finding]:
    parameters = deployment.parameters
    if parameters["DeliverySubnets"] and not parameters["DeliverySecurityGroups"]:
        text = "DeliverySubnets needs DeliverySecurityGroups: add the parameter"
        yield Finding(Level.FAIL, "subnets", text)
        return
    subnets = [name.strip() for name in parameters["DeliverySubnets"].split(",") if name.strip()]
    if not subnets:
        return
    if faults := list(routes_out.faults(deployment.session.client("ec2"), subnets)):
        text = f"{', '.join(faults)}: providers need a NAT gateway (docs/how-to/fixed-ip.md)"
        yield Finding(Level.FAIL, "subnets", text)
    else:
        yield Finding(Level.OK, "subnets", f"{', '.join(subnets)} have a way out")


def _cmpp(deployment: Deployment) -> Iterator[Finding]:
    """Look for the role of ECS. An account's first service may fail while AWS makes the role."""
    parameters = deployment.parameters
    if parameters["CmppDesiredCount"] == "0" or not parameters["CmppImage"]:
        return
    role = "AWSServiceRoleForECS"
    if taken.is_there(deployment.session.client("iam").get_role, RoleName=role):
        yield Finding(Level.OK, "cmpp", f"the role {role} is there")
    else:
        text = f"{role} is missing: make the service-linked role of ECS in IAM, then deploy"
        yield Finding(Level.WARN, "cmpp", text)


def _alarms(deployment: Deployment) -> Iterator[Finding]:
    if deployment.parameters["AlarmTopic"]:
        yield Finding(Level.OK, "alarms", f"go to {deployment.parameters['AlarmTopic']}")
    else:
        text = "nobody hears of them: deploy with --parameter AlarmTopic=<ARN of an SNS topic>"
        yield Finding(Level.WARN, "alarms", text)


CHECKS: Mapping[str, Check] = {
    "stack": _stack,
    "concurrency": _concurrency,
    "runtime": _runtime,
    "names": _names,
    "layout": _layout,
    "parameters": _parameters,
    "subnets": _subnets,
    "cmpp": _cmpp,
    "alarms": _alarms,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say what is deployed."""
    parser.add_argument("--stage", default="prod")
    parser.add_argument("--target", choices=(AWS, HERE, CONTAINER), default=AWS)
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        help="a parameter of the template (may be repeated)",
    )


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text}: NAME=VALUE is needed")
    return name, value


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_arguments(parser)
    options = parser.parse_args()
    try:
        session = aws()
        packaged = package_apart(options.stage, options.target)
    except (DeploymentFailed, BotoCoreError, subprocess.CalledProcessError) as error:
        sys.exit(f"{Level.FAIL:5} {error}")
    wanted = {"stage": options.stage, "packaged": packaged, "parameters": dict(options.parameter)}
    sys.exit(not report(session, **wanted, say=print))


if __name__ == "__main__":
    main()

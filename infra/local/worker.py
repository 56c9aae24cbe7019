"""The long-lived worker as a local process.

It has its container's environment, and the rights of its task's role.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chalicelib import config
from infra.local.deployment import local_aws
from infra.local.processes import alive, end, is_ours, spawn
from infra.template import workers

WORKER = workers.CMPP
PATIENCE = 30.0  # seconds for the worker to finish its calls
CREDENTIALS_LAST = 12 * 3600  # seconds, while a container would get new credentials


def restart(
    old: int | None, endpoint: str, stage: str, packaged: Path, log: Path, is_on: bool
) -> int | None:
    """Return the new worker's pid, or None if the worker is off or the stage lacks it."""
    if old is not None and is_ours(old, workers.MODULE):
        end([old], PATIENCE)
    template = json.loads((packaged / "sam.json").read_text())
    if "CmppTask" not in template["Resources"] or not is_on:
        return None
    with local_aws(endpoint) as session:
        environment = _environment(session, stage, template)
    return spawn(workers.MODULE, [], log, environment | {"AWS_ENDPOINT_URL": endpoint})


def lives(pid: int | None) -> bool:
    """Return True unless a worker has ended. ECS would start an ended container again."""
    return pid is None or (alive(pid) and is_ours(pid, workers.MODULE))


def _environment(session: Any, stage: str, template: dict[str, Any]) -> dict[str, str]:
    """Return the container's environment.

    Values that the template leaves to CloudFormation come from a function's variables.
    """
    (container,) = template["Resources"]["CmppTask"]["Properties"]["ContainerDefinitions"]
    name = config.function_name(stage, "sweep")
    function = session.client("lambda").get_function_configuration(FunctionName=name)
    resolved = function["Environment"]["Variables"]
    resolved["AWS_DEFAULT_REGION"] = session.region_name
    variables = {}
    for variable in container["Environment"]:
        name, value = variable["Name"], variable["Value"]
        variables[name] = value if isinstance(value, str) else resolved[name]
    roles = session.client("iam").list_roles()["Roles"]
    arn = next(role["Arn"] for role in roles if "CmppTaskRole" in role["RoleName"])
    credentials = session.client("sts").assume_role(
        RoleArn=arn, RoleSessionName=WORKER, DurationSeconds=CREDENTIALS_LAST
    )["Credentials"]
    return {
        **variables,
        "AWS_SDK_UA_APP_ID": WORKER,
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }

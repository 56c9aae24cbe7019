"""The long-lived worker as a process of this machine, with its container's environment and the rights of its task's role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chalicelib import config
from infra.local.deployment import local_aws
from infra.local.processes import alive, end, is_ours, spawn
from infra.template import workers

WORKER = workers.CMPP
PATIENCE = 30.0  # seconds for it to finish what it has in hand
CREDENTIALS_LAST = 12 * 3600  # seconds: in a container it would get new ones


def restart(
    old: int | None, endpoint: str, stage: str, packaged: Path, log: Path, wanted: bool
) -> int | None:
    """The new one's pid; None where the stage has none, or it is not wanted."""
    if old is not None:
        end([pid for pid in [old] if is_ours(pid, workers.MODULE)], PATIENCE)
    template = json.loads((packaged / "sam.json").read_text())
    if "CmppTask" not in template["Resources"] or not wanted:
        return None
    with local_aws(endpoint) as session:
        environment = _environment(session, stage, template)
    return spawn(workers.MODULE, [], log, environment | {"AWS_ENDPOINT_URL": endpoint})


def lives(pid: int | None) -> bool:
    """Where there is one: a container that ends would be started again."""
    return pid is None or (alive(pid) and is_ours(pid, workers.MODULE))


def _environment(session: Any, stage: str, template: dict[str, Any]) -> dict[str, str]:
    """What the template leaves to be resolved is the same for functions, whose variables can be asked for."""
    (container,) = template["Resources"]["CmppTask"]["Properties"]["ContainerDefinitions"]
    function = config.function_name(stage, "sweep")
    known = session.client("lambda").get_function_configuration(FunctionName=function)[
        "Environment"
    ]["Variables"]
    known["AWS_DEFAULT_REGION"] = session.region_name
    variables = {
        each["Name"]: each["Value"] if isinstance(each["Value"], str) else known[each["Name"]]
        for each in container["Environment"]
    }
    roles = session.client("iam").list_roles()["Roles"]
    role = next(each["Arn"] for each in roles if "CmppTaskRole" in each["RoleName"])
    taken = session.client("sts").assume_role(
        RoleArn=role, RoleSessionName=WORKER, DurationSeconds=CREDENTIALS_LAST
    )["Credentials"]
    return {
        **variables,
        "AWS_SDK_UA_APP_ID": WORKER,
        "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["SessionToken"],
    }

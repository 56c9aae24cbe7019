"""The merge file of `chalice package --merge-template`, with everything that Chalice omits.

resources.yaml is written by hand. The rest comes from chalicelib/config.py, so that code and
deployment cannot disagree: names, environment, throttles, alarms, queues and event sources.
Queues exist per channel type and priority, with their dead-letter queues.

Chalice merges dicts deeply and replaces lists. tests/template checks the packaged template.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib import config
from infra.template import (
    alarms,
    dashboard,
    facts,
    functions,
    http_api,
    queues,
    receipts,
    rest_api,
    senders,
    ses,
    workers,
)
from infra.template.stage import Resource, Stage, camel

if TYPE_CHECKING:
    from chalice.config import Config

HERE = Path(__file__).resolve().parent

Template = dict[str, Any]


def write_merge_file(stage: str, chalice: Config, target: Path, runtime: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(assemble(Stage(stage, chalice, runtime)), indent=1))


def assemble(stage: Stage) -> Template:
    template = _by_hand()
    template["Parameters"]["Stage"] = {
        "Type": "String",
        "Default": stage.name,
        "AllowedValues": [stage.name],
    }
    resources = template["Resources"]
    _name_tables(stage, resources)
    resources["SealingKeyAlias"]["Properties"]["AliasName"] = f"alias/{config.APP}-{stage.name}"
    resources["WakeUps"]["Properties"] = {"Name": config.schedule_group(stage.name)}
    resources["Clock"]["Properties"] |= {
        "StateMachineName": config.clock_name(stage.name),
        "Definition": json.loads((HERE / "clock.asl.json").read_text()),
    }
    _add_jobs_and_functions(stage, resources)
    resources |= http_api.resources(stage) | rest_api.resources(stage)
    resources["ApiAccessLogs"] = http_api.access_logs(stage, functions.LOG_DAYS)
    rings = facts.where_on(alarms.resources(stage))
    resources |= rings | dashboard.resources(stage, rings)
    template["Resources"] = facts.where_on(resources) | facts.resources(stage)
    template["Outputs"] |= {name: {"Condition": rest_api.ON} for name in rest_api.OUTPUTS}
    template["Outputs"]["PublicUrl"] = {
        "Description": "Where the API is reached",
        "Value": functions.public_url(),
    }
    template["Outputs"][senders.OUTPUT] = senders.output()
    return template


def _add_jobs_and_functions(stage: Stage, resources: Resource) -> None:
    for family in (*stage.families, stage.facts):
        resources |= queues.resources(stage, family)
    variables = {**stage.environment, **functions.environment(stage)}
    for family in stage.workers:
        resources |= workers.conditional(queues.resources(stage, family))
        resources |= workers.resources(stage.name, Path(stage.chalice.project_dir), variables)
    resources |= functions.resources(stage) | ses.resources(stage)
    settings = {
        "Environment": {"Variables": variables},
        "Tracing": functions.TRACING,
        "LoggingConfig": functions.logging_config("ReceiptsLogs"),
    }
    logs = functions.log_group(stage, receipts.NAME)
    resources |= receipts.resources(stage, settings, logs) | senders.resources()


def _by_hand() -> Template:
    from chalice.package import YAMLTemplateSerializer

    return dict(YAMLTemplateSerializer().load_template((HERE / "resources.yaml").read_text()))


def _name_tables(stage: Stage, resources: Resource) -> None:
    for table in config.TABLES:
        properties = resources[f"{camel(table)}Table"]["Properties"]
        properties["TableName"] = config.table_name(stage.name, table)

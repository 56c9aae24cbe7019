"""Everything of the template that Chalice does not write, as the one file that `chalice package --merge-template` takes.

By hand: resources.yaml. Generated beside it from chalicelib/config.py, so that code and deployment cannot disagree: names, the
environment, queues per channel type and priority with their dead-letter queues and event sources, throttles and alarms.

Chalice merges dicts deeply and replaces lists. What the packaged template must look like is checked in tests/template.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib import config
from infra.template import alarms, api, functions, queues, workers
from infra.template.stage import Resource, Stage, camel

if TYPE_CHECKING:
    from chalice.config import Config

HERE = Path(__file__).resolve().parent

Template = dict[str, Any]


def write_merge_file(stage: str, chalice: Config, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(assemble(Stage(stage, chalice)), indent=1))


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
    resources["Clock"]["Properties"] |= {
        "StateMachineName": config.clock_name(stage.name),
        "Definition": json.loads((HERE / "clock.asl.json").read_text()),
    }
    for family in stage.families:
        resources |= queues.resources(stage, family)
    for family in stage.workers:
        variables = {**stage.environment, **functions.environment(stage)}
        resources |= workers.conditional(queues.resources(stage, family))
        resources |= workers.resources(stage.name, Path(stage.chalice.project_dir), variables)
    resources |= functions.resources(stage)
    resources["RestAPI"] = api.resource(stage)
    resources |= alarms.resources(stage)
    template["Outputs"]["PublicUrl"] = {
        "Description": "Where the API is reached",
        "Value": functions.public_url(stage),
    }
    return template


def _by_hand() -> Template:
    from chalice.package import YAMLTemplateSerializer

    template: Template = YAMLTemplateSerializer().load_template(
        (HERE / "resources.yaml").read_text()
    )
    return template


def _name_tables(stage: Stage, resources: Resource) -> None:
    for table in config.TABLES:
        resources[f"{camel(table)}Table"]["Properties"]["TableName"] = config.table_name(
            stage.name, table
        )

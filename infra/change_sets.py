"""CloudFormation change sets: make them, show them, and refuse those that would lose data."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.stacks import DeploymentFailed, describe

NO_CHANGES = ("didn't contain changes", "No updates are to be performed", "no changes")
# Types whose resources hold what nobody can make again.
HOLDING_DATA = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key")
REPLACING = ("True", "Conditional")


@dataclass(frozen=True)
class Change:
    """One line of a change set. `replacement`: True, False, Conditional, or empty."""

    action: str
    logical_id: str
    type: str
    replacement: str

    @property
    def loses_data(self) -> bool:
        lost = self.action == "Remove" or self.replacement in REPLACING
        return lost and self.type in HOLDING_DATA


def create(
    cloudformation: Any,
    stack: str,
    *,
    template: str,
    parameters: Sequence[Mapping[str, Any]],
    exists: bool,
    poll: float,
) -> str | None:
    """Return the name of a change set that is ready, or None if nothing changes."""
    name = f"deploy-{int(time.time() * 1000)}"
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType="UPDATE" if exists else "CREATE",
        TemplateURL=template,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=parameters,
    )
    return name if _has_changes(cloudformation, stack, name, poll) else None


def discard(cloudformation: Any, stack: str, name: str, *, exists: bool) -> None:
    """Delete a change set, and the empty stack that came with it.

    Somebody else may have begun to create the stack meanwhile.
    """
    cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
    if not exists and describe(cloudformation, stack) is None:
        cloudformation.delete_stack(StackName=stack)


def changes(cloudformation: Any, stack: str, name: str) -> list[Change]:
    """Return the changes, those that lose data first."""
    pages = cloudformation.get_paginator("describe_change_set").paginate(
        StackName=stack, ChangeSetName=name
    )
    listed = [
        _change(change["ResourceChange"])
        for page in pages
        for change in page.get("Changes", [])
        if "ResourceChange" in change
    ]
    return sorted(listed, key=lambda change: (not change.loses_data, change.action))


def table(listed: Sequence[Change]) -> Iterator[str]:
    """Yield the lines of a table, with a last line that counts the actions."""
    rows = [("action", "logical id", "type", "replacement")]
    rows += [
        (change.action, change.logical_id, change.type, change.replacement) for change in listed
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    actions = sorted({change.action for change in listed})
    counts = [f"{sum(change.action == action for change in listed)} {action}" for action in actions]
    yield ", ".join(counts)


def refuse_losses(listed: Sequence[Change], allowed: Collection[str]) -> None:
    """Raise DeploymentFailed for each resource with data that is not `allowed` to be replaced."""
    lost = [change for change in listed if change.loses_data and change.logical_id not in allowed]
    if not lost:
        return
    names = ", ".join(f"{change.logical_id} ({change.type})" for change in lost)
    options = " ".join(f"--yes-replace {change.logical_id}" for change in lost)
    raise DeploymentFailed(
        f"the deployment would replace or remove {names}. Nothing was changed."
        f" If you can do without the data, deploy with {options}."
    )


def parameters(
    packaged: Path, values: Mapping[str, str], before: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Build the stack's parameters: `values`, and the previous values of the others."""
    declared = json.loads((packaged / "sam.json").read_text())["Parameters"]
    unknown = set(values) - set(declared)
    if unknown:
        raise DeploymentFailed(
            f"unknown parameter: {', '.join(sorted(unknown))}."
            f" The template has {', '.join(sorted(declared))}."
        )
    built: list[dict[str, Any]] = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in values.items()
    ]
    return built + kept([name for name in declared if name not in values], before)


def kept(names: Iterable[str], before: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Let parameters keep their values, as far as the stack has them."""
    previous = {entry["ParameterKey"] for entry in (before or {}).get("Parameters", [])}
    return [{"ParameterKey": name, "UsePreviousValue": True} for name in names if name in previous]


def value(
    packaged: Path, values: Mapping[str, str], before: Mapping[str, Any] | None, name: str
) -> str | None:
    """Return the value that a parameter will have, or None if the template has no such one."""
    if name in values:
        return values[name]
    for entry in (before or {}).get("Parameters", []):
        if entry["ParameterKey"] == name:
            return str(entry["ParameterValue"])
    declared = json.loads((packaged / "sam.json").read_text())["Parameters"]
    return str(declared[name]["Default"]) if name in declared else None


def _change(change: Mapping[str, Any]) -> Change:
    return Change(
        change["Action"],
        change["LogicalResourceId"],
        change["ResourceType"],
        change.get("Replacement", ""),
    )


def _has_changes(cloudformation: Any, stack: str, name: str, poll: float) -> bool:
    """Wait for the change set. Delete it if it failed or is empty."""
    while True:
        described = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
        if described["Status"] == "CREATE_COMPLETE":
            return True
        if described["Status"] == "FAILED":
            reason = described.get("StatusReason", "")
            cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
            if any(words in reason for words in NO_CHANGES):
                return False
            raise DeploymentFailed(f"{stack}: {reason}")
        time.sleep(min(poll, 1.0))

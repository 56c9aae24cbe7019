"""A local stack's files: its description for people and scripts, its record, its logs, its lock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.package import ROOT

LOCAL = ROOT / ".local"
DEMO = "demo"


@dataclass(frozen=True)
class Stack:
    name: str
    stage: str
    home: Path = LOCAL
    worker: bool = True  # the CMPP worker, whose own requests would spoil the counts of a benchmark

    @property
    def folder(self) -> Path:
        return self.home / self.name

    @property
    def description(self) -> Path:
        """The file that describes the stack to scripts and people."""
        return self.home / "stack.json" if self.name == DEMO else self.folder / "stack.json"

    @property
    def record(self) -> Path:
        """The file with pids, ports, and the deployed inputs, for infra/local/stack.py only."""
        return self.folder / "running.json"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    def log(self, process: str) -> Path:
        return self.folder / f"{process}.log"


def read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a file whole or not at all. Only the owner may read it, since it may hold secrets."""
    fresh = path.with_suffix(".tmp")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=2) + "\n")
    fresh.rename(path)

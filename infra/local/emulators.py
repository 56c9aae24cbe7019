"""Emulators that play AWS for a local stack: MiniStack, or LocalStack for two names of stacks."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.local.files import Stack
from infra.package import HERE, ROOT

# Names of stacks that do not run on MiniStack.
LOCALSTACK, DOCKER = "localstack", "docker"
FOLDER = ROOT / "infra" / "local"


@dataclass(frozen=True)
class Program:
    """A module that runs as a process of its own, and the interpreter for it."""

    module: str
    options: Sequence[object] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable


class Emulator(Protocol):
    """The programs that play AWS, and how a deployment there differs."""

    modules: Mapping[str, str]  # of every process, by the process's name
    ports: Sequence[str]
    fixed_ports: Mapping[str, int]  # of emulator and sandbox that others start. Empty: we do
    begin: str  # the command by which others start them
    sources: Sequence[Path]  # a stack with other sources starts anew
    host: str  # of emulator and sandbox, as functions, providers and this machine name it
    health: str
    target: str  # of the package

    def programs(self, stack: Stack, ports: Mapping[str, int]) -> Mapping[str, Program]: ...

    def api_url(self, stack: Stack, ports: Mapping[str, int]) -> str: ...

    def parameters(self) -> Mapping[str, str]:
        """Return the template's parameters that this emulator needs."""

    def package(self, stack: Stack, packaged: Path) -> Path:
        """Return the directory to deploy."""


class MiniStack:
    modules = {"emulator": "infra.local.emulator"}
    ports = ("emulator", "api")
    fixed_ports: Mapping[str, int] = {}
    begin = ""
    host = "127.0.0.1"
    health = "/_openums/workers"
    target = HERE
    sources = [
        FOLDER / f"{name}.py"
        for name in (
            "emulator",
            "differences",
            "batching",
            "cores",
            "fair_queues",
            "insides",
            "invocations",
            "waits",
            "door",
            "one_write",
            "counts",
            "units",
            "purposes",
            "throttles",
            "leading_keys",
            "rights",
            "bodies",
            "short_way",
        )
    ] + [ROOT / "requirements-lock.txt"]

    def programs(self, stack: Stack, ports: Mapping[str, int]) -> Mapping[str, Program]:
        options = ["--port", ports["emulator"], "--door-port", ports["api"]]
        options += ["--folder", stack.folder]
        return {"emulator": Program(self.modules["emulator"], options)}

    def api_url(self, stack: Stack, ports: Mapping[str, int]) -> str:
        return f"http://{self.host}:{ports['api']}"

    def parameters(self) -> Mapping[str, str]:
        return {}

    def package(self, stack: Stack, packaged: Path) -> Path:
        return packaged


def emulator_of(stack: Stack) -> Emulator:
    if stack.name not in (LOCALSTACK, DOCKER):
        return MiniStack()
    from infra.localstack.emulator import InContainers, LocalStack

    return LocalStack() if stack.name == LOCALSTACK else InContainers()

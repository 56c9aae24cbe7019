"""The local stack: `python -m infra.local.stack up|down|status|logs [--name NAME]`.

`up` starts the emulator and the provider sandbox, and packages the stage as for AWS.
It deploys the template by the same code (infra/deploy.py), and makes the first access key.
It writes all addresses to `.local/stack.json`, or to `.local/<name>/stack.json` for another name
than `demo`. A later `up` is quick, because it deploys only changes.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import deployment, worker
from infra.local.processes import DIRECT, NotStarted, alive, answers, end, is_ours, ports, spawn
from infra.local.worker import WORKER
from infra.package import HERE, ROOT, digest, inputs_hash
from infra.template import workers

LOCAL = ROOT / ".local"
DEMO = "demo"
STAGES = {"test": "test"}  # stage by the stack's name, else `local`
PORTS = ("emulator", "api", "sandbox", "smtp", "smtps", "starttls", "cmpp")
# Sources of emulator and sandbox. A stack with other sources starts anew.
LOCAL_SOURCES = [
    ROOT / "infra" / "local" / "emulator.py",
    ROOT / "infra" / "local" / "differences.py",
    ROOT / "infra" / "local" / "batching.py",
    ROOT / "infra" / "local" / "cores.py",
    ROOT / "infra" / "local" / "fair_queues.py",
    ROOT / "infra" / "local" / "insides.py",
    ROOT / "infra" / "local" / "counts.py",
    ROOT / "infra" / "local" / "units.py",
    ROOT / "infra" / "local" / "purposes.py",
    ROOT / "infra" / "local" / "throttles.py",
    ROOT / "infra" / "local" / "leading_keys.py",
    ROOT / "infra" / "sandbox",
]
MODULES = {"emulator": "infra.local.emulator", "sandbox": "infra.sandbox", WORKER: workers.MODULE}
PATIENCE = 60.0  # seconds for a process to answer


@dataclass(frozen=True)
class Stack:
    name: str
    stage: str
    worker: bool = True  # the CMPP worker, whose own requests would spoil the counts of a benchmark

    @property
    def folder(self) -> Path:
        return LOCAL / self.name

    @property
    def description(self) -> Path:
        """The file that describes the stack to scripts and people."""
        return LOCAL / "stack.json" if self.name == DEMO else self.folder / "stack.json"

    @property
    def record(self) -> Path:
        """The file with pids, ports, and the deployed inputs, for this module only."""
        return self.folder / "running.json"

    def log(self, process: str) -> Path:
        return self.folder / f"{process}.log"


def up(
    stack: Stack, ports_from: int | None = None, sandbox_options: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Start and deploy everything as the sources say. Return the stack's description."""
    stack.folder.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(stack):
        inputs = inputs_hash(stack.stage, HERE)
        inputs += f" {deployment.parameters(stack.stage, stack.worker)} {sandbox_options}"
        running = _still_running(stack)
        is_deployed = running.get("deployed") == inputs and stack.description.is_file()
        if is_deployed and worker.lives(running["pids"].get(WORKER)):
            return _read(stack.description)
        packaging = deployment.start_packaging(stack.stage)
        running = running or _start(stack, ports(ports_from, PORTS), sandbox_options)
        _write(stack.record, running)
        import boto3  # noqa: F401 (imported here, while the processes start)

        packaged = deployment.end_packaging(packaging)
        _await(stack, "emulator", _emulator(running), running)
        description = _deploy(stack, running, packaged)
        pids, log = running["pids"], stack.log(WORKER)
        pids[WORKER] = worker.restart(
            pids.get(WORKER), _emulator_url(running), stack.stage, packaged, log, stack.worker
        )
        _write(stack.record, running)
        _await(stack, "sandbox", _sandbox(running), running)
        _write(stack.record, {**running, "deployed": inputs})
        _write(stack.description, description)
        return description


def _still_running(stack: Stack) -> dict[str, Any]:
    """Return the record of a current stack that answers. Stop any other stack."""
    running = _read(stack.record)
    if not running:
        return {}
    is_current = running.get("programs") == digest(LOCAL_SOURCES)
    if is_current and answers(_emulator(running)) and answers(_sandbox(running)):
        return running
    _stop(stack)
    return {}


def down(stack: Stack) -> bool:
    """Stop all processes by pid, and drop their state. Return True if anything ran."""
    if not stack.record.is_file():
        return False
    with _one_at_a_time(stack):
        _stop(stack)
    stack.description.unlink(missing_ok=True)
    return True


def _start(
    stack: Stack, chosen: dict[str, int], sandbox_options: tuple[str, ...]
) -> dict[str, Any]:
    shutil.rmtree(stack.folder / "tmp", ignore_errors=True)
    stack.log("functions").write_bytes(b"")
    stack.description.unlink(missing_ok=True)
    emulator = ["--port", chosen["emulator"], "--door-port", chosen["api"]]
    emulator += ["--folder", stack.folder]
    sandbox = ["--http-port", chosen["sandbox"], *sandbox_options]
    for name in ("smtp", "smtps", "starttls", "cmpp"):
        sandbox += [f"--{name}-port", chosen[name]]
    pids = {
        process: spawn(MODULES[process], options, stack.log(process))
        for process, options in (("emulator", emulator), ("sandbox", sandbox))
    }
    return {
        "stage": stack.stage,
        "ports": chosen,
        "pids": pids,
        "programs": digest(LOCAL_SOURCES),
    }


def _deploy(stack: Stack, running: dict[str, Any], packaged: Path) -> dict[str, Any]:
    """Deploy, and return the description of the stack."""
    chosen, endpoint, previous = running["ports"], _emulator_url(running), _read(stack.description)
    api_url = f"http://127.0.0.1:{chosen['api']}"
    sandbox_url = f"http://127.0.0.1:{chosen['sandbox']}"
    parameters = {
        **deployment.parameters(stack.stage, stack.worker),
        "PublicUrl": api_url,
        "SandboxUrl": sandbox_url,
    }
    return {
        **previous,
        "name": stack.name,
        "stage": stack.stage,
        "api_url": api_url,
        **deployment.deploy(endpoint, stack.stage, packaged, parameters, previous),
        "sandbox_url": sandbox_url,
        "sandbox_cmpp": chosen["cmpp"],
        "sandbox_smtp": {name: chosen[name] for name in ("smtp", "smtps", "starttls")},
        "emulator_url": endpoint,
    }


def _stop(stack: Stack) -> None:
    """End all processes, and kill the stubborn. The emulator ends its own workers."""
    running = _read(stack.record)
    pids = [
        pid
        for process, pid in running.get("pids", {}).items()
        if pid and is_ours(pid, MODULES[process])
    ]
    end(pids, 4, [function["pid"] for function in _functions(running)])
    stack.record.unlink(missing_ok=True)
    shutil.rmtree(stack.folder / "tmp", ignore_errors=True)


def _functions(running: dict[str, Any]) -> list[dict[str, Any]]:
    if not running:
        return []
    try:
        with DIRECT.open(_emulator(running), timeout=2) as answer:
            return list(json.load(answer))
    except (OSError, ValueError):
        return []


def _emulator_url(running: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{running['ports']['emulator']}"


def _emulator(running: dict[str, Any]) -> str:
    return _emulator_url(running) + "/_openums/workers"


def _sandbox(running: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{running['ports']['sandbox']}/_sandbox/health"


def _await(stack: Stack, process: str, url: str, running: dict[str, Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not answers(url):
        if not alive(running["pids"][process]) or time.monotonic() > deadline:
            tail = stack.log(process).read_text(errors="replace")[-3000:]
            _stop(stack)
            raise NotStarted(f"the {process} did not start\n{tail}")
        time.sleep(0.05)


@contextlib.contextmanager
def _one_at_a_time(stack: Stack) -> Iterator[None]:
    with (stack.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def _write(path: Path, content: dict[str, Any]) -> None:
    """Write a file whole or not at all. Only the owner may read it, since it may hold secrets."""
    fresh = path.with_suffix(".tmp")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=2) + "\n")
    fresh.rename(path)


def _show(description: dict[str, Any], seconds: float | None = None) -> None:
    duration = "" if seconds is None else f"   (up in {seconds:.1f} s)"
    print(f"stack      {description['name']}, stage {description['stage']}{duration}")
    print(f"API        {description['api_url']}")
    print(f"sandbox    {description['sandbox_url']}")
    print(f"emulator   {description['emulator_url']}")
    file = Stack(description["name"], description["stage"]).description
    print(f"keys in    {file.relative_to(ROOT)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("up", "down", "status", "logs"))
    parser.add_argument("--name", default=DEMO, help="several stacks may run at once")
    parser.add_argument(
        "--stage",
        help="a stage of .chalice/config.json (default: `test` for the stack `test`, else `local`)",
    )
    parser.add_argument(
        "--ports-from", type=int, help="first of seven ports in a row (default: free ones)"
    )
    parser.add_argument("--late", help="seconds until the sandbox sends a late receipt")
    return parser.parse_args()


def main() -> None:
    options = _options()
    stack = Stack(options.name, options.stage or STAGES.get(options.name, "local"))
    if options.command == "up":
        begun = time.monotonic()
        sandbox_options = ("--late", options.late) if options.late else ()
        try:
            description = up(stack, options.ports_from, sandbox_options)
        except NotStarted as failure:
            sys.exit(str(failure))
        _show(description, time.monotonic() - begun)
    elif options.command == "down":
        print(f"{stack.name}: {'stopped' if down(stack) else 'nothing ran'}")
    elif options.command == "status":
        _status(stack)
    else:
        logs = [str(stack.log(process)) for process in ("functions", WORKER, "sandbox", "emulator")]
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run(["tail", "-n", "100", "-F", *logs])


def _status(stack: Stack) -> None:
    running = _read(stack.record)
    if not (running and answers(_emulator(running))):
        sys.exit(f"{stack.name}: not running")
    _show(_read(stack.description))
    for function in _functions(running):
        state = "  busy" if function["busy"] else ""
        print(f"worker     {function['pid']}  {function['function']}{state}")


if __name__ == "__main__":
    main()

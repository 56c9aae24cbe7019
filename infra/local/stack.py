"""The local stack: `python -m infra.local.stack up|down|status|logs [--name NAME]`.

Starts the emulator and the provider sandbox, packages the stage as for AWS, deploys the template by the same code
(infra/deploy.py), makes the first access key and writes where everything is to `.local/stack.json` (`.local/<name>/stack.json` for
any other name than `demo`). `up` again is quick: it deploys only what has changed.
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
STAGES = {"test": "test"}  # of a name; else `local`
PORTS = ("emulator", "api", "sandbox", "smtp", "smtps", "starttls", "cmpp")
# The sources of what runs here: a stack whose emulator or sandbox is another by now starts anew.
LOCAL_SOURCES = [
    *(
        ROOT / "infra" / "local" / name
        for name in ("emulator.py", "differences.py", "insides.py", "counts.py")
    ),
    ROOT / "infra" / "sandbox",
]
MODULES = {"emulator": "infra.local.emulator", "sandbox": "infra.sandbox", WORKER: workers.MODULE}
PATIENCE = 60.0  # seconds for a process to answer


@dataclass(frozen=True)
class Stack:
    name: str
    stage: str
    worker: bool = True  # that speaks CMPP; where requests are counted, it would add its own

    @property
    def folder(self) -> Path:
        return LOCAL / self.name

    @property
    def description(self) -> Path:
        """What tells scripts and people what runs."""
        return LOCAL / "stack.json" if self.name == DEMO else self.folder / "stack.json"

    @property
    def record(self) -> Path:
        """What runs, for ourselves: pids, ports, what is deployed."""
        return self.folder / "running.json"

    def log(self, process: str) -> Path:
        return self.folder / f"{process}.log"


def up(
    stack: Stack, ports_from: int | None = None, sandbox_options: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Everything running and deployed as the sources say; the description that was written."""
    stack.folder.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(stack):
        running = _read(stack.record)
        wanted = f"{inputs_hash(stack.stage, HERE)} {deployment.parameters(stack.worker)} {sandbox_options}"
        programs = digest(LOCAL_SOURCES)
        if running and not (
            running.get("programs") == programs
            and answers(_emulator(running))
            and answers(_sandbox(running))
        ):
            _stop(stack)
            running = {}
        if (
            running
            and running.get("deployed") == wanted
            and stack.description.is_file()
            and worker.lives(running["pids"].get(WORKER))
        ):
            return _read(stack.description)
        packaging = deployment.start_packaging(stack.stage)
        if not running:
            running = {
                **_start(stack, ports(ports_from, PORTS), sandbox_options),
                "programs": programs,
            }
        _write(stack.record, running)
        import boto3  # while the others start  # noqa: F401

        packaged = deployment.end_packaging(packaging)
        _await(stack, "emulator", _emulator(running), running)
        description = _deploy(stack, running, packaged)
        old = running["pids"].get(WORKER)
        log = stack.log(WORKER)
        running["pids"][WORKER] = worker.restart(
            old, _emulator_url(running), stack.stage, packaged, log, stack.worker
        )
        _write(stack.record, running)
        _await(stack, "sandbox", _sandbox(running), running)
        _write(stack.record, {**running, "deployed": wanted})
        _write(stack.description, description)
        return description


def down(stack: Stack) -> bool:
    """Stop what runs, by pid, and forget what it held; whether anything ran."""
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
    emulator = [
        "--port",
        chosen["emulator"],
        "--door-port",
        chosen["api"],
        "--folder",
        stack.folder,
    ]
    sandbox = [
        "--http-port",
        chosen["sandbox"],
        "--smtp-port",
        chosen["smtp"],
        "--smtps-port",
        chosen["smtps"],
    ]
    sandbox += [
        "--starttls-port",
        chosen["starttls"],
        "--cmpp-port",
        chosen["cmpp"],
        *sandbox_options,
    ]
    options = {"emulator": emulator, "sandbox": sandbox}
    pids = {
        process: spawn(MODULES[process], words, stack.log(process))
        for process, words in options.items()
    }
    return {"stage": stack.stage, "ports": chosen, "pids": pids}


def _deploy(stack: Stack, running: dict[str, Any], packaged: Path) -> dict[str, Any]:
    """What is to be written of the stack."""
    chosen, endpoint, known = running["ports"], _emulator_url(running), _read(stack.description)
    api_url = f"http://127.0.0.1:{chosen['api']}"
    given = {**deployment.parameters(stack.worker), "PublicUrl": api_url}
    return {
        **known,
        "name": stack.name,
        "stage": stack.stage,
        "api_url": api_url,
        **deployment.deploy(endpoint, stack.stage, packaged, given, known),
        "sandbox_url": f"http://127.0.0.1:{chosen['sandbox']}",
        "sandbox_cmpp": chosen["cmpp"],
        "sandbox_smtp": {name: chosen[name] for name in ("smtp", "smtps", "starttls")},
        "emulator_url": endpoint,
    }


def _stop(stack: Stack) -> None:
    """The emulator ends its own workers; what does not end in time is killed."""
    running = _read(stack.record)
    pids = [
        pid
        for process, pid in running.get("pids", {}).items()
        if pid and is_ours(pid, MODULES[process])
    ]
    end(pids, 4, [each["pid"] for each in _functions(running)])
    stack.record.unlink(missing_ok=True)
    shutil.rmtree(stack.folder / "tmp", ignore_errors=True)


def _functions(running: dict[str, Any]) -> list[dict[str, Any]]:
    if not running:
        return []
    try:
        with DIRECT.open(_emulator(running), timeout=2) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found
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
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    except (OSError, ValueError):
        return {}


def _write(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all, and for the owner's eyes: it may hold secrets."""
    fresh = path.with_suffix(".tmp")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=2) + "\n")
    fresh.rename(path)


def _show(description: dict[str, Any], seconds: float | None = None) -> None:
    took = "" if seconds is None else f"   (up in {seconds:.1f} s)"
    print(f"stack      {description['name']}, stage {description['stage']}{took}")
    print(f"API        {description['api_url']}")
    print(f"sandbox    {description['sandbox_url']}")
    print(f"emulator   {description['emulator_url']}")
    where = (
        LOCAL / "stack.json"
        if description["name"] == DEMO
        else LOCAL / description["name"] / "stack.json"
    )
    print(f"keys in    {where.relative_to(ROOT)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("up", "down", "status", "logs"))
    parser.add_argument("--name", default=DEMO, help="several stacks may run at once")
    parser.add_argument(
        "--stage", help="of .chalice/config.json; `test` for the stack of that name, else `local`"
    )
    parser.add_argument(
        "--ports-from", type=int, help="seven ports in a row; by default the first that are free"
    )
    parser.add_argument(
        "--late", help="seconds after which the sandbox reports what it delivers late"
    )
    options = parser.parse_args()
    stack = Stack(options.name, options.stage or STAGES.get(options.name, "local"))
    if options.command == "up":
        begun = time.monotonic()
        try:
            description = up(
                stack, options.ports_from, ("--late", options.late) if options.late else ()
            )
        except NotStarted as failure:
            sys.exit(str(failure))
        _show(description, time.monotonic() - begun)
    elif options.command == "down":
        print(f"{stack.name}: {'stopped' if down(stack) else 'nothing ran'}")
    elif options.command == "status":
        running = _read(stack.record)
        if not (running and answers(_emulator(running))):
            sys.exit(f"{stack.name}: not running")
        _show(_read(stack.description))
        for each in _functions(running):
            print(f"worker     {each['pid']}  {each['function']}{'  busy' if each['busy'] else ''}")
    else:
        logs = [str(stack.log(process)) for process in ("functions", WORKER, "sandbox", "emulator")]
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run(["tail", "-n", "100", "-F", *logs])


if __name__ == "__main__":
    main()

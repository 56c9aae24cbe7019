"""The local stack: `python -m infra.local.stack up|down|status|logs [--name NAME]`.

`up` starts the emulator and the provider sandbox, and packages the stage as for AWS.
It deploys the template by the same code (infra/deploy.py), and makes the first access key.
It writes all addresses to `.local/stack.json`, or to `.local/<name>/stack.json` for another name
than `demo`. A later `up` is quick, because it deploys only changes.
The emulator is MiniStack. The stack `localstack` has LocalStack in its place (infra/localstack/).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.local import deployment, worker
from infra.local.emulators import Emulator, Program, emulator_of
from infra.local.files import DEMO, Stack, read, write
from infra.local.processes import DIRECT, NotStarted, alive, answers, end, is_ours, ports, spawn
from infra.local.worker import WORKER
from infra.locks import one_at_a_time
from infra.package import ROOT, digest, inputs_hash
from infra.template import workers

STAGES = {"test": "test"}  # stage by the stack's name, else `local`
SANDBOX_PORTS = ("sandbox", "smtp", "smtps", "starttls", "cmpp")
MODULES = {"sandbox": "infra.sandbox", WORKER: workers.MODULE}
NAME = re.compile(r"[A-Za-z0-9-]{1,30}", re.ASCII)
TAKEN = ("localstack-venv",)  # other folders of .local
PATIENCE = 60.0  # seconds for a process to answer
PORTS = Path(tempfile.gettempdir()) / f"openums-ports-{os.getuid()}.lock"


def up(
    stack: Stack,
    ports_from: int | None = None,
    sandbox_options: tuple[str, ...] = (),
    emulator: Emulator | None = None,
) -> dict[str, Any]:
    """Start and deploy everything as the sources say. Return the stack's description."""
    emulator = emulator or emulator_of(stack)
    _refuse(stack, emulator)
    stack.folder.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(stack.lock):
        template = parameters(stack, emulator)
        inputs = f"{inputs_hash(stack.stage, emulator.target)} {template} {sandbox_options}"
        running = _still_running(stack, emulator)
        is_deployed = running.get("deployed") == inputs and stack.description.is_file()
        if is_deployed and worker.lives(running["pids"].get(WORKER)):
            return read(stack.description)
        packaging = deployment.start_packaging(stack.stage, emulator.target)
        running = running or start(stack, emulator, ports_from, sandbox_options)
        packaged = deployment.end_packaging(packaging)
        description = _deploy(stack, emulator, running, packaged)
        _restart_worker(stack, emulator, running, packaged)
        write(stack.record, {**running, "deployed": inputs})
        write(stack.description, description)
        return description


def _refuse(stack: Stack, emulator: Emulator) -> None:
    """Raise NotStarted for a name that is taken, and for containers that nobody has started."""
    if not NAME.fullmatch(stack.name) or stack.name in TAKEN:
        raise NotStarted(
            f"a stack cannot be called {stack.name}: take up to 30 letters, digits and hyphens,"
            f" and none of {', '.join(TAKEN)}"
        )
    if emulator.begin:
        address = f"http://{emulator.host}:{emulator.fixed_ports['emulator']}"
        if not answers(address + emulator.health):
            raise NotStarted(f"{address} does not answer: {emulator.begin}")


def _still_running(stack: Stack, emulator: Emulator) -> dict[str, Any]:
    """Return the record of a current stack that answers. Stop any other stack."""
    running = read(stack.record)
    if not running:
        return {}
    is_current = running.get("programs") == _sources(emulator)
    # Whoever starts containers anew loses what was deployed.
    is_there = not emulator.fixed_ports or answers(
        emulator.api_url(stack, running["ports"]) + "/openapi.json"
    )
    if is_current and is_there and answers(_emulator(running)) and answers(_sandbox(running)):
        return running
    _stop(stack)
    return {}


def down(stack: Stack) -> bool:
    """Stop all processes by pid, and drop their state. Return True if anything ran."""
    if not stack.record.is_file():
        return False
    with one_at_a_time(stack.lock):
        _stop(stack)
    stack.description.unlink(missing_ok=True)
    return True


def start(
    stack: Stack, emulator: Emulator, ports_from: int | None, sandbox_options: tuple[str, ...]
) -> dict[str, Any]:
    """Start emulator and sandbox, and return their record once both answer.

    All checkouts of this machine do so one at a time, or two of them would choose the same ports.
    The later emulator would end at once, and its stack be deployed to the other one.
    """
    with one_at_a_time(PORTS):
        running = _start(stack, emulator, ports_from, sandbox_options)
        write(stack.record, running)
        import boto3  # noqa: F401 (imported here, while the processes start)

        _await(stack, "emulator", _emulator(running), running)
        _await(stack, "sandbox", _sandbox(running), running)
    return running


def _start(
    stack: Stack, emulator: Emulator, ports_from: int | None, sandbox_options: tuple[str, ...]
) -> dict[str, Any]:
    shutil.rmtree(stack.folder / "tmp", ignore_errors=True)
    stack.log("functions").write_bytes(b"")
    stack.description.unlink(missing_ok=True)
    chosen = dict(emulator.fixed_ports) or ports(ports_from, (*emulator.ports, *SANDBOX_PORTS))
    sandbox = ["--http-port", chosen["sandbox"], *sandbox_options]
    for name in ("smtp", "smtps", "starttls", "cmpp"):
        sandbox += [f"--{name}-port", chosen[name]]
    programs = dict(emulator.programs(stack, chosen))
    if not emulator.fixed_ports:
        programs["sandbox"] = Program(MODULES["sandbox"], sandbox)
    return {
        "stage": stack.stage,
        "host": emulator.host,
        "health": emulator.health,
        "ports": chosen,
        "pids": {
            process: spawn(
                program.module,
                program.options,
                stack.log(process),
                dict(program.environment),
                program.python,
            )
            for process, program in programs.items()
        },
        "programs": _sources(emulator),
    }


def _sources(emulator: Emulator) -> str:
    return digest([*emulator.sources, ROOT / "infra" / "sandbox"])


def parameters(stack: Stack, emulator: Emulator) -> dict[str, str]:
    """Return the template's parameters, except for the address."""
    return {**deployment.parameters(stack.stage, stack.worker), **emulator.parameters()}


def _deploy(
    stack: Stack, emulator: Emulator, running: dict[str, Any], packaged: Path
) -> dict[str, Any]:
    """Deploy, and return the description of the stack."""
    chosen, endpoint, previous = running["ports"], _emulator_url(running), read(stack.description)
    api_url, package = emulator.api_url(stack, chosen), emulator.package(stack, packaged)
    sandbox_url = f"http://{emulator.host}:{chosen['sandbox']}"
    addresses = {"PublicUrl": api_url, "SandboxUrl": sandbox_url}
    template = {**parameters(stack, emulator), **addresses}
    return {
        **previous,
        "name": stack.name,
        "stage": stack.stage,
        "api_url": api_url,
        **deployment.deploy(endpoint, stack.stage, package, template, previous),
        "sandbox_url": sandbox_url,
        "sandbox_cmpp": chosen["cmpp"],
        "sandbox_smtp": {name: chosen[name] for name in ("smtp", "smtps", "starttls")},
        "emulator_url": endpoint,
    }


def _restart_worker(
    stack: Stack, emulator: Emulator, running: dict[str, Any], packaged: Path
) -> None:
    pids, is_on = running["pids"], stack.worker and not emulator.fixed_ports
    pids[WORKER] = worker.restart(
        pids.get(WORKER), _emulator_url(running), stack.stage, packaged, stack.log(WORKER), is_on
    )
    write(stack.record, running)


def _stop(stack: Stack) -> None:
    """End all processes, and kill the stubborn. The emulator ends its own workers."""
    running, modules = read(stack.record), {**emulator_of(stack).modules, **MODULES}
    pids = [
        pid
        for process, pid in running.get("pids", {}).items()
        if pid and is_ours(pid, modules[process])
    ]
    end(pids, 4, [function["pid"] for function in _functions(running)])
    stack.record.unlink(missing_ok=True)
    shutil.rmtree(stack.folder / "tmp", ignore_errors=True)


def _functions(running: dict[str, Any]) -> list[dict[str, Any]]:
    if not running:
        return []
    try:
        with DIRECT.open(_emulator_url(running) + "/_openums/workers", timeout=2) as answer:
            return list(json.load(answer))
    except (OSError, ValueError):
        return []


def _emulator_url(running: dict[str, Any]) -> str:
    return f"http://{running.get('host', '127.0.0.1')}:{running['ports']['emulator']}"


def _emulator(running: dict[str, Any]) -> str:
    return _emulator_url(running) + str(running.get("health", ""))


def _sandbox(running: dict[str, Any]) -> str:
    host = running.get("host", "127.0.0.1")
    return f"http://{host}:{running['ports']['sandbox']}/_sandbox/health"


def _await(stack: Stack, process: str, url: str, running: dict[str, Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not answers(url):
        ended = not alive(pid) if (pid := running["pids"].get(process)) else False
        if ended or time.monotonic() > deadline:
            log = stack.log(process)  # a container has its own
            tail = log.read_text(errors="replace")[-3000:] if log.is_file() else ""
            _stop(stack)
            raise NotStarted(f"the {process} did not start\n{tail}")
        time.sleep(0.05)


def _show(description: dict[str, Any], seconds: float | None = None) -> None:
    duration = "" if seconds is None else f"   (up in {seconds:.1f} s)"
    print(f"stack      {description['name']}, stage {description['stage']}{duration}")
    print(f"API        {description['api_url']}")
    print(f"sandbox    {description['sandbox_url']}")
    print(f"emulator   {description['emulator_url']}")
    file = Stack(description["name"], description["stage"]).description
    print(f"keys in    {file.relative_to(ROOT)}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
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
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
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
    running = read(stack.record)
    if not (running and answers(_emulator(running))):
        sys.exit(f"{stack.name}: not running")
    _show(read(stack.description))
    for function in _functions(running):
        state = "  busy" if function["busy"] else ""
        print(f"worker     {function['pid']}  {function['function']}{state}")


if __name__ == "__main__":
    main()

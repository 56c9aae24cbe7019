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
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib import config
from infra.package import HERE, ROOT, inputs_hash
from infra.template import workers

LOCAL = ROOT / ".local"
DEMO = "demo"
STAGES = {"test": "test"}  # of a name; else `local`
FIRST_PORT = 4566
PORTS = ("emulator", "api", "sandbox", "smtp", "smtps", "starttls", "cmpp")
PATIENCE = 60.0  # seconds for a process to answer
WORKER = workers.CMPP
WORKER_PATIENCE = 30.0  # seconds for it to finish what it has in hand

# Of the template, beside the address.
PARAMETERS = {"ApiRate": "10000", "OutsiderRate": "10000", "EgressAllow": "127.0.0.1"}
WITHOUT_WORKER = ("bench",)  # stages: what the worker asks of its queues would be counted
CREDENTIALS_LAST = 12 * 3600  # seconds: of the worker, which in a container would get new ones
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # to this machine, whatever proxy it uses for others


class NotStarted(Exception):
    pass


@dataclass(frozen=True)
class Stack:
    name: str
    stage: str

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


def up(stack: Stack, ports_from: int | None = None, sandbox_options: tuple[str, ...] = ()) -> dict[str, Any]:
    """Everything running and deployed as the sources say; the description that was written."""
    stack.folder.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(stack):
        running = _read(stack.record)
        wanted = f"{inputs_hash(stack.stage, HERE)} {_parameters(stack)} {sandbox_options}"
        if running and not (_answers(_emulator(running)) and _answers(_sandbox(running))):
            _stop(stack)
            running = {}
        if running and running.get("deployed") == wanted and stack.description.is_file() and _worker_lives(running):
            return _read(stack.description)
        packaging = _start_packaging(stack)
        if not running:
            running = _start(stack, _ports(ports_from), sandbox_options)
        _write(stack.record, running)
        import boto3  # while the others start  # noqa: F401

        packaged = _end_packaging(packaging)
        _await(stack, "emulator", _emulator(running), running)
        description = _deploy(stack, running, packaged)
        running = _restart_worker(stack, running, packaged)
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


def _start(stack: Stack, ports: dict[str, int], sandbox_options: tuple[str, ...]) -> dict[str, Any]:
    shutil.rmtree(stack.folder / "tmp", ignore_errors=True)
    stack.log("functions").write_bytes(b"")
    stack.description.unlink(missing_ok=True)
    emulator = ["--port", ports["emulator"], "--door-port", ports["api"], "--folder", stack.folder]
    sandbox = ["--http-port", ports["sandbox"], "--smtp-port", ports["smtp"], "--smtps-port", ports["smtps"]]
    sandbox += ["--starttls-port", ports["starttls"], "--cmpp-port", ports["cmpp"], *sandbox_options]
    pids = {
        "emulator": _spawn(stack, "emulator", "infra.local.emulator", [str(word) for word in emulator]),
        "sandbox": _spawn(stack, "sandbox", "infra.local.sandbox", [str(word) for word in sandbox]),
    }
    return {"stage": stack.stage, "ports": ports, "pids": pids}


def _spawn(stack: Stack, process: str, module: str, options: list[str], environment: dict[str, str] | None = None) -> int:
    """A process of its own session: it survives this one and hears no Ctrl-C."""
    with stack.log(process).open("wb") as log:
        command = [sys.executable, "-m", module, *options]
        started = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_clean_environment() | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return started.pid


def _clean_environment() -> dict[str, str]:
    """Nothing of this machine's AWS account or proxies gets into the functions."""
    unwanted = ("AWS_", "PYTHON", "LOCALSTACK", "MINISTACK")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted) and not name.lower().endswith("_proxy")}
    return {**kept, "PYTHONUNBUFFERED": "1"}


def _start_packaging(stack: Stack) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "infra.package", "--stage", stack.stage, "--target", HERE]
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}  # but the proxies: pip may need them
    return subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _end_packaging(packaging: subprocess.Popen[str]) -> Path:
    out, err = packaging.communicate()
    if packaging.returncode:
        raise NotStarted(f"packaging failed\n{err}")
    return Path(out.strip().splitlines()[-1])


def _deploy(stack: Stack, running: dict[str, Any], packaged: Path) -> dict[str, Any]:
    from infra import deploy as deployment

    ports, endpoint = running["ports"], _emulator_url(running)
    api_url = f"http://127.0.0.1:{ports['api']}"
    parameters = {**_parameters(stack), "PublicUrl": api_url}
    known = _read(stack.description)  # of an earlier deployment to the same emulator
    with local_aws(endpoint) as session:
        deployment.deploy(session, stage=stack.stage, packaged=packaged, parameters=parameters, poll=0.1, say=lambda text: None)
        _warm(endpoint)
        key = deployment.first_access_key(session, stack.stage)
        if key is None and "access_key" not in known:
            key = deployment.new_access_key(session, stack.stage)
    return {
        **known,
        "name": stack.name,
        "stage": stack.stage,
        "api_url": api_url,
        **({"access_key": key.access_key, "access_secret": key.access_secret} if key else {}),
        "sandbox_url": f"http://127.0.0.1:{ports['sandbox']}",
        "sandbox_cmpp": ports["cmpp"],
        "sandbox_smtp": {name: ports[name] for name in ("smtp", "smtps", "starttls")},
        "emulator_url": endpoint,
    }


def _warm(endpoint: str) -> None:
    with contextlib.suppress(urllib.error.URLError):
        DIRECT.open(urllib.request.Request(endpoint + "/_openums/warm", method="POST"), timeout=5).close()


def _parameters(stack: Stack) -> dict[str, str]:
    """With a worker, which runs as a process of ours instead of a container: there is no image."""
    return {**PARAMETERS, "CmppDesiredCount": str(int(stack.stage not in WITHOUT_WORKER))}


def _restart_worker(stack: Stack, running: dict[str, Any], packaged: Path) -> dict[str, Any]:
    """The long-lived worker, as its container would run: with the container's environment and the task's role."""
    old = running["pids"].pop(WORKER, None)
    if old is not None:
        _end([pid for pid in [old] if _is_ours(pid, WORKER)], WORKER_PATIENCE)
    template = json.loads((packaged / "sam.json").read_text())
    if "CmppTask" in template["Resources"] and stack.stage not in WITHOUT_WORKER:
        with local_aws(_emulator_url(running)) as session:
            environment = _worker_environment(session, stack.stage, template)
        environment["AWS_ENDPOINT_URL"] = _emulator_url(running)
        running["pids"][WORKER] = _spawn(stack, WORKER, workers.MODULE, [], environment)
    return running


def _worker_lives(running: dict[str, Any]) -> bool:
    """A container that ends would be started again."""
    pid = running["pids"].get(WORKER)
    return pid is None or (_alive(pid) and _is_ours(pid, WORKER))


def _worker_environment(session: Any, stage: str, template: dict[str, Any]) -> dict[str, str]:
    """What the template leaves to be resolved is the same for functions, whose variables can be asked for."""
    (container,) = template["Resources"]["CmppTask"]["Properties"]["ContainerDefinitions"]
    function = config.function_name(stage, "sweep")
    known = session.client("lambda").get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    known["AWS_DEFAULT_REGION"] = session.region_name
    variables = {
        each["Name"]: each["Value"] if isinstance(each["Value"], str) else known[each["Name"]] for each in container["Environment"]
    }
    roles = session.client("iam").list_roles()["Roles"]
    role = next(each["Arn"] for each in roles if "CmppTaskRole" in each["RoleName"])
    taken = session.client("sts").assume_role(RoleArn=role, RoleSessionName=WORKER, DurationSeconds=CREDENTIALS_LAST)["Credentials"]
    return {
        **variables,
        "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["SessionToken"],
    }


@contextlib.contextmanager
def local_aws(endpoint: str) -> Iterator[Any]:
    """boto3 as the emulator wants it, whatever this machine is configured for."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(AWS_ENDPOINT_URL=endpoint, AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    import boto3

    try:
        yield boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    finally:
        os.environ.clear()
        os.environ.update(before)


def _stop(stack: Stack) -> None:
    """The emulator ends its own workers; what does not end in time is killed."""
    pids = [pid for process, pid in _read(stack.record).get("pids", {}).items() if _is_ours(pid, process)]
    functions = [worker["pid"] for worker in _workers(_read(stack.record))]
    _end(pids, 4, functions)
    stack.record.unlink(missing_ok=True)
    shutil.rmtree(stack.folder / "tmp", ignore_errors=True)


def _end(pids: list[int], patience: float, others: Iterable[int] = ()) -> None:
    """Ask them to stop; what has not done so in time is killed, as are the others."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in [*pids, *others]:
        if _alive(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _workers(running: dict[str, Any]) -> list[dict[str, Any]]:
    if not running:
        return []
    try:
        with DIRECT.open(_emulator(running), timeout=2) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found
    except (OSError, ValueError):
        return []


def _is_ours(pid: int, process: str) -> bool:
    """A pid may have been given to somebody else since."""
    found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
    return (workers.MODULE if process == WORKER else f"infra.local.{process}") in found.stdout


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(found) and not found.startswith("Z")


def _ports(first: int | None) -> dict[str, int]:
    """As many in a row, the first that are free unless the caller says which."""
    for base in [first] if first else range(FIRST_PORT, 65000, 10):
        ports = {name: base + number for number, name in enumerate(PORTS)}
        if all(_is_free(port) for port in ports.values()):
            return ports
    raise NotStarted(f"not all of the ports from {first} to {(first or 0) + len(PORTS) - 1} are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _emulator_url(running: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{running['ports']['emulator']}"


def _emulator(running: dict[str, Any]) -> str:
    return _emulator_url(running) + "/_openums/workers"


def _sandbox(running: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{running['ports']['sandbox']}/_sandbox/health"


def _answers(url: str) -> bool:
    try:
        with DIRECT.open(url, timeout=2):
            return True
    except (OSError, ValueError):
        return False


def _await(stack: Stack, process: str, url: str, running: dict[str, Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _answers(url):
        if not _alive(running["pids"][process]) or time.monotonic() > deadline:
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
    where = LOCAL / "stack.json" if description["name"] == DEMO else LOCAL / description["name"] / "stack.json"
    print(f"keys in    {where.relative_to(ROOT)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("up", "down", "status", "logs"))
    parser.add_argument("--name", default=DEMO, help="several stacks may run at once")
    parser.add_argument("--stage", help="of .chalice/config.json; `test` for the stack of that name, else `local`")
    parser.add_argument("--ports-from", type=int, help="seven ports in a row; by default the first that are free")
    parser.add_argument("--late", help="seconds after which the sandbox reports what it delivers late")
    options = parser.parse_args()
    stack = Stack(options.name, options.stage or STAGES.get(options.name, "local"))
    if options.command == "up":
        begun = time.monotonic()
        try:
            description = up(stack, options.ports_from, ("--late", options.late) if options.late else ())
        except NotStarted as failure:
            sys.exit(str(failure))
        _show(description, time.monotonic() - begun)
    elif options.command == "down":
        print(f"{stack.name}: {'stopped' if down(stack) else 'nothing ran'}")
    elif options.command == "status":
        running = _read(stack.record)
        if not (running and _answers(_emulator(running))):
            sys.exit(f"{stack.name}: not running")
        _show(_read(stack.description))
        for worker in _workers(running):
            print(f"worker     {worker['pid']}  {worker['function']}{'  busy' if worker['busy'] else ''}")
    else:
        logs = [str(stack.log(process)) for process in ("functions", WORKER, "sandbox", "emulator")]
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run(["tail", "-n", "100", "-F", *logs])


if __name__ == "__main__":
    main()

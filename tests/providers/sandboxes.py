"""The provider sandbox as a process of its own, and a webhook that receives its posts."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from tests.liveness import PATIENCE

ROOT = Path(__file__).parents[2]

# A process that has imported the sandbox forks it for each start. Imports are most of a start.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["infra.sandbox.__main__", __name__])


@dataclass(frozen=True)
class Sandbox:
    url: str
    about: Mapping[str, Any]

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=PATIENCE, **options)

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", f"/_sandbox/{path}", params=query).json()

    def register(self, provider: str, app_key: str, **settings: Any) -> requests.Response:
        account = {"provider": provider, "app_key": app_key, "master_secret": "secret", **settings}
        return self.ask("POST", "/_sandbox/accounts", json=account)

    def sends(self, contact: str) -> int:
        return int(self.get("calls", contact=contact)["sends"][contact])

    def outcomes(self, contact: str) -> list[str]:
        return [call["outcome"] for call in self.get("calls", contact=contact)["calls"]]

    def clear(self) -> None:
        self.ask("DELETE", "/_sandbox/calls").raise_for_status()


@contextmanager
def running(*options: str) -> Iterator[Sandbox]:
    printed, prints = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_run, args=(prints, options))
    process.start()
    prints.close()
    try:
        with open(printed.fileno(), closefd=False) as lines:
            yield _started(lines.readline())
    finally:
        printed.close()
        process.terminate()
        process.join(PATIENCE)
        process.kill()
        process.join()


@contextmanager
def command(*options: str) -> Iterator[tuple[Sandbox, subprocess.Popen[str]]]:
    """Run the sandbox by its command, for tests of its start and end."""
    with subprocess.Popen(
        [sys.executable, "-m", "infra.sandbox", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield _started(process.stdout.readline()), process
        finally:
            process.kill()


def _started(line: str) -> Sandbox:
    about = json.loads(line)
    return Sandbox(f"http://127.0.0.1:{about['http_port']}", about)


def _run(prints: Connection, options: Sequence[str]) -> None:
    """Run the sandbox as its command does: what it prints goes to the pipe."""
    from infra.sandbox import __main__ as sandbox

    os.dup2(prints.fileno(), 1)
    sandbox.main(["--retry-first", "0.05", *options])


@dataclass(frozen=True)
class Seen:
    """A request that the webhook received."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body).items()}


def _echo(seen: Seen) -> str:
    return parse_qs(urlsplit(seen.path).query).get("echostr", [""])[0]


class Webhook:
    """Answer with the statuses in `script`, then with 200.

    The text is the result of `says`: `echostr`, or the answer that a vendor expects. The next
    `deaf` requests get none.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.says: Callable[[Seen], str] = _echo
        self.script: list[int] = []
        self.deaf = 0
        self.url = ""

    def answer(self, seen: Seen) -> tuple[int, str]:
        self.seen.append(seen)
        status, text = self.script.pop(0) if self.script else 200, self.says(seen)
        if self.deaf:
            self.deaf, text = self.deaf - 1, ""
        return status, text

    def events(self) -> list[dict[str, Any]]:
        """Return JPush's events in the order of their arrival."""
        events: list[dict[str, Any]] = []
        for seen in list(self.seen):
            events += seen.json["data"]
        return events


def _handler(hook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            seen = Seen(
                self.command,
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                body,
            )
            status, text = hook.answer(seen)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hook))
    hook.url = f"http://127.0.0.1:{server.server_port}/hook?token=t"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
    )
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

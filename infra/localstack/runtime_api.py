"""The Lambda runtime API of one function's process, and that process.

Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (November 2026)
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infra.localstack.bootstrap import END, VERSION

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
NEXT = f"{VERSION}/invocation/next"
INIT_ERROR = f"{VERSION}/init/error"
PATIENCE = 60.0  # seconds for a cold start on a busy machine
LOOK = 0.2  # seconds between two looks whether the process lives
# The kernel's niceness. A burst of cold starts must not make providers late, as it can't on AWS.
AFTER_OTHERS = 5
LAST_LINES = 10.0  # seconds for the end of an invocation's log, which its handler may have closed


@dataclass(frozen=True)
class Event:
    """One invocation, as Lambda hands it to the runtime."""

    request_id: str
    function_arn: str
    payload: bytes
    trace_id: str = ""


@dataclass(frozen=True)
class Outcome:
    """The result of an invocation, or why there is none."""

    payload: bytes
    failed: bool = False


class NotReady(Exception):
    """Raised with the runtime's own words when a function's code cannot be loaded."""


class Function:
    """A process that runs a function's code, one event at a time. It starts again if it ended."""

    def __init__(
        self,
        python: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Take the interpreter, the variables, Lambda's timeout, and who hears the log's lines."""
        self.python, self.environment, self.timeout, self.say = python, environment, timeout, say
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._server: Server | None = None
        self._lines: list[str] = []
        self._ends: queue.SimpleQueue[str] = queue.SimpleQueue()  # ids whose log has ended

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def is_busy(self) -> bool:
        return self._server is not None and not self._server.is_asking.is_set()

    def start(self) -> None:
        """Start the process. Return when it asks for its first event, else raise NotReady."""
        self.stop()
        server = self._server = Server()
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        self._process = subprocess.Popen(
            [*self.python, "-I", "-S", str(BOOTSTRAP)],
            env={**self.environment, "AWS_LAMBDA_RUNTIME_API": server.address},
            cwd=self.environment["LAMBDA_TASK_ROOT"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        os.setpriority(os.PRIO_PROCESS, self._process.pid, AFTER_OTHERS)
        listen = {"target": self._listen, "args": [self._process], "daemon": True}
        self._listener = threading.Thread(**listen)
        self._listener.start()
        deadline = time.monotonic() + PATIENCE
        while not server.is_ready.wait(LOOK):
            if self.pid is None or time.monotonic() > deadline:
                self.stop()
                why = server.init_error or b"\n".join(map(str.encode, self._lines[-20:]))
                raise NotReady(why.decode(errors="replace") or "the process ended")

    def invoke(self, event: Event) -> tuple[Outcome, str]:
        """Return what the handler returned, with the lines that it logged."""
        if self.pid is None:
            self.start()
        assert self._server is not None
        deadline = time.monotonic() + self.timeout
        self._server.events.put((event, time.time() + self.timeout))
        outcome = self._outcome(self._server, deadline)
        if outcome is None:
            outcome = self._ended(event.request_id, is_late=self.pid is not None)
            self.stop()
        else:
            self._read_to_end(event.request_id)
        lines, self._lines = self._lines, []
        return outcome, "\n".join(lines)

    def finish(self) -> None:
        """End the process when its invocation is over."""
        if self._server is not None:
            self._server.is_asking.wait(self.timeout)
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._listener is not None:
            self._listener.join(LAST_LINES)
        if self._server is not None:
            self._server.end()
        self._process = self._server = None

    def _outcome(self, server: Server, deadline: float) -> Outcome | None:
        """Wait for the outcome. Return None if the process ended or the time is over."""
        while True:
            try:
                outcome = server.outcomes.get(timeout=LOOK)
            except queue.Empty:
                if self.pid is None or time.monotonic() > deadline:
                    return None
            else:
                return outcome

    def _read_to_end(self, request_id: str) -> None:
        """Wait until the lines of an invocation have been read."""
        with suppress(queue.Empty):
            while self._ends.get(timeout=LAST_LINES) != request_id:
                continue

    def _ended(self, request_id: str, *, is_late: bool) -> Outcome:
        """Return what Lambda says of a function that ended or took too long."""
        told = {"errorType": "Runtime.ExitError"}
        told["errorMessage"] = f"RequestId: {request_id} Error: Runtime exited"
        if is_late:
            told = {"errorType": "Sandbox.Timedout"}
            seconds = f"{self.timeout:.2f} seconds"
            told["errorMessage"] = f"RequestId: {request_id} Error: Task timed out after {seconds}"
        self.say(told["errorMessage"])
        return Outcome(json.dumps(told).encode(), failed=True)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        for each in process.stdout or ():
            line, end, request_id = each.rstrip("\n").partition(END)
            if line or not end:
                self._lines.append(line)
                self.say(line)
            if end:
                self._ends.put(request_id)


class Server(ThreadingHTTPServer):
    """The runtime API for one process, on a port of this machine."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server_port}"
        self.events: queue.SimpleQueue[tuple[Event, float] | None] = queue.SimpleQueue()
        self.outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.is_ready, self.is_asking = threading.Event(), threading.Event()
        self.init_error = b""

    def end(self) -> None:
        self.events.put(None)
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer with the next event, whenever it comes."""
        if self.path != NEXT:
            return self._answer(404)
        self.server.is_ready.set()
        self.server.is_asking.set()
        waiting = self.server.events.get()
        if waiting is None:
            self.close_connection = True
            return None
        self.server.is_asking.clear()
        event, deadline = waiting
        headers = {
            "Lambda-Runtime-Aws-Request-Id": event.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
            "Lambda-Runtime-Trace-Id": event.trace_id,
        }
        return self._answer(200, event.payload, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == INIT_ERROR:
            self.server.init_error = body
        else:
            self.server.outcomes.put(Outcome(body, failed=self.path.endswith("/error")))
        self._answer(202)

    def _answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] = {}) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass

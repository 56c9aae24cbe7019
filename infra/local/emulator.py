"""The local AWS: MiniStack with a front door, counts, and corrections to be like AWS.

`python -m infra.local.emulator --port 4566 --door-port 8080`, started by infra/local/stack.py.

The emulator's port answers as AWS does. The door's port looks like the API on its own domain.
Its paths all go to the HTTP API that was deployed last.
The emulator's port has further addresses:

    GET    /_openums/counts    the counts since the last reset: requests by service, operation
                               and calling function, DynamoDB's units, invocations, event
                               sources, state transitions
    GET    /_openums/partitions  the DynamoDB units of each partition key since then
    DELETE /_openums/counts    return the counts, and start again from zero
    GET    /_openums/workers   the processes that run functions: function, pid, busy
    PUT    /_openums/throttled/<table>  throttle the requests of a table
    DELETE /_openums/throttled          throttle nothing
    POST   /_openums/warm      start a process for each function before the first request
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from infra.local import cores, differences, door, insides
from infra.local.counts import OUTSIDE, Counts, operation_of
from infra.local.short_way import SERVICES, ShortWay
from infra.local.throttles import Throttles

MAX_BODY = 6 * 1024 * 1024  # Lambda's limit, while API Gateway's is 10 MB
# Concurrent requests of the API. AWS would start a process for each request.
# On a machine of few cores, waiting for a process is quicker than starting one.
AT_ONCE = max(4, 2 * (os.cpu_count() or 1))

THROTTLED = "/_openums/throttled"
# Headers of answers that only S3 has, while MiniStack sends them for each service.
OF_S3 = frozenset(
    {
        b"access-control-allow-origin",
        b"access-control-allow-methods",
        b"access-control-allow-headers",
        b"access-control-expose-headers",
        b"x-amz-request-id",
        b"x-amz-id-2",
    }
)

Scope = dict[str, Any]


class Emulator:
    """MiniStack's ASGI application behind the door, with our own addresses."""

    def __init__(
        self, aws: Any, short_way: ShortWay, gateway: door.Door, door_port: int, counts: Counts
    ) -> None:
        self.aws, self.short_way, self.counts = aws, short_way, counts
        self.gateway, self.door_port = gateway, door_port
        self.opened = asyncio.Semaphore(AT_ONCE)
        self.throttles = Throttles()
        self.others_first = cores.OthersFirst()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.aws(scope, receive, send)
        elif scope["server"][1] == self.door_port:
            await self._through_the_door(scope, receive, send)
        elif scope["path"].startswith("/_openums/"):
            await self._about_itself(scope, send)
        elif scope["path"].startswith(differences.FUNCTION_URLS):
            _, receive = await _read(receive)  # whoever sends slowly holds nobody up
            async with self.opened:
                await self.aws(scope, receive, send)
        else:
            await self._aws_call(scope, receive, send)

    async def _through_the_door(self, scope: Scope, receive: Any, send: Any) -> None:
        body, receive = await _read(receive)
        api_id = insides.deployed_api()
        if api_id is None:
            await _answer(send, 503, {"message": "nothing is deployed yet"})
            return
        self.counts.api_request(scope["method"])
        if len(body) > MAX_BODY:
            await _answer(send, 413, {"message": "Request Entity Too Large"})
            return
        async with self.opened:
            with self.others_first.serve():
                await self._passed(api_id, scope, body, receive, send)

    async def _passed(
        self, api_id: str, scope: Scope, body: bytes, receive: Any, send: Any
    ) -> None:
        """Pass a request on to the API that was deployed last."""
        headers = door.headers_of(scope)
        answer = headers and await self.gateway.answer(api_id, scope, headers, body)
        if answer:
            await self.gateway.send(send, *answer)
            return
        # The path is decoded once, as an HTTP API hands it on.
        prefix = f"/_aws/execute-api/{api_id}/$default"
        raw = scope.get("raw_path") or scope["path"].encode()
        request = {**scope, "path": prefix + scope["path"], "raw_path": prefix.encode() + raw}
        await self.aws(request, receive, send)

    async def _aws_call(self, scope: Scope, receive: Any, send: Any) -> None:
        service, operation, name = operation_of(scope)
        call = (service, operation, name.removesuffix(cores.SUFFIX))
        if name.endswith(cores.SUFFIX):
            await self.others_first.wait()
            await self._counted(call, scope, receive, send)
        elif operation == "ReceiveMessage":  # most of them wait for a message
            await self._counted(call, scope, receive, send)
        else:
            with self.others_first.serve():
                await self._counted(call, scope, receive, send)

    async def _counted(
        self, call: tuple[str, str, str], scope: Scope, receive: Any, send: Any
    ) -> None:
        service, operation, caller = call
        if service == "dynamodb" and self.throttles.tables:
            body, receive = await _read(receive)
            if error := self.throttles.answer(operation, body):
                await _answer(send, 400, error)
                return
        if service not in SERVICES:
            await self.aws(scope, receive, send if service == "s3" else _without(OF_S3, send))
        else:
            request, response = await self._answered(scope, receive, send)
            await asyncio.sleep(0)  # the answer leaves before it is counted
            if service == "dynamodb":
                self.counts.dynamodb_units(operation, request, response, caller)
            elif operation == "ReceiveMessage" and b"ReceiptHandle" not in response:
                # Empty receives go on all the time, however little is sent: they do not count.
                caller = OUTSIDE
        self.counts.aws_request(service, operation, caller)
        if service == "sqs" and operation.startswith(("SendMessage", "ChangeMessageVisibility")):
            differences.wake_event_sources()

    async def _answered(self, scope: Scope, receive: Any, send: Any) -> tuple[bytes, bytes]:
        """Answer a call to DynamoDB or SQS, and return its request and response bodies."""
        headers = self.short_way.headers_of(scope)
        if headers is None:
            return await self._recorded(scope, receive, send)
        body, receive = await _read(receive)
        answer = await self.short_way.answer(scope, headers, body)
        if answer is None:
            return await self._recorded(scope, receive, send)
        await _answer_raw(send, answer.status, answer.headers, answer.body)
        return body, answer.body

    async def _recorded(self, scope: Scope, receive: Any, send: Any) -> tuple[bytes, bytes]:
        """Pass a call on, and return its request and response bodies."""
        request, response = bytearray(), bytearray()
        send = _without(OF_S3, send)

        async def listen() -> Any:
            event = await receive()
            request.extend(event.get("body", b""))
            return event

        async def reply(event: Any) -> None:
            response.extend(event.get("body", b""))
            await send(event)

        await self.aws(scope, listen, reply)
        return bytes(request), bytes(response)

    async def _about_itself(self, scope: Scope, send: Any) -> None:
        route = (scope["method"], scope["path"])
        if route == ("GET", "/_openums/counts"):
            await _answer(send, 200, self.counts.read())
        elif route == ("GET", "/_openums/partitions"):
            await _answer(send, 200, {"partitions": self.counts.partitions()})
        elif route == ("DELETE", "/_openums/counts"):
            await _answer(send, 200, self.counts.reset())
        elif scope["path"].startswith(THROTTLED) and scope["method"] in ("PUT", "DELETE"):
            table = scope["path"].removeprefix(THROTTLED).strip("/")
            self.throttles.tables = {table} if scope["method"] == "PUT" else set()
            await _answer(send, 200, {})
        elif route == ("GET", "/_openums/workers"):
            await _answer(send, 200, insides.workers())
        elif route == ("POST", "/_openums/warm"):
            asyncio.get_running_loop().run_in_executor(None, insides.warm)
            await _answer(send, 202, {})
        else:
            await _answer(send, 404, {"message": "unknown address"})


async def _read(receive: Any) -> tuple[bytes, Any]:
    """Return a body, and what receives it again as it came: it may have broken off."""
    events = [await receive()]
    while events[-1].get("more_body"):
        events.append(await receive())
    body = b"".join(event.get("body", b"") for event in events)

    async def again() -> Any:
        return events.pop(0) if events else await receive()

    return body, again


def _without(headers: frozenset[bytes], send: Any) -> Any:
    """Return a `send` that leaves out headers of answers. Functions would parse them."""

    async def shorter(event: Any) -> None:
        if event["type"] == "http.response.start":
            kept = [pair for pair in event["headers"] if pair[0].lower() not in headers]
            event = {**event, "headers": kept}
        await send(event)

    return shorter


async def _answer(send: Any, status: int, body: Any) -> None:
    await _answer_raw(send, status, {"Content-Type": "application/json"}, json.dumps(body).encode())


async def _answer_raw(send: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


def _environment(port: int, folder: Path, enforce_iam: bool) -> None:
    """Set the variables that MiniStack reads when it is imported."""
    scratch = folder / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="127.0.0.1",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AUTH=str(enforce_iam).lower(),
        TMPDIR=str(scratch),
        LOG_LEVEL="WARNING",
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=4566, help="0: any that is free")
    parser.add_argument("--door-port", type=int, default=8080, help="0: any that is free")
    parser.add_argument("--folder", type=Path, default=Path(".local/demo"))
    parser.add_argument(
        "--enforce-iam",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="let roles decide, as AWS does",
    )
    return parser.parse_args()


def _listen(*ports: int) -> tuple[list[socket.socket], tuple[int, ...]]:
    """Return sockets that listen, and their ports. Port 0 becomes any that is free."""
    sockets = [socket.create_server(("127.0.0.1", port)) for port in ports]
    return sockets, tuple(each.getsockname()[1] for each in sockets)


def main() -> None:
    options = _options()
    sockets, ports = _listen(options.port, options.door_port)
    _environment(ports[0], options.folder.resolve(), options.enforce_iam)

    import uvicorn
    from ministack.app import app as aws

    from infra.local.one_write import OneWrite

    counts = Counts(insides.stored_item)
    differences.apply(counts)
    insides.watch(counts, options.folder.resolve() / "functions.log")
    emulator: Any = Emulator(aws, ShortWay(), door.Door(), ports[1], counts)
    server = uvicorn.Server(
        uvicorn.Config(
            emulator,
            http=OneWrite,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
        )
    )
    print(f"emulator {os.getpid()} on ports {ports}", file=sys.stderr, flush=True)
    server.run(sockets=sockets)


if __name__ == "__main__":
    main()

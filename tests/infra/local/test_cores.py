"""Jobs of priority 3 run in processes of their own, which get the cores last."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local import cores


class Worker:
    def __init__(self) -> None:
        self._proc: Any = None

    def _spawn(self) -> None:
        self._proc = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


class Service:
    """Functions whose invocation leases a process of the pool that it names, as MiniStack does."""

    def __init__(self, worker: type[Worker]) -> None:
        self.pools: dict[str, Worker] = {}
        self._worker = worker

    def acquire_worker(
        self, name: str, config: Any, code: bytes, qualifier: str = ""
    ) -> tuple[Worker, str]:
        return self.pools.setdefault(qualifier, self._worker()), "spawn"

    def _execute_function_dispatch(self, function: Any, config: Any, payload: Any) -> int:
        worker, _ = self.acquire_worker("deliver_sms", config, b"", qualifier="$LATEST")
        if worker._proc is None:
            worker._spawn()
        return os.getpriority(os.PRIO_PROCESS, worker._proc.pid)


@pytest.fixture
def service() -> Iterator[Service]:
    class Own(Worker):
        pass

    service = Service(Own)
    cores.apply(service, SimpleNamespace(Worker=Own))
    yield service
    for worker in service.pools.values():
        worker._proc.kill()
        worker._proc.wait()


def batch(queue: str) -> dict[str, Any]:
    return {"Records": [{"eventSourceARN": f"arn:aws:sqs:eu-west-1:1:openums-local-{queue}"}]}


def test_the_emulator_gets_the_cores_first_and_jobs_of_priority_3_last(service: Service) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    payloads: list[Any] = [batch("sms-1"), batch("sms-3"), batch("sms-2"), {}, {"Records": []}, "x"]
    asked = [service._execute_function_dispatch({}, {}, payload) for payload in payloads]
    later, last = max(own, cores.LATER), max(own, cores.LAST)
    assert asked == [later, last, later, later, later, later]


def test_a_process_of_priority_3_serves_no_other(service: Service) -> None:
    for queue in ("chunks-3", "chunks-1", "sms-3"):
        service._execute_function_dispatch({}, {}, batch(queue))
    assert set(service.pools) == {"$LATEST", "$LATEST#last"}


def test_a_request_of_priority_3_waits_for_others_but_not_for_ever() -> None:
    async def order() -> list[str]:
        others_first, ended = cores.OthersFirst(), list[str]()

        async def last() -> None:
            await others_first.wait()
            ended.append("last")

        waiting = asyncio.create_task(last())
        with others_first.serve():
            await asyncio.sleep(0)
            ended.append("other")
        await waiting
        with others_first.serve():
            await last()
        return ended

    assert asyncio.run(order()) == ["other", "last", "last"]

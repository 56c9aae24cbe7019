"""The functions, routes and job families of a stage, from Chalice's configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib import config
from chalicelib.domain.delivery_channels import ChannelType, Priority
from infra.template import variables, workers

if TYPE_CHECKING:
    from chalice.config import Config

Resource = dict[str, Any]

API = "api"  # the function of the REST API, which Chalice calls api_handler

# Jobs at once: the most that SQS hands over without a window. A function hands the rest back at
# its deadline, and a delivery function when it has worked for some seconds (runtime.PATIENCE).
BATCH = 10
URGENT_BATCH = 5  # of priority 1, so that a code comes with four others at most
URGENT_MAILS = 1  # of priority 1: a mail has several exchanges, each with a slow server perhaps
# Seconds in which records of streams gather to a batch, and so do the callbacks that follow.
WINDOW: Resource = {"Ref": "BatchingWindow"}


# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html, November 2026
CONCURRENCY = range(2, 1001)


class WrongStage(Exception):
    """Raised for a setting of a stage in .chalice/config.json that AWS would refuse."""


@dataclass(frozen=True)
class Family:
    """A kind of job: queues by priority, a dead-letter queue, a function."""

    name: str  # of queues: chunks, sms, cmpp
    function: str  # chunks, deliver_sms, or empty if a worker takes the jobs
    batch_size: int  # jobs at once
    timeout: int
    queues: Mapping[Priority, str]
    window: Resource | int = 0  # seconds in which jobs gather to a batch
    concurrency: int | None = None  # batches at once, None: as the stage says
    urgent_batch: int = BATCH  # jobs of priority 1 at once, unless all batches are smaller

    def queue_id(self, priority: Priority) -> str:
        """Return the queue's logical id in the template."""
        return f"{camel(self.name)}{priority.value}Queue"

    def batch(self, priority: Priority) -> int:
        """Return how many jobs of a queue its function gets at once."""
        most = self.urgent_batch if priority is Priority.HIGH else BATCH
        return min(self.batch_size, most)

    @property
    def dead_letter_id(self) -> str:
        return f"{camel(self.name)}DeadQueue"


@dataclass(frozen=True)
class Stage:
    """A stage in Chalice's configuration."""

    name: str
    chalice: Config
    runtime: str  # Python of the functions, such as `python3.11`

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of the stage. Raises WrongStage for one without a meaning."""
        found = dict(self.chalice.environment_variables)
        for error in variables.wrong(found):
            raise WrongStage(f"variable of stage {self.name}, {error} (.chalice/config.json)")
        return found

    @property
    def channel_types(self) -> list[ChannelType]:
        return [ChannelType(name) for name in self.environment["CHANNEL_TYPES"].split(",") if name]

    @property
    def functions(self) -> list[str]:
        app = self.chalice.chalice_app
        return [
            API,
            *(source.name for source in app.event_sources),
            *(function.name for function in app.pure_lambda_functions),
        ]

    @property
    def routes(self) -> list[tuple[str, str]]:
        """Return path and method of every route."""
        routes: list[tuple[str, str]] = []
        for path, methods in self.chalice.chalice_app.routes.items():
            routes += ((path, method) for method in methods)
        return routes

    def concurrency(self, priority: Priority) -> int:
        """Return how many batches one family works on at once.

        Priority 3 has the broadcasts. It stays below the load for which the tables are warm.
        Raises WrongStage unless the number is one that Lambda takes as MaximumConcurrency.
        """
        on_disk = self.chalice.config_from_disk
        configured = on_disk["stages"].get(self.name, {}).get("concurrency")
        configured = on_disk["concurrency"] if configured is None else configured
        number = configured.get(str(priority.value)) if isinstance(configured, dict) else configured
        if type(number) is not int or number not in CONCURRENCY:
            raise WrongStage(
                f"concurrency of stage {self.name}, priority {priority.value}: {json.dumps(number)}"
                f" must be a whole number from {CONCURRENCY[0]} to {CONCURRENCY[-1]}"
                " (.chalice/config.json)"
            )
        return number

    def timeout(self, function: str) -> int:
        name = "api_handler" if function == API else function
        return int(self.chalice.scope(self.name, name).lambda_timeout)

    def policy_of_the_api(self, function: str) -> Resource:
        """Return the API's policy for another function, which writes logs of its own."""
        file = Path(self.chalice.project_dir) / ".chalice" / "policy-api.json"
        own: Resource = json.loads(file.read_text().replace(f"-{API}:*", f"-{function}:*"))
        return own

    @property
    def workers(self) -> list[Family]:
        """The families of jobs for a long-lived worker instead of a function."""
        if ChannelType.SMS not in self.channel_types:
            return []
        queues = {priority: config.worker_queue(workers.CMPP, priority) for priority in Priority}
        timeout = workers.timeout(self.environment["PROVIDER_TIMEOUT"])
        return [Family(workers.CMPP, "", 1, timeout, queues)]

    @property
    def facts(self) -> Family:
        """The family of jobs for fact files, which exists only where they are on."""
        name = config.facts_queue()
        queues = {Priority.LOW: name}
        return Family(name, name, 1, self.timeout(name), queues, concurrency=CONCURRENCY[0])

    @property
    def families(self) -> list[Family]:
        """The families of chunks, of each channel type, of imports, and of callbacks."""
        queues = {priority: config.chunks_queue(priority) for priority in Priority}
        families = [Family("chunks", "chunks", BATCH, self.timeout("chunks"), queues)]
        for channel_type in self.channel_types:
            function = config.deliver_function(channel_type)
            timeout = self.timeout(function)
            queues = {
                priority: config.delivery_queue(channel_type, priority) for priority in Priority
            }
            delivery = Family(channel_type.value, function, BATCH, timeout, queues)
            urgent = URGENT_MAILS if channel_type is ChannelType.EMAIL else URGENT_BATCH
            families.append(replace(delivery, urgent_batch=urgent))
        imports, callbacks = config.imports_queue(), config.callbacks_queue()
        reports = self.timeout(callbacks), {Priority.LOW: callbacks}
        return [
            *families,
            Family(imports, imports, 1, self.timeout(imports), {Priority.LOW: imports}),
            Family(callbacks, callbacks, BATCH, *reports, WINDOW),
        ]


def camel(name: str) -> str:
    return "".join(part[0].upper() + part[1:] for part in name.replace("-", "_").split("_"))


def logical_id(function: str) -> str:
    """Return Chalice's logical id of a function."""
    return "APIHandler" if function == API else camel(function)

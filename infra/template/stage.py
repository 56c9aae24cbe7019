"""What is deployed for a stage, as Chalice's configuration and chalicelib/config.py say: its functions, routes, and kinds of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib import config
from chalicelib.domain.delivery_channels import ChannelType, Priority
from infra.template import workers

if TYPE_CHECKING:
    from chalice.config import Config

Resource = dict[str, Any]

API = (
    "api"  # the function that serves the REST API, as others call it; Chalice's word is api_handler
)

AUDIENCE_BATCH = 10  # small jobs, each a chunk or an evaluation; a function stops at its deadline and hands the rest back


@dataclass(frozen=True)
class Family:
    """One kind of job: queues by priority, one dead-letter queue, one function."""

    name: str  # of queues: audience, sms, cmpp
    function: str  # audience, deliver_sms; empty where a worker takes its jobs
    batch_size: int
    timeout: int
    queues: Mapping[Priority, str]

    def queue_id(self, priority: Priority) -> str:
        """Its logical id in the template."""
        return f"{camel(self.name)}{priority.value}Queue"

    @property
    def dead_letter_id(self) -> str:
        return f"{camel(self.name)}DeadQueue"


@dataclass(frozen=True)
class Stage:
    """What Chalice's configuration says about a stage."""

    name: str
    chalice: Config

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.chalice.environment_variables)

    @property
    def channel_types(self) -> list[ChannelType]:
        return [ChannelType(name) for name in self.environment["CHANNEL_TYPES"].split(",") if name]

    @property
    def functions(self) -> list[str]:
        app = self.chalice.chalice_app
        return [
            API,
            *(each.name for each in app.event_sources),
            *(each.name for each in app.pure_lambda_functions),
        ]

    @property
    def routes(self) -> list[tuple[str, str]]:
        """(path, method) of every route."""
        return [
            (path, method)
            for path, methods in self.chalice.chalice_app.routes.items()
            for method in methods
        ]

    def concurrency(self, priority: Priority) -> int:
        """How many batches one family works on at once. Priority 3 has the broadcasts: it stays below what the tables are warm for."""
        on_disk = self.chalice.config_from_disk
        found = on_disk["stages"].get(self.name, {}).get("concurrency") or on_disk["concurrency"]
        return int(found[str(priority.value)])

    def timeout(self, function: str) -> int:
        name = "api_handler" if function == API else function
        return int(self.chalice.scope(self.name, name).lambda_timeout)

    @property
    def workers(self) -> list[Family]:
        """Families of jobs that a long-lived worker takes, not a function."""
        if ChannelType.SMS not in self.channel_types:
            return []
        queues = {each: config.worker_queue(workers.CMPP, each) for each in Priority}
        return [
            Family(
                workers.CMPP, "", 1, workers.timeout(self.environment["PROVIDER_TIMEOUT"]), queues
            )
        ]

    @property
    def families(self) -> list[Family]:
        """The audience queues, those of each channel type, and that of imports.

        A delivery function works through its batch one job after another and must be done, even if the provider answers none
        of them in time, before its own timeout: that bounds the batch (5 jobs of 10 s in 60 s).
        """
        queues = {each: config.audience_queue(each) for each in Priority}
        found = [Family("audience", "audience", AUDIENCE_BATCH, self.timeout("audience"), queues)]
        for channel_type in self.channel_types:
            function = config.deliver_function(channel_type)
            timeout = self.timeout(function)
            batch = int(timeout // float(self.environment["PROVIDER_TIMEOUT"])) - 1
            # A mail job has several calls of up to a quarter of a minute each: one job at a time.
            size = 1 if channel_type is ChannelType.EMAIL else min(10, max(1, batch))
            queues = {each: config.delivery_queue(channel_type, each) for each in Priority}
            found.append(Family(channel_type.value, function, size, timeout, queues))
        imports = config.imports_queue()
        return [*found, Family(imports, imports, 1, self.timeout(imports), {Priority.LOW: imports})]


def camel(name: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in name.replace("-", "_").split("_"))


def logical_id(function: str) -> str:
    """The logical id that Chalice gives a function."""
    return "APIHandler" if function == API else camel(function)

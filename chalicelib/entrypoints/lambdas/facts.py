"""The consumer of the queue of fact files. Its function alone has DuckDB, in a layer."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib import config
from chalicelib.domain import envelopes
from chalicelib.entrypoints.lambdas.runtime import jobs, stage
from chalicelib.flow import fact_files
from chalicelib.ports import World

bp = Blueprint(__name__)

_QUEUE = config.queue_name(stage(), config.facts_queue())


@bp.on_sqs_message(queue=_QUEUE, batch_size=1)  # type: ignore[untyped-decorator]
@jobs
def facts(world: World, text: str) -> None:
    """Write the fact files of a quarter of an hour, or of a part of a large message."""
    fact_files.write(world, envelopes.decode_facts_job(text))

"""Every function beside the API, as the blueprints that app.py registers to package them."""

from __future__ import annotations

from chalicelib.entrypoints.lambdas import (
    callbacks,
    console,
    facts,
    imports,
    queues,
    runtime,
    schedules,
    steps,
    streams,
)

BLUEPRINTS = (
    queues.CHUNKS,
    *(queues.DELIVERY[channel_type] for channel_type in runtime.channel_types()),
    imports.bp,
    facts.bp,
    callbacks.bp,
    streams.bp,
    steps.bp,
    schedules.bp,
    console.bp,
)

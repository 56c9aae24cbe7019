"""The consumer of the imports queue: imports and exports of files.

Only its function reads uploaded files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib import config
from chalicelib.domain import envelopes
from chalicelib.domain.imports import Several, Translated
from chalicelib.domain.jobs import ExportJob
from chalicelib.domain.users import UserChange
from chalicelib.entrypoints.http import import_errors
from chalicelib.entrypoints.lambdas.runtime import jobs, stage
from chalicelib.manage.imports import run
from chalicelib.manage.imports.rows import Door
from chalicelib.ports import World

bp = Blueprint(__name__)


_QUEUE = config.queue_name(stage(), config.imports_queue())


@bp.on_sqs_message(queue=_QUEUE, batch_size=1)  # type: ignore[untyped-decorator]
@jobs
def imports(world: World, text: str) -> None:
    """Continue an import or export. A row is validated as an entry of /v1/user/opt is."""
    job = envelopes.decode_import(text)
    if isinstance(job, ExportJob):
        from chalicelib.manage import exports  # imports do not need it, nor the read side
        from chalicelib.reports import tables

        exports.work(world, job, tables.table)
    else:
        run.work(world, job, DOOR)


def read_user(body: Mapping[str, Any]) -> UserChange:
    """Read a row as an entry of /v1/user/opt. Raises Several with all of its errors."""
    # Only here, because pydantic slows a cold start.
    from chalicelib.entrypoints.http.bodies import BadBody
    from chalicelib.entrypoints.http.schemas import base, user_entries

    try:
        return base.validate(user_entries.Entry, body).user_change()
    except BadBody as error:
        errors = [Translated(field, *reason) for field, reason in error.errors]
        raise Several(errors) from None


DOOR = Door(read_user, import_errors.say, import_errors.heading)

"""The consumer of the queue of imports: its function reads uploaded files, and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib import config
from chalicelib.domain import envelopes
from chalicelib.domain.errors import Invalid
from chalicelib.domain.users import UserChange
from chalicelib.entrypoints.lambdas.runtime import jobs, stage
from chalicelib.manage.imports import run
from chalicelib.ports import World

bp = Blueprint(__name__)


@bp.on_sqs_message(queue=config.queue_name(stage(), config.imports_queue()), batch_size=1)  # type: ignore[untyped-decorator]
@jobs
def imports(world: World, text: str) -> None:
    """Go on with an import. A row is checked as an entry of /v1/user/opt is."""
    run.work(world, envelopes.decode_import(text), read_user)


def read_user(body: Mapping[str, Any]) -> UserChange:
    """Read a row as an entry of /v1/user/opt. Raises Invalid with its first error."""
    from chalicelib.entrypoints.http.bodies import BadBody
    from chalicelib.entrypoints.http.schemas import base, users  # pydantic is needed here only

    try:
        return base.validate(users.Entry, body).user_change()
    except BadBody as error:
        raise Invalid(*error.errors[0]) from None

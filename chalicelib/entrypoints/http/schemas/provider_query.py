"""Queries to a provider, for operators: connection tests and authorisation pages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from chalicelib.entrypoints.http.schemas.base import Answer, Strict, check_address


class Return(Strict):
    """The address to which the authorisation page returns."""

    redirect_uri: Annotated[
        str,
        Field(max_length=1024),
        AfterValidator(check_address),
    ]


class Check(Answer):
    """The result of a query. While it is `pending`, get it again by `check_id`."""

    check_id: str
    status: Literal["ok", "failed", "pending"]
    code: str
    kind: Literal["", "misconfigured", "rejected", "unavailable", "throttled", "uncertain"]
    link: str | None
    made: str | None

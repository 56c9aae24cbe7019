"""An authenticated request, as views get it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chalice.app import Request

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.members import Member
from chalicelib.domain.values import frozen
from chalicelib.entrypoints.http import bodies
from chalicelib.entrypoints.http.contract import Contract
from chalicelib.entrypoints.http.errors import BODY_TOO_LARGE, PARAMETER, WRONG_MEDIA, Refused
from chalicelib.entrypoints.http.language import Language, preferred
from chalicelib.ports import World

_JSON_TYPE = re.compile(
    r"(application/json|text/json|application/[\w.-]+\+json)\s*(;.*)?", re.IGNORECASE
)


@frozen
class RequestContext:
    """A request with its caller: an access channel, a member, or neither."""

    world: World
    request: Request
    channel: AccessChannel | None
    contract: Contract
    member: Member | None = None

    @property
    def sender(self) -> AccessChannel:
        """The access channel of a route that only access channels may call."""
        if self.channel is None:
            raise TypeError("this route has no access channel")
        return self.channel

    @property
    def raw(self) -> bytes:
        """The exact bytes of the body. Raises Refused if there are too many."""
        try:
            raw = self.request.raw_body
        except ValueError:  # half surrogate pairs, or broken base64
            raise Refused(PARAMETER, "cannot be read", "无法读取", field="body") from None
        if len(raw) > self.contract.limit:
            raise BODY_TOO_LARGE.refuse("body", limit=self.contract.limit)
        return raw if isinstance(raw, bytes) else raw.encode()

    def json(self) -> Any:
        media = self.request.headers.get("content-type")
        if media and not _JSON_TYPE.fullmatch(media.strip()):
            raise WRONG_MEDIA.refuse("Content-Type", media="application/json")
        return bodies.parse_json(self.raw)

    def body(self) -> Any:
        """Return the body as the route's request schema. Raises Refused.

        Name the schema's class at the call (`body: ChannelBody = context.body()`): a test compares
        it with the one that the route declares.
        """
        return self.validate(self.json(), self.contract.request)

    def query(self) -> Any:
        """Return the query as the route's query schema, named at the call as for `body`."""
        return self.validate(dict(self.parameters), self.contract.query)

    def validate(self, value: Any, schema: str) -> Any:
        """Validate against the named schema. The first call imports the schema's module."""
        from chalicelib.entrypoints.http import schemas
        from chalicelib.entrypoints.http.schemas import base

        return base.validate(schemas.load(schema), value)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the query string. The last value of a repeated one counts."""
        parameters = self.request.query_params
        return {name: parameters[name] for name in parameters} if parameters else {}

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, with their names in lower case."""
        return {str(name).lower(): str(self.request.headers[name]) for name in self.request.headers}

    @property
    def language(self) -> Language:
        """The language of texts in the answer, as `Accept-Language` prefers, otherwise English."""
        return preferred(self.headers.get("accept-language", ""), default=Language.ENGLISH)

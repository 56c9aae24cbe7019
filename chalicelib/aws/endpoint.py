"""The way of a request from the SDK's client to AWS and back, for DynamoDB and SQS.

botocore's own way suits every service: it builds each request three times, and looks up where to
send it each time anew. This takes half of that time. The SDK writes the body, reads the answer,
decides on repeats, and calls its hooks `before-send`, `response-received` and `needs-retry`.
"""

from __future__ import annotations

from typing import Any

from botocore.endpoint import Endpoint

from chalicelib.aws import retries, signing
from chalicelib.aws.transport import Transport


class Request:
    """A request that leaves as it is, with the names that the SDK and its hooks read."""

    stream_output = False  # no answer comes in parts

    def __init__(self, url: str, headers: dict[str, Any], body: bytes) -> None:
        self.method, self.url, self.headers, self.body = "POST", url, headers, body

    def prepare(self) -> Request:
        return self

    def reset_stream(self) -> None:
        """Do nothing: bytes can be sent again."""


class ShortEndpoint(Endpoint):  # type: ignore[misc]
    """An endpoint of requests whose parameters are all in their body, as JSON protocols have it."""

    def __init__(self, replaced: Endpoint, signer: Any, transport: Transport) -> None:
        super().__init__(
            replaced.host,
            replaced._endpoint_prefix,
            replaced._event_emitter,
            replaced._response_parser_factory,
            transport,
        )
        self._signer = signer

    def create_request(self, params: dict[str, Any], operation_model: Any = None) -> Request:
        """Build and sign a request of what the SDK has written. It asks so for each attempt."""
        retries.begin()
        request = Request(params["url"], dict(params["headers"]), params["body"])
        signing.sign(request, self._signer, params["context"].get("signing", {}))
        request.headers["Content-Length"] = str(len(request.body))
        prepared: Request = self.prepare_request(request)  # where X-Ray adds its header
        return prepared


def shorten(client: Any) -> None:
    """Give a client this endpoint, unless a proxy is in between."""
    from botocore.utils import get_environ_proxies

    meta = client.meta
    if meta.endpoint_url.partition(":")[0] in get_environ_proxies(meta.endpoint_url):
        return
    timeouts = meta.config.connect_timeout, meta.config.read_timeout
    transport = Transport(*timeouts, client._endpoint.http_session._verify)
    client._endpoint = ShortEndpoint(client._endpoint, client._request_signer, transport)
    client._ruleset_resolver = _Resolver(client._ruleset_resolver)


class _Resolver:
    """The SDK's resolver of addresses, which is asked once for each operation.

    An address depends on a request only where it names a table by its ARN, which OpenUMS does not.
    """

    def __init__(self, resolver: Any) -> None:
        self._resolver, self._known = resolver, dict[str, Any]()

    def construct_endpoint(self, operation_model: Any, **request: Any) -> Any:
        name = operation_model.name
        if name not in self._known:
            found = self._resolver.construct_endpoint(operation_model=operation_model, **request)
            self._known[name] = found
        return self._known[name]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resolver, name)

"""HTTP over requests: connections go where the egress policy says, and errors say whether anything was sent.

Import this module only inside functions: requests costs about as much as boto3 to import.
"""

from __future__ import annotations

import socket
import ssl
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from chalicelib.domain.errors import Misconfigured, ProviderError, Unavailable, Uncertain
from chalicelib.web.deadline import Deadline
from chalicelib.web.egress import Policy
from chalicelib.web.messages import Request, Response

CONNECT_SECONDS = 5.0

# A function's container is frozen between its invocations. What was closed meanwhile (gateways drop idle connections after
# minutes) would break the next request after it was sent, and nobody could say whether the provider has it.
MAX_IDLE_SECONDS = 15.0


class Exchange:
    """The deadline of the request that is under way, for the connection that carries it."""

    deadline: Deadline | None = None


class RequestsTransport:
    """Implements Transport. For one thread at a time, as functions are."""

    def __init__(self, policy: Policy) -> None:
        self._exchange = Exchange()
        self._adapter = PinnedAdapter(policy, self._exchange)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxies, no .netrc
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount("https://", self._adapter)
        self._session.mount("http://", self._adapter)
        self._last_used = 0.0

    def send(self, request: Request, timeout: float) -> Response:
        self._close_idle()
        with Deadline(timeout) as deadline:
            self._exchange.deadline = deadline
            try:
                response = self._send(request, timeout)
                if (
                    deadline.passed
                ):  # what a shut socket leaves behind may look like the end of headers or body
                    raise Uncertain("timeout")
                return response
            except ProviderError:
                raise
            except (
                requests.exceptions.InvalidURL,
                requests.exceptions.InvalidSchema,
                requests.exceptions.InvalidHeader,
            ) as error:
                raise Misconfigured("url") from error
            except (
                requests.exceptions.Timeout,
                TimeoutError,
                urllib3.exceptions.TimeoutError,
            ) as error:
                raise Uncertain("timeout") from error
            except (
                requests.exceptions.RequestException,
                urllib3.exceptions.HTTPError,
                OSError,
                ValueError,
            ) as error:
                raise Uncertain("timeout" if deadline.passed else "connection_lost") from error
            finally:
                self._exchange.deadline = None
                self._last_used = time.time()

    def _send(self, request: Request, timeout: float) -> Response:
        headers = {"accept-encoding": "identity", "user-agent": "openums", **request.headers}
        reply = self._session.request(
            request.method,
            request.url,
            headers=headers,
            data=request.body,
            timeout=(min(timeout, CONNECT_SECONDS), timeout),
            allow_redirects=False,
            stream=True,
            verify=True,
        )
        with reply:
            body = _read(reply, request.most)
        return Response(
            reply.status_code, {name.lower(): value for name, value in reply.headers.items()}, body
        )

    def _close_idle(self) -> None:
        if (
            time.time() - self._last_used > MAX_IDLE_SECONDS
        ):  # not monotonic(), which stands still in a frozen container
            self._adapter.poolmanager.clear()


def _read(reply: requests.Response, most: int) -> bytes:
    body = bytearray()
    for part in reply.raw.stream(65536, decode_content=True):
        body += part
        if len(body) > most:
            raise Uncertain("response_too_large")
    return bytes(body)


class PinnedAdapter(HTTPAdapter):
    """Makes every connection, and each new one of a pool, through the policy."""

    def __init__(self, policy: Policy, exchange: Exchange) -> None:
        self._policy, self._exchange = policy, exchange
        super().__init__(pool_connections=16, pool_maxsize=4, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(self._policy, self._exchange)


def _pools(policy: Policy, exchange: Exchange) -> dict[str, type[HTTPConnectionPool]]:
    class Pinned(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return policy.connect(
                self._dns_host, self.port, timeout=self.timeout or CONNECT_SECONDS
            )

        def connect(self) -> None:
            """Whatever goes wrong in here, including the TLS handshake, goes wrong before the request is sent."""
            try:
                super().connect()
            except ssl.SSLCertVerificationError as error:
                raise Misconfigured("tls_certificate") from error
            except (OSError, urllib3.exceptions.HTTPError) as error:
                raise Unavailable("tls") from error

        def request(self, *args: Any, **options: Any) -> None:
            super().request(*args, **options)
            if exchange.deadline is not None:
                exchange.deadline.watch(self.sock)

    class PinnedTLS(Pinned, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Pinned

    class TLSPool(HTTPSConnectionPool):
        ConnectionCls = PinnedTLS

    return {"http": Pool, "https": TLSPool}

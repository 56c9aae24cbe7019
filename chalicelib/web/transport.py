"""HTTP over requests.

Connections obey the egress policy, and errors tell whether anything was sent.

Import this module only inside functions: requests costs about as much as boto3 to import.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from chalicelib.domain.errors import (
    Misconfigured,
    ProviderError,
    TooLarge,
    Unavailable,
    Uncertain,
)
from chalicelib.web.deadline import Deadline
from chalicelib.web.egress import Policy
from chalicelib.web.messages import Request, Response

CONNECT_SECONDS = 5.0

# A function's container is frozen between its invocations. Gateways drop idle connections after
# minutes. Such a connection would break the next request after it was sent. It would then be
# unknown whether the provider has the request.
MAX_IDLE_SECONDS = 15.0


_URL_ERRORS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
)
_TIMEOUTS = (requests.exceptions.Timeout, TimeoutError, urllib3.exceptions.TimeoutError)
_CONNECTION_ERRORS = (
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    ValueError,
)


class Exchange:
    """The deadline of the current request, for the connection that carries it."""

    deadline: Deadline | None = None


class RequestsTransport:
    """Implements Transport, for one thread at a time, like functions."""

    def __init__(self, policy: Policy, now: Callable[[], float] = time.time) -> None:
        self._now = now  # not monotonic(), which stands still in a frozen container
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
            except ProviderError:
                raise
            except _URL_ERRORS as error:
                raise Misconfigured("url") from error
            except _TIMEOUTS as error:
                raise Uncertain("timeout") from error
            except _CONNECTION_ERRORS as error:
                raise Uncertain("timeout" if deadline.passed else "connection_lost") from error
            finally:
                self._exchange.deadline = None
                self._last_used = self._now()
            # A shut socket may look like the end of headers or body.
            if deadline.passed:
                raise Uncertain("timeout")
            return response

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
        lower_case = {name.lower(): value for name, value in reply.headers.items()}
        return Response(reply.status_code, lower_case, body)

    def _close_idle(self) -> None:
        if self._now() - self._last_used > MAX_IDLE_SECONDS:
            self._adapter.poolmanager.clear()


def _read(reply: requests.Response, most: int) -> bytes:
    announced = reply.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise TooLarge("response_too_large")
    body = bytearray()
    for part in reply.raw.stream(65536, decode_content=True):
        body += part
        if len(body) > most:
            raise TooLarge("response_too_large")
    return bytes(body)


class PinnedAdapter(HTTPAdapter):
    """Make every connection of the pools through the policy."""

    def __init__(self, policy: Policy, exchange: Exchange) -> None:
        self._policy, self._exchange = policy, exchange
        super().__init__(pool_connections=16, pool_maxsize=4, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(self._policy, self._exchange)


def _pools(policy: Policy, exchange: Exchange) -> dict[str, type[HTTPConnectionPool]]:
    class Pinned(_PinnedConnection):
        _policy, _exchange = policy, exchange

    class PinnedTLS(Pinned, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Pinned

    class TLSPool(HTTPSConnectionPool):
        ConnectionCls = PinnedTLS

    return {"http": Pool, "https": TLSPool}


class _PinnedConnection(HTTPConnection):
    _policy: Policy
    _exchange: Exchange

    def _new_conn(self) -> socket.socket:
        timeout = self.timeout or CONNECT_SECONDS
        return self._policy.connect(self._dns_host, self.port, timeout=timeout)

    def connect(self) -> None:
        """Connect.

        Every error in here, also of the TLS handshake, comes before the request is sent.
        """
        try:
            super().connect()
        except ssl.SSLCertVerificationError as error:
            raise Misconfigured("tls_certificate") from error
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise Unavailable("tls") from error

    def request(self, *args: Any, **options: Any) -> None:
        super().request(*args, **options)
        if self._exchange.deadline is not None:
            self._exchange.deadline.watch(self.sock)

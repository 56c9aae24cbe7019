"""A session whose clients answer from a list, in order, and check what they are asked."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.session
from botocore.loaders import Loader
from botocore.stub import Stubber

_LOADER = Loader()  # keeps the descriptions of services, which take long to read


class StubbedSession:
    """Clients of boto3 that reach nobody. `add` and `refuse` say what a client answers next."""

    region_name = "us-east-1"

    def __init__(self) -> None:
        core = botocore.session.Session()
        core.register_component("data_loader", _LOADER)
        self._session = boto3.session.Session(
            "id", "secret", region_name=self.region_name, botocore_session=core
        )
        self._clients: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service)
            self._stubs[service] = Stubber(self._clients[service])
            self._stubs[service].activate()
        return self._clients[service]

    def add(self, service: str, operation: str, answer: Any = None, asked: Any = None) -> None:
        self.client(service)
        self._stubs[service].add_response(operation, answer or {}, asked)

    def refuse(self, service: str, operation: str, code: str, message: str = "no") -> None:
        self.client(service)
        self._stubs[service].add_client_error(operation, code, message)

    def assert_all_asked(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()

"""Fixtures of the contract suite: the sandbox, and a bench for a platform."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.providers.contract import Bench
from tests.providers.contract_cases import RETRY_AFTER
from tests.providers.sandboxes import Sandbox, running, webhook


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running("--retry-after", str(RETRY_AFTER)) as sandbox:
        yield sandbox


@pytest.fixture
def bench(box: Sandbox, platform: str) -> Iterator[Bench]:
    with webhook() as hook:
        yield Bench(box, platform, hook if platform.endswith("_component") else None)

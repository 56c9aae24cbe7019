"""Nothing that the journeys before did went to the dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import config
from tests.journeys.conftest import STACK
from tests.journeys.test_secrecy import dead_letters


@pytest.mark.last
def test_nothing_of_all_this_went_to_the_dead_letters(aws: Any) -> None:
    found = dead_letters(aws)
    families = (
        "chunks",
        "imports",
        "callbacks",
        "facts",
        "cmpp",
        *(each.value for each in config.SUPPORTED_CHANNEL_TYPES),
    )
    assert set(found) == {
        config.queue_name(STACK.stage, config.dead_letter_queue(family)) for family in families
    }
    assert {name: letters for name, letters in found.items() if letters} == {}

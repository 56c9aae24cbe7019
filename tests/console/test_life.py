"""The life cycle of a target as the console tells it."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.console.pages.messages import life
from chalicelib.console.texts import Texts
from chalicelib.domain.reasons import HOLDS
from tests.fakes.clock import START


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Step 2 waits until then"), ("zh", "第 2 步等到此时")]
)
def test_the_last_event_is_the_end_of_what_the_target_waits_for(language: str, title: str) -> None:
    sentence = HOLDS["quiet_time"]
    words = {"zh": sentence.zh, "en": sentence.en}
    waiting = {"step": 2, "until": START + 3_600_000, "reason": "quiet_time", **words}
    target: dict[str, Any] = {"deliveries": [], "loss": None, "refused": {}, "planned": START}
    texts = Texts(language, 8, START)
    events = life.events({"accepted": START}, {**target, "waiting": waiting}, texts)
    last = events[-1]
    assert (last.title, last.text, last.time) == (title, words[language], START + 3_600_000)
    assert last.after
    calm = life.events({"accepted": START}, {**target, "waiting": None}, texts)
    assert list(calm) == list(events[:-1])

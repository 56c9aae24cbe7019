"""JSMS's texts and signatures, as answers of the vendor that the sandbox does not give."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.third_party import Review, Sort
from chalicelib.providers.sms.jsms import Jsms
from tests.providers.scripted import ScriptedTransport, account, http, reply


@pytest.mark.parametrize(
    ("status", "review"),
    [
        (0, Review.IN_REVIEW),
        (1, Review.APPROVED),
        ("1", Review.APPROVED),
        ("2", Review.REFUSED),
        (3, Review.IN_REVIEW),
        (None, Review.IN_REVIEW),
        ([1], Review.IN_REVIEW),
        ({}, Review.IN_REVIEW),
    ],
)
@pytest.mark.parametrize("sort", [Sort.TEXT, Sort.SIGNATURE])
def test_a_review_is_read_however_its_status_is_written(
    sort: Sort, status: Any, review: Review
) -> None:
    body = {"template": "Code {{code}}", "sign": "Shop", "status": status}
    with Jsms(http(ScriptedTransport(reply(body)))).connect(account()) as session:
        found = session.registry().read(sort, "7")
    assert found is not None
    assert found.review is review

"""Links lead to pages that the person may see."""

from __future__ import annotations

import html

import pytest

from chalicelib.domain.members import Role
from tests.console.conftest import Browser, a_member
from tests.console.shops import shop as shop
from tests.console.test_forms import links
from tests.console.test_pages import addresses


@pytest.mark.parametrize("role", ["", "operator", "administrator"])
def test_no_link_is_refused(shop: Browser, role: str) -> None:
    """The member is read-only everywhere, and has the role on the access channel."""
    key = a_member(shop.world, Role.READ_ONLY, "ann")
    fields = {"name": "Ann", "role": "read-only", "enabled": "1", f"at.{shop.key}": role}
    fields["version"] = shop.get(f"/members/{key}").field("version")
    assert shop.post(f"/members/{key}", fields).status == 200
    ann = Browser(shop.world)
    ann.sign_in("ann")
    refused: set[tuple[str, str]] = set()
    seen: dict[str, int] = {}
    for path in addresses(shop):
        page = ann.get(path)
        for link in map(html.unescape, links(page)) if page.status == 200 else ():
            if link not in seen:
                seen[link] = ann.get(link).status
            if seen[link] == 403:
                refused.add((path, link))
    assert len(seen) > 30
    assert refused == set()

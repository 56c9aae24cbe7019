"""Tags that users carry: their list with counts, and those who have one."""

from __future__ import annotations

import base64

import pytest

from chalicelib.domain.users import User
from tests.builders import a_user
from tests.entrypoints.conftest import KEY, Api
from tests.entrypoints.http.admin.management import pages
from tests.fakes.clock import START


@pytest.mark.parametrize("position", [b"001#ann", b"999#ann", b"ann"])
def test_a_cursor_of_a_tags_users_is_a_position(configured: Api, position: bytes) -> None:
    cursor = base64.urlsafe_b64encode(position).decode()
    assert configured.admin("GET", f"user-tags/all/t/users?cursor={cursor}").status == 400


def test_counts_of_tags_are_kept_and_renewed_some_at_a_time(configured: Api) -> None:
    configured.fake.users.has(*(a_user(f"u{n}", tags=[f"t{n}"]) for n in range(5)))

    def estimates(query: str = "") -> list[int | None]:
        configured.fake.clock.advance(1)
        listed = configured.admin("GET", f"user-tags?{query}").json["tags"]
        return [tag["estimate"] for tag in listed]

    assert estimates("renew=false") == [None] * 5
    assert estimates() == [1, 1, None, None, None]
    assert estimates() == [1, 1, 1, 1, None]
    assert estimates() == estimates("renew=false") == [1] * 5
    configured.fake.users.has(a_user("late", tags=["t4"]))
    assert estimates() == [1] * 5
    configured.fake.clock.advance(86_400)
    assert estimates() == [1, 1, 1, 1, 1]
    assert estimates() == [1, 1, 1, 1, 1]
    assert estimates() == [1, 1, 1, 1, 2]


def test_tags_are_listed_with_those_who_have_them(configured: Api) -> None:
    configured.fake.users.has(
        *(a_user(f"u{n}", tags=["all of them", f"t{n % 3}"]) for n in range(9)),
        User("x", tags={KEY: ("own#1",)}),
    )
    listed = pages(configured, "user-tags?limit=2", "tags")
    assert [[(tag["tag"], tag["estimate"]) for tag in page] for page in listed] == [
        [("all of them", 9), ("t0", 3)],
        [("t1", 3), ("t2", 3)],
    ]
    assert configured.admin("GET", f"user-tags?scope={KEY}").json["tags"] == [
        {"scope": KEY, "tag": "own#1", "estimate": 1, "counted": START}
    ]
    assert sorted(
        u for page in pages(configured, "user-tags/all/t1/users?limit=2", "userids") for u in page
    ) == ["u1", "u4", "u7"]
    assert configured.admin("GET", f"user-tags/{KEY}/own%231/users").json == {
        "userids": ["x"],
        "cursor": None,
    }
    assert configured.admin("GET", "user-tags/all/nobody/users").json == {
        "userids": [],
        "cursor": None,
    }
    assert configured.admin("GET", "user-tags/all/" + "x" * 65 + "/users").status == 404

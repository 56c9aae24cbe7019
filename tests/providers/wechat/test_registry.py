"""WeChat's templates and library, as answers of the vendor that the sandbox does not give."""

from __future__ import annotations

from typing import Any

from tests.providers.scripted import ScriptedTransport
from tests.providers.tokened import said
from tests.providers.wechat.calls import TOKEN, official


def page(*titles: Any) -> Any:
    return said(0, count=62, data=list(titles))


def title(n: int) -> dict[str, Any]:
    return {"tid": n, "title": f"Title {n}", "type": 2, "categoryId": "616"}


def test_a_title_that_cannot_be_read_moves_no_page() -> None:
    pages: list[list[Any]] = [[title(n) for n in range(first, first + 30)] for first in (1, 31)]
    pages[0][7] = {"title": "without an id"}
    pages[1] = ["no title", *pages[1][1:]]
    transport = ScriptedTransport(
        TOKEN,
        said(0, data=[{"id": 616, "name": "shops"}]),
        *(page(*each) for each in (*pages, [title(61), title(62)])),
    )
    titles = official(transport).registry().titles()
    asked = [query["start"] for query in transport.queries() if "start" in query]
    assert asked == [["0"], ["30"], ["60"]]
    assert [each.id for each in titles] == [str(n) for n in range(1, 63) if n not in (8, 31)]


def test_a_library_without_one_readable_title_ends() -> None:
    categories = said(0, data=[{"id": 616}])
    transport = ScriptedTransport(TOKEN, categories, *[page(*[{}] * 30)] * 3)
    assert official(transport).registry().titles() == []
    assert len(transport.requests) == 5

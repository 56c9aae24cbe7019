"""A provider's library of templates, as an account of a delivery channel sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import NotFound
from chalicelib.domain.members import Role
from chalicelib.domain.third_party import Title
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.admin.third_party import (
    ASKS,
    account_of,
    answered,
    known_id,
    plain,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.manage import third_party_library

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.third_party_library import KeywordChoice, LibraryQuery

bp = Blueprint(__name__)


@admin(
    bp,
    "channels/{code}/library",
    "GET",
    query="third_party_library.LibraryQuery",
    response="third_party_library.Titles",
    errors=(409,),
    role=Role.READ_ONLY,
)
def search_library(context: RequestContext, code: str) -> dict[str, Any]:
    """Search the titles of the provider's library, as they were synced last."""
    query: LibraryQuery = context.query()
    library = third_party_library.library(account_of(context, code))
    page = cursors.page(
        "titles",
        context,
        cursors.number,
        lambda after, limit: third_party_library.titles(library, query.text.strip(), after, limit),
        lambda placed: placed[0],
        lambda placed: _title(placed[1]),
    )
    return {**page, "synced": library.synced or None}


@admin(bp, "channels/{code}/library/sync", "POST", **ASKS)
def sync_library(context: RequestContext, code: str) -> Response:
    """Get the titles of the provider's library. Providers limit how often that works."""
    return answered(context, third_party_library.sync(account_of(context, code)))


@admin(
    bp,
    "channels/{code}/library/{id}",
    "GET",
    response="third_party_library.LibraryTemplate",
    errors=(409,),
    role=Role.READ_ONLY,
)
def get_library_template(context: RequestContext, code: str, id: str) -> dict[str, Any]:
    """Get a template of the library. `keywords` are null until they were asked for."""
    library = third_party_library.library(account_of(context, code))
    titles = [title for title in library.titles if title.id == known_id(id)]
    if not titles:
        raise NotFound("template of the library")
    listed = library.keywords.get(id)
    keywords = None if listed is None else [plain(keyword) for keyword in listed]
    return {**_title(titles[0]), "keywords": keywords}


@admin(bp, "channels/{code}/library/{id}/keywords", "POST", **ASKS)
def ask_library_keywords(context: RequestContext, code: str, id: str) -> Response:
    """Get the keywords of a template of the library. Providers limit how often that works."""
    return answered(
        context, third_party_library.ask_keywords(account_of(context, code), known_id(id))
    )


@admin(
    bp,
    "channels/{code}/library/{id}/choose",
    "POST",
    request="third_party_library.KeywordChoice",
    **ASKS,
)
def choose_from_library(context: RequestContext, code: str, id: str) -> Response:
    """Make a template of the account with some keywords of a template of the library."""
    body: KeywordChoice = context.body()
    account = account_of(context, code)
    id = third_party_library.choose(account, known_id(id), body.keywords, body.scene)
    return answered(context, id)


def _title(title: Title) -> dict[str, Any]:
    return {
        "id": title.id,
        "title": title.title,
        "long_term": title.is_long_term,
        "category": title.category,
    }

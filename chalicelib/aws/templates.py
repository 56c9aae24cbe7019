"""Templates as items of the table `settings`: an item per version, and a row in a list."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.aws import settings_table
from chalicelib.aws.cache import Cache, Recipe, Rows
from chalicelib.aws.items import Item, get_many, pack, to_item, unpack
from chalicelib.aws.settings_table import Row
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.templates import Template


class Templates:
    """Implements ports.Templates."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def get(self, number: int) -> Template | None:
        def newest() -> Template | None:
            rows = settings_table.query(_pk(number), newest_first=True, limit=1)
            return _unless_archived(rows)

        return self._cache.get(_pk(number), newest, _unless_followed)

    def version(self, number: int, version: int) -> Template | None:
        def read() -> Template | None:
            pk, sk = item
            return _unless_archived(
                get_many(table("settings"), [{"pk": pk, "sk": sk}], consistent=True)
            )

        def again(rows: Rows) -> Template | None:
            return _unless_archived([rows[item]] if item in rows else [])

        item = (_pk(number), _sort_key(version))
        name = keys.join("template", number, version)
        return self._cache.get(name, read, lambda _: Recipe([item], again))

    def versions(self, number: int, *, after: int = 0, limit: int = 0) -> Sequence[Template]:
        rows = settings_table.query(
            _pk(number), after=_sort_key(after) if after else "", limit=limit
        )
        return [template for row in rows if not (template := _decode(row)).archived]

    def list(self, channel_key: str, *, after: int = 0, limit: int = 0) -> Sequence[Template]:
        def newest(entry: Row) -> tuple[str, str]:
            return _pk(int(entry["sk"])), _sort_key(entry["version"])

        rows = settings_table.listed(_list(channel_key), newest, after, limit)
        return [_decode(row) for row in rows]

    def put(self, template: Template) -> None:
        version = {"version": template.version}
        entry = settings_table.entry(_list(template.channel_key), template.number, **version)
        with self._cache.forgotten():
            if template.archived:
                settings_table.put_new(_encode(template), gone=[entry])
                return
            unless_newer: Item = {
                "ConditionExpression": f"{settings_table.NEW} OR version < :version",
                "ExpressionAttributeValues": to_item({":version": template.version}),
            }
            settings_table.put_new(_encode(template), others=[{"Item": entry, **unless_newer}])

    def next_number(self) -> int:
        return settings_table.next_number("template")


def _pk(number: int) -> str:
    return keys.join("template", number)


def _sort_key(version: int) -> str:
    return f"v{version:06d}"


def _list(channel_key: str) -> str:
    return keys.join("list", "template", channel_key)


def _encode(template: Template) -> Item:
    contents = {kind.value: content for kind, content in template.contents.items()}
    return to_item(
        {
            "pk": _pk(template.number),
            "sk": _sort_key(template.version),
            "channel_key": template.channel_key,
            "name": template.name,
            "body": pack({"contents": contents, "links": sorted(template.links)}),
            "archived": int(template.archived),
        }
    )


def _decode(row: Row) -> Template:
    body = unpack(row["body"])
    return Template(
        number=int(keys.split(row["pk"])[1]),
        version=int(row["sk"][1:]),
        channel_key=row["channel_key"],
        name=row["name"],
        contents={ChannelType(kind): content for kind, content in body["contents"].items()},
        links=frozenset(body["links"]),
        archived=bool(row.get("archived")),
    )


def _unless_followed(template: Template | None) -> Recipe | None:
    """Return how the newest version is read again: it is there, and the next one is not."""

    def value(rows: Rows) -> Template | None:
        if last not in rows or following in rows:
            raise LookupError
        return template

    if template is None:
        return None
    last, following = ((_pk(template.number), _sort_key(template.version + n)) for n in range(2))
    return Recipe([last, following], value)


def _unless_archived(rows: Sequence[Row]) -> Template | None:
    template = _decode(rows[0]) if rows else None
    return template if template and not template.archived else None

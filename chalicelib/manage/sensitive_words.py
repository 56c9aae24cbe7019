"""Sensitive words of an access channel as operators change, import and export them.

Each change writes a file of its own, and then the record of the access channel that names it. So a
reader has all words of one version. A file stays until the version after the next, since caches may
still name it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from chalicelib.domain import keys
from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.errors import Invalid
from chalicelib.domain.imports import Doubtful, Fault, Faulty, FileFormat, Several
from chalicelib.domain.rules.sensitive_words import MAX_WORDS, check_word
from chalicelib.flow.rules.sensitive_words import RULE, read, write
from chalicelib.manage import access_channels, records
from chalicelib.manage.imports import sheets
from chalicelib.manage.imports.report import MEDIA
from chalicelib.ports import Form, World

MAX_UPLOAD = 10_000_000  # bytes of a workbook
# The API reads it while somebody waits, with less memory and time than a function of imports has.
# 50,000 words of 64 characters have 20 MB and 700,000 tags at most.
MAX_EXPANDED, MAX_TAGS = 32 * 1024 * 1024, 2_000_000
MAX_ERRORS = 100  # of a workbook that its refusal lists
SECONDS = 3600  # for which addresses of files work
COLUMNS = ("word", "enabled")
ON = frozenset({"", "1", "on", "true", "yes", "开", "开启", "是"})
OFF = frozenset({"0", "off", "false", "no", "关", "关闭", "否"})
NONE = {"on": False, "file": "", "previous": "", "count": 0}


def settings_of(channel: AccessChannel) -> Mapping[str, object]:
    return channel.rules.get(RULE) or NONE


def words_of(world: World, channel: AccessChannel) -> dict[str, bool]:
    name = str(settings_of(channel)["file"])
    return read(world, name) if name else {}


def page(
    world: World, key: str, after: str, limit: int, text: str = ""
) -> Sequence[tuple[str, bool]]:
    """Return the next words in their order, each on or off. `text`: only words that have it."""
    words = words_of(world, access_channels.get(world, key))
    wanted = text.casefold()
    fitting = (word for word in sorted(words) if word > after and wanted in word.casefold())
    return [(word, words[word]) for word in islice(fitting, limit)]


def switch(world: World, key: str, version: int | None, *, on: bool) -> AccessChannel:
    """Switch the search for all words on or off."""
    channel = records.get_at(world, ACCESS_CHANNELS, key, version)
    settings = {**settings_of(channel), "on": on}
    return access_channels.set_rule(world, key, channel.version, RULE, settings)


def change(
    world: World,
    key: str,
    version: int | None,
    add: Mapping[str, bool],
    remove: Iterable[str] = (),
    *,
    replace: bool = False,
) -> AccessChannel:
    """Add words, or switch them on or off, and remove others. `replace`: all others.

    Raise Invalid for too many words, and Stale if somebody else was faster.
    """
    channel = records.get_at(world, ACCESS_CHANNELS, key, version)
    words = {} if replace else words_of(world, channel)
    words.update(add)
    for word in remove:
        words.pop(word, None)
    if len(words) > MAX_WORDS:
        raise Invalid("add", "more than {most} words", most=MAX_WORDS)
    before = settings_of(channel)
    name = keys.join("words/" + key, channel.version + 1, secrets.token_hex(4))
    write(world, name, words)
    after = {**before, "file": name, "previous": before["file"], "count": len(words)}
    changed = access_channels.set_rule(world, key, channel.version, RULE, after)
    if before["previous"]:
        world.files.delete(str(before["previous"]))
    return changed


# -- files


def form(world: World) -> tuple[str, Form]:
    """Return the id of an upload, and the form for its workbook."""
    id = secrets.token_hex(16)
    return id, world.files.form(_upload(id), 1, MAX_UPLOAD, SECONDS)


def import_file(
    world: World, key: str, version: int | None, upload: str, *, replace: bool
) -> AccessChannel:
    """Add the words of an uploaded workbook, all or none. Raise Several for wrong rows."""
    raw = world.files.read(_upload(upload))
    if raw is None:
        raise Faulty("upload", Fault.GONE)
    return change(world, key, version, _words(raw), replace=replace)


def _words(raw: bytes) -> dict[str, bool]:
    """Read the rows of a workbook. Raise Several with what is wrong in them."""
    sheet = sheets.read(raw, FileFormat.XLSX, tags=MAX_TAGS, expanded=MAX_EXPANDED)
    header = [str(name).lower() for name in sheet.header]
    if header[:1] != [COLUMNS[0]] or header[1:] not in ([], [COLUMNS[1]]):
        raise Faulty(COLUMNS[0], Fault.MISSING_COLUMN)
    words: dict[str, bool] = {}
    errors: list[Invalid] = []
    for number, cells in sheet.rows():
        try:
            word, enabled = _row(number, [*cells, ""][:2])
            words[word] = enabled
        except Invalid as error:
            errors.append(error)
            if len(errors) == MAX_ERRORS:
                break
    if errors:
        raise Several(errors)
    return words


def _row(number: int, cells: Sequence[str]) -> tuple[str, bool]:
    """Read a word and its state. Raise Invalid with the number of the row."""
    field, (word, state) = f"row {number}", cells
    for cell in cells:
        if isinstance(cell, Doubtful):
            raise Faulty(field, cell.fault)
    if state.lower() not in ON | OFF:
        raise Invalid(field, "enabled: on or off")
    try:
        return check_word(word), state.lower() in ON
    except Invalid as error:
        raise Invalid(field, error.reason) from error


def export(world: World, key: str) -> str:
    """Write a workbook that can be imported, and return its address."""
    words = words_of(world, access_channels.get(world, key))
    rows = ([word, "on" if words[word] else "off"] for word in sorted(words))
    name = f"imports/exports/{secrets.token_hex(16)}.xlsx"
    world.files.write(name, sheets.write_workbook(COLUMNS, rows), MEDIA[FileFormat.XLSX])
    return world.files.address(name, "sensitive-words.xlsx", SECONDS)


def _upload(id: str) -> str:
    return f"imports/uploads/words-{id}"

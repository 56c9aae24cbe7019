"""Records of several tables, read and written together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.aws import ledger_items, lookup_items
from chalicelib.aws.cache import Cache
from chalicelib.aws.items import Put, get_all, get_many, put_all
from chalicelib.aws.messages import Messages
from chalicelib.aws.tables import table
from chalicelib.aws.timers import Missing, Timers
from chalicelib.aws.user_lists import key_of
from chalicelib.aws.users import Users
from chalicelib.domain.facts import Fact
from chalicelib.domain.messages import Message, Retention
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.users import User
from chalicelib.ports import Nonce, Recording


class Recordings:
    def __init__(self, timers: Timers, messages: Messages, users: Users, cache: Cache) -> None:
        self._timers, self._messages, self._users = timers, messages, users
        self._cache = cache  # of settings: those that have ended come along

    def read(
        self, msgids: Sequence[str], userids: Sequence[str]
    ) -> tuple[Mapping[str, Message], Mapping[str, User]]:
        unknown = self._messages.unknown(msgids)
        keys: list[tuple[str, Mapping[str, str | int]]] = [
            (table("messages"), key) for key in unknown
        ]
        keys += [(table("users"), key_of(userid)) for userid in userids]
        ended = self._cache.ended() if keys else None
        settings = [{"pk": pk, "sk": sk} for pk, sk in ended.items] if ended else []
        keys += [(table("settings"), key) for key in settings]
        # A message never changes, so any replica is right that has it. A user may have changed.
        rows = get_all(keys, consistent={table("users"), table("settings")})
        if ended:
            found = {(row["pk"], row["sk"]): row for row in rows.get(table("settings"), ())}
            self._cache.renew(ended, found)
        stored = rows.get(table("messages"), [])
        missing = [key for key in unknown if key["pk"] not in {row["pk"] for row in stored}]
        if missing:
            stored += get_many(table("messages"), missing, consistent=True)
        messages = self._messages.read(stored)
        users = self._users.read(rows.get(table("users"), ()))
        return self._messages.known(msgids) | messages, users

    def put(self, recordings: Sequence[Recording]) -> None:
        missing: Missing = set()
        try:
            missing = self._timers.missing([timer for r in recordings for timer in r.timers])
        finally:  # a clock that cannot be started costs no answer
            put_all([put for r in recordings for put in _puts(r)] + self._rows(missing))
        self._timers.remember(missing)

    def add(
        self, bundles: Sequence[tuple[ChunkId, Sequence[Fact], Retention]], nonce: Nonce
    ) -> None:
        puts: list[Put] = [
            (table("ledger"), ("pk", "sk"), item) for item in ledger_items.facts_items(bundles)
        ]
        put_all([*puts, (table("lookups"), ("pk",), lookup_items.nonce_row(nonce))])

    def _rows(self, missing: Missing) -> list[Put]:
        return [(table("due"), ("shard", "due"), row) for row in self._timers.rows(missing)]


def _puts(recording: Recording) -> list[Put]:
    message = recording.message
    answers = [
        ledger_items.answer_item(recording.chunk, answer, message) for answer in recording.answers
    ]
    rows = lookup_items.rows(recording.channel, recording.lookups, message.expires)
    return [
        *((table("ledger"), ("pk", "sk"), answer) for answer in answers),
        *((table("lookups"), ("pk",), row) for row in rows),
    ]

"""Signing in to the console, by members and their logins."""

from __future__ import annotations

import hmac

from chalicelib import observability
from chalicelib.console.door import Person
from chalicelib.domain import keys
from chalicelib.domain.errors import NotFound, OpenUMSError, WrongPassword
from chalicelib.domain.logins import LOGINS
from chalicelib.entrypoints.http.console.api import api_error
from chalicelib.manage import logins
from chalicelib.ports import World

PENDING = 300  # seconds within which a code follows a password
SHOWN = 8  # characters of a key's id in a log line


class MemberSessions:
    """Implements console.door.Sessions."""

    def __init__(self, world: World, language: str) -> None:
        self._world, self._language = world, language

    def session(self, cookie: str) -> logins.Session:
        session = logins.session(self._world, cookie)
        if session is None:
            raise api_error(NotFound("session"), self._language)
        return session

    def person(self, cookie: str) -> Person | None:
        session = logins.session(self._world, cookie) if cookie else None
        if session is None:
            return None
        login, member = session.login, session.member
        return Person(
            key=member.key,
            name=member.name,
            role=member.role,
            roles=member.roles,
            csrf=session.csrf,
            login=login.name,
            must_change=login.must_change,
            second_factor=bool(login.totp),
            preferences=member.preferences,
        )

    def sign_in(self, name: str, password: str, source: str, device: str) -> tuple[str, bool]:
        try:
            login, _ = logins.sign_in(self._world, name, password, source, device)
        except OpenUMSError as error:
            observability.security("sign_in_refused", reason=type(error).__name__)
            raise api_error(error, self._language) from error
        if login.totp:
            return self._pending(login.key), True
        observability.event("signed_in", key=login.key[:SHOWN])
        return logins.open_session(self._world, login), False

    def _pending(self, key: str) -> str:
        until = str(self._world.clock.now() // 1000 + PENDING)
        return f"{key}.{until}.{self._seal(key, until)}"

    def _seal(self, key: str, until: str) -> str:
        return self._world.vault.mac("pending", keys.join(key, until).encode()).hex()

    def confirm(self, pending: str, code: str) -> str:
        key, _, rest = pending.partition(".")
        until, _, seal = rest.partition(".")
        try:
            is_ours = hmac.compare_digest(seal.encode(), self._seal(key, until).encode())
            if not is_ours or int(until) <= self._world.clock.now() // 1000:
                raise WrongPassword("name")
            login = self._world.records.of(LOGINS).get(key)
            if login is None:
                raise WrongPassword("name")
            login = logins.check_code(self._world, login, code)
        except OpenUMSError as error:
            observability.security("sign_in_refused", reason=type(error).__name__)
            raise api_error(error, self._language) from error
        observability.event("signed_in", key=login.key[:SHOWN])
        return logins.open_session(self._world, login)

    def new_device(self, cookie: str) -> str:
        return logins.new_device(self._world, self.session(cookie).login)

    def sign_out(self, cookie: str) -> None:
        session = logins.session(self._world, cookie)
        if session is not None:
            logins.close_session(self._world, session)

    def change_password(self, cookie: str, old: str, new: str) -> str:
        session = self.session(cookie)
        try:
            login = logins.change_password(self._world, session.login, old, new)
        except OpenUMSError as error:
            raise api_error(error, self._language) from error
        return logins.open_session(self._world, login)

    def set_second_factor(self, cookie: str, secret: bytes, code: str) -> None:
        session = self.session(cookie)
        try:
            logins.set_totp(self._world, session.login, secret, code)
        except OpenUMSError as error:
            raise api_error(error, self._language) from error

    def drop_second_factor(self, cookie: str, code: str) -> None:
        session = self.session(cookie)
        try:
            logins.drop_totp(self._world, session.login, code)
        except OpenUMSError as error:
            raise api_error(error, self._language) from error

"""Logins of members to the console: passwords, second factors and sessions.

A login is made when it is first needed. So a member who only calls the API has none.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from functools import cache

from chalicelib.domain import keys
from chalicelib.domain.errors import Conflict, Invalid, NotFound, TooOften, WrongCode, WrongPassword
from chalicelib.domain.logins import (
    LOGINS,
    LONGEST_PASSWORD,
    MAX_SESSIONS,
    SESSION,
    SHORTEST_PASSWORD,
    Login,
    totp_step_of,
)
from chalicelib.domain.members import MEMBERS, Member
from chalicelib.domain.values import frozen
from chalicelib.manage import members, records
from chalicelib.manage.secrets import digest, new_token
from chalicelib.ports import World

# Wrong passwords within a window (s), for each name and each source. The waits grow. Each attempt
# is counted before it is checked, and taken off if it was right: many share an office's address.
LIMITS = ((60, 5), (900, 10), (3600, 20), (86400, 50))
SOURCE_SHARE = 4  # many people share one address
NONCE = 16  # characters in front of a device's seal

MEMORY, PASSES, LANES = 19 * 1024, 2, 1  # of Argon2id, as OWASP advises (November 2026)


@frozen
class Session:
    """An open session: its login, its member, and the hash of its token."""

    login: Login
    member: Member
    token: str

    @property
    def csrf(self) -> str:
        """The token that every form carries."""
        return hashlib.sha256(b"csrf#" + self.token.encode()).hexdigest()[:32]


# -- passwords


def hashed(password: str) -> str:
    """Return the hash of a password, with its salt and parameters."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    salt = secrets.token_bytes(16)
    argon = Argon2id(salt=salt, length=32, iterations=PASSES, lanes=LANES, memory_cost=MEMORY)
    return argon.derive_phc_encoded(password.encode())


def _is_right(password: str, known: str) -> bool:
    """Compare a password with a hash. Without a hash it takes as long."""
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        Argon2id.verify_phc_encoded(password.encode(), known or _dummy())
    except InvalidKey:
        return False
    return bool(known)


@cache
def _dummy() -> str:
    return hashed(secrets.token_urlsafe())


def check_password(password: str) -> None:
    """Raise Invalid for a password that is too short, too long or too simple."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        reason = "{least} to {most} characters"
        raise Invalid("password", reason, least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD)
    if len(set(password)) < 5:
        raise Invalid("password", "needs more different characters")


# -- signing in


def sign_in(
    world: World, name: str, password: str, source: str, device: str = ""
) -> tuple[Login, Member]:
    """Return the login and the member with this name and password.

    A member's access key with its secret counts as well. A `device` that signed in before has
    counters of its own, so that nobody else can lock it out. Raise WrongPassword, or TooOften with
    the seconds to wait.
    """
    name = name.strip()[:64]
    ours = _device(world, name, device[:NONCE])
    is_known = hmac.compare_digest(*(text.encode("utf-8", "replace") for text in (device, ours)))
    counted = _count(world, "sign-in", keys.join(name, device) if is_known else name, 1)
    if source:
        counted += _count(world, "sign-in-from", source, SOURCE_SHARE)
    logins = [login for login in world.records.of(LOGINS).all() if name and login.name == name]
    known = logins[0] if logins else None
    is_right = _is_right(password[: LONGEST_PASSWORD + 1], known.password if known else "")
    member = world.records.of(MEMBERS).get(known.key if known else name) if name else None
    if known is None and member is not None:
        is_right = hmac.compare_digest(digest(password), member.secret_hash)
        known = _of(world, member) if is_right else None
    if not is_right or known is None or member is None or not member.enabled:
        raise WrongPassword("name")
    _take_off(world, counted)
    return known, member


def new_device(world: World, login: Login) -> str:
    """Return the text of a cookie for a browser in which somebody has signed in."""
    return _device(world, login.name or login.key, secrets.token_hex(NONCE // 2))


def _device(world: World, name: str, nonce: str) -> str:
    seal = world.vault.mac("device", keys.join(name, nonce).encode("utf-8", "replace"))
    return nonce + seal.hex()


def _count(world: World, what: str, subject: str, share: int) -> list[str]:
    """Count an attempt in each window, and return the counters.

    Raise TooOften where a window is used up.
    """
    now = world.clock.now() // 1000
    name = world.vault.mac("guess", f"{what}#{subject}".encode()).hex()[:24]
    counted: list[str] = []
    for seconds, most in LIMITS:
        window = now // seconds
        counter = keys.join("guess", name, seconds, window)
        ends = (window + 1) * seconds
        if not world.counters.take(counter, 1, most * share, ends + 60).granted:
            raise TooOften(seconds=ends - now)
        counted.append(counter)
    return counted


def _take_off(world: World, counted: Iterable[str]) -> None:
    """Take an attempt that was right off its counters."""
    for counter in counted:
        world.counters.give_back(counter, 1)


def _of(world: World, member: Member) -> Login:
    """Return a member's login, which is made if it is missing."""
    login = world.records.of(LOGINS).get(member.key)
    if login is not None:
        return login
    try:
        return records.add(world, LOGINS, Login(member.key, ""))
    except Conflict:
        return records.get(world, LOGINS, member.key)


def check_code(world: World, login: Login, code: str) -> Login:
    """Check the code of a second factor, which counts once. Raise WrongCode, or TooOften."""
    counted = _count(world, "code", login.key, 1)
    if not login.totp:
        raise WrongCode("code")
    secret = world.vault.open(login.totp, keys.join("totp", login.key))
    step = totp_step_of(secret, code.replace(" ", ""), world.clock.now(), login.totp_step)
    if step is None:
        raise WrongCode("code")
    checked = records.update(world, LOGINS, login, totp_step=step)
    _take_off(world, counted)
    return checked


# -- sessions


def open_session(world: World, login: Login) -> str:
    """Open a session. Return the text of its cookie. Sessions that ended are removed."""
    now, token = world.clock.now() // 1000, new_token()
    store = world.records.of(LOGINS)
    alive = sorted((ends, hash) for hash, ends in login.sessions.items() if ends > now)
    kept = {hash for _, hash in alive[-(MAX_SESSIONS - 1) :]}
    for hash in login.sessions.keys() - kept:
        store.set_entry(login.key, "sessions", hash, None)
    store.set_entry(login.key, "sessions", digest(token)[:32], now + SESSION)
    return f"{login.key}.{token}"


def session(world: World, cookie: str) -> Session | None:
    """Return the session of a cookie, or None if it has ended or was never there."""
    key, _, token = cookie.partition(".")
    if not token or len(cookie) > 200:
        return None
    login = world.records.of(LOGINS).get(key)
    hash = digest(token)[:32]
    if login is None or login.sessions.get(hash, 0) <= world.clock.now() // 1000:
        return None
    member = world.records.of(MEMBERS).get(key)
    return Session(login, member, hash) if member is not None and member.enabled else None


def close_session(world: World, session: Session) -> None:
    world.records.of(LOGINS).set_entry(session.login.key, "sessions", session.token, None)


def close_all(world: World, key: str) -> int:
    """End every session of a member. Return how many there were."""
    login = world.records.of(LOGINS).get(key)
    for hash in login.sessions if login else ():
        world.records.of(LOGINS).set_entry(key, "sessions", hash, None)
    return len(login.sessions) if login else 0


# -- changes


def get(world: World, key: str) -> Login:
    """Return a member's login. Raise NotFound if the member has none."""
    members.get(world, key)
    login = world.records.of(LOGINS).get(key)
    if login is None or not login.name:
        raise NotFound(LOGINS.noun)
    return login


def give(world: World, key: str, name: str) -> tuple[Login, str]:
    """Give a member a login, or a new password. Return the password, which is shown once.

    The member changes it at the next sign-in. A second factor is removed, and sessions end.
    """
    member = members.get(world, key)
    password = secrets.token_urlsafe(12)
    before = _of(world, member)
    hash = hashed(password)
    login = records.update(
        world, LOGINS, before, name=name, password=hash, must_change=True, totp=b""
    )
    close_all(world, key)
    return login, password


def take(world: World, key: str) -> None:
    """Take a member's login away. Sessions end at once."""
    records.delete(world, LOGINS, get(world, key))


def forget(world: World, key: str) -> None:
    """Delete the login of a member who is gone. Its name is free again."""
    login = world.records.of(LOGINS).get(key)
    if login is not None:
        records.delete(world, LOGINS, login)


def change_password(world: World, login: Login, old: str, new: str) -> Login:
    """Change one's own password. Other sessions end."""
    counted = _count(world, "sign-in", login.name or login.key, 1)
    if not login.name:
        raise Invalid("password", "you signed in with a key; an administrator gives you a login")
    if not _is_right(old, login.password):
        raise WrongPassword("old")
    _take_off(world, counted)
    check_password(new)
    if new == old:
        raise Invalid("password", "must be a new one")
    changed = records.update(world, LOGINS, login, password=hashed(new), must_change=False)
    close_all(world, login.key)
    return changed


def set_totp(world: World, login: Login, secret: bytes, code: str) -> Login:
    """Turn the second factor on, with a code that proves that the app knows the secret.

    One that is on is not replaced: a session alone must not get around it.
    """
    if login.totp:
        raise Invalid("code", "the second factor is on already; turn it off first, with a code")
    step = totp_step_of(secret, code.replace(" ", ""), world.clock.now(), 0)
    if step is None:
        raise WrongCode("code")
    sealed = world.vault.seal(secret, keys.join("totp", login.key))
    return records.update(world, LOGINS, login, totp=sealed, totp_step=step)


def drop_totp(world: World, login: Login, code: str) -> Login:
    """Turn the second factor off, with a code."""
    return records.update(world, LOGINS, check_code(world, login, code), totp=b"")

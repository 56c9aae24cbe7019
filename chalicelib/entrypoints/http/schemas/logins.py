"""Logins of members to the console."""

from __future__ import annotations

from typing import Annotated

from chalicelib.entrypoints.http.schemas.base import Answer, Strict, matching

LoginName = Annotated[
    str,
    matching(
        r"[a-z0-9][a-z0-9._-]*",
        "small letters, digits, dots, hyphens and underscores",
        "小写字母、数字、点、连字符和下划线",
        32,
    ),
]


class LoginBody(Strict):
    login: LoginName


class Login(Answer):
    """A member's login. `sessions`: how many the member has open, or had until lately."""

    access_key: str
    login: str
    must_change: bool
    second_factor: bool
    sessions: int


class NewLogin(Login):
    """A login with its first password, which is shown only once."""

    password: str


class SessionsEnded(Answer):
    ended: int

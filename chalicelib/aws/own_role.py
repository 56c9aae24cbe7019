"""The role of the running Lambda function, which may be allowed to send mails over SES."""

from __future__ import annotations

from typing import Any


class OwnRole:
    """Implements ports.OwnRole. All AWS requests of the function use the same credentials."""

    @property
    def region(self) -> str:
        return str(_session().region_name)

    def keys(self) -> tuple[str, str, str]:
        credentials = _session().get_credentials().get_frozen_credentials()
        return credentials.access_key, credentials.secret_key, credentials.token or ""


def _session() -> Any:
    import boto3

    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    return boto3.DEFAULT_SESSION

"""The provider sandbox: messages that simulated people got, and the channels that lead to it."""

from __future__ import annotations

from dataclasses import field
from urllib.parse import urlsplit

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Refusal
from chalicelib.domain.values import frozen


class SandboxSilent(Refusal):
    """The provider sandbox does not answer. `reason`."""


@frozen
class Screen:
    """A message as the person sees it. A part that the message lacks is empty."""

    title: str = ""
    text: str = ""
    html: str = ""
    sender: str = ""
    template: str = ""  # id of a template that the provider keeps
    rows: tuple[tuple[str, str], ...] = ()  # names and values of a template
    link: str = ""
    files: tuple[str, ...] = ()


@frozen
class Simulated:
    """A message that the sandbox took. The newest has the highest number."""

    number: int
    type: ChannelType
    provider: str
    contact: str = field(repr=False)
    time: int
    provider_id: str
    screen: Screen = field(repr=False)


def leads_there(address: object, sandbox: str) -> bool:
    """Tell if sends to an address go to the host of the sandbox. It is a URL or a host alone."""
    host = urlsplit(sandbox).hostname
    return bool(host) and isinstance(address, str) and _host(address) == host


def _host(text: str) -> str:
    try:
        return urlsplit(text).hostname or text.lower()
    except ValueError:
        return text

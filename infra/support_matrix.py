"""`python -m infra.support_matrix`: write the providers' capabilities as tables.

The tables are in docs/reference/channels.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.provider_io import (
    Capabilities,
    Clickable,
    ClickReport,
    DeliveryReport,
    ProviderIds,
)
from chalicelib.providers import registry
from infra.package import ROOT

PAGE = ROOT / "docs" / "reference" / "channels.md"
BEGIN, END = "<!-- written by python -m infra.support_matrix: begin -->", "<!-- end -->"

DELIVERY = {
    DeliveryReport.REAL: "reached the person",
    DeliveryReport.ACCEPTED: "accepted by the platform's server",
    DeliveryReport.NONE: "not known",
}
CLICKS = {
    ClickReport.PROVIDER: "reported by the platform",
    ClickReport.LINK: "by short links",
    ClickReport.NONE: "not known",
}
IDS = {
    ProviderIds.PER_CALL: "per call",
    ProviderIds.PER_RECIPIENT: "per recipient",
    ProviderIds.OURS: "our own",
    ProviderIds.NONE: "none",
}


def written(page: str) -> str:
    """Return the page with current tables between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables(list(registry.capabilities().values()))}\n{END}{after}"


REPORTS = (
    "channel type",
    "platform",
    "meaning of delivered",
    "clicks",
    "receipts",
    "usual delay",
    "recall",
)
LINKS = "platform", "short links for the address in", "for links in", "not beside"
CALLS = "platform", "deliveries per call", "content", "ids", "recognises a repeated call"
LIMITS = "platform", "default rate limit", "default daily quota", "clock of the quota"
NEEDS = "platform", "credentials", "options"


def tables(platforms: Iterable[Capabilities]) -> str:
    types = list(ChannelType)
    ordered = sorted(platforms, key=lambda platform: types.index(platform.type))
    clickable = [platform for platform in ordered if platform.clickable]
    return "\n".join(
        [
            _table(REPORTS, map(_reports, ordered)),
            _table(LINKS, map(_links, clickable)),
            _table(CALLS, map(_calls, ordered)),
            _table(LIMITS, map(_limits, ordered)),
            _table(NEEDS, map(_needs, ordered)),
        ]
    )


def _reports(platform: Capabilities) -> Sequence[str]:
    source = " or ".join(sorted((mode.value for mode in platform.receipt_modes), reverse=True))
    if platform.delivery_report is DeliveryReport.ACCEPTED:
        further = "bounces" if platform.provider_ids is ProviderIds.OURS else "clicks"
        source = f"the answer itself; {further}: {source}" if source else "the answer itself"
    elif platform.worker:
        source = f"its worker `{platform.worker}`"
    is_real = platform.delivery_report is DeliveryReport.REAL
    return (
        f"`{platform.type.value}`",
        f"`{platform.platform}`",
        DELIVERY[platform.delivery_report],
        CLICKS[platform.click_report],
        source,
        f"{platform.receipt_delay} s" if is_real else "none",
        "yes" if platform.recall else "no",
    )


def _links(platform: Capabilities) -> Sequence[str]:
    clickable = platform.clickable or Clickable()
    paths = (clickable.addresses, clickable.texts, clickable.instead)
    return f"`{platform.platform}`", *map(_code, paths)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _calls(platform: Capabilities) -> Sequence[str]:
    content = "each its own" if platform.content_per_recipient else "one for all"
    token = f"{platform.token_life:,} s" if platform.token_life else "no"
    return (
        f"`{platform.platform}`",
        f"{platform.call_size:,}",
        content,
        IDS[platform.provider_ids],
        token,
    )


def _limits(platform: Capabilities) -> Sequence[str]:
    speed = (
        f"{platform.calls_per_second:g} calls a second" if platform.calls_per_second else "no limit"
    )
    if platform.deliveries_per_minute:
        speed = f"{platform.deliveries_per_minute:,} people a minute"
    day = "the deployment's" if platform.utc_offset is None else f"UTC{platform.utc_offset:+g}"
    return (
        f"`{platform.platform}`",
        speed,
        f"{platform.deliveries_per_day:,}" if platform.deliveries_per_day else "no limit",
        day,
    )


def _needs(platform: Capabilities) -> Sequence[str]:
    return f"`{platform.platform}`", _names(platform.credentials), _names(platform.options)


def _names(settings: Mapping[str, bool]) -> str:
    """List names, with optional ones in brackets."""
    return ", ".join(
        f"`{name}`" if required else f"(`{name}`)" for name, required in settings.items()
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))

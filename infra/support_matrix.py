"""`python -m infra.support_matrix`: write the capabilities into docs/reference/channels.md."""

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
    ProviderIds.NONE: "none",
}


def written(page: str) -> str:
    """The page with the tables of today between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables(list(registry.capabilities().values()))}\n{END}{after}"


def tables(able: Sequence[Capabilities]) -> str:
    ordered = sorted(able, key=lambda each: list(ChannelType).index(each.type))
    reports = (
        "channel type",
        "platform",
        "meaning of delivered",
        "clicks",
        "receipts",
        "recall",
    )
    calls = (
        "platform",
        "deliveries per call",
        "content",
        "ids",
        "recognises a repeated call",
    )
    opened = (
        "platform",
        "short links for the address in",
        "for links in",
        "not beside",
    )
    limits = (
        "platform",
        "default rate limit",
        "default daily quota",
        "clock of the quota",
    )
    needs = ("platform", "credentials", "options")
    return "\n".join(
        [
            _table(reports, (_reports(each) for each in ordered)),
            _table(
                opened,
                (_opened(each.platform, each.clickable) for each in ordered if each.clickable),
            ),
            _table(calls, (_calls(each) for each in ordered)),
            _table(limits, (_limits(each) for each in ordered)),
            _table(needs, (_needs(each) for each in ordered)),
        ]
    )


def _reports(able: Capabilities) -> Sequence[str]:
    come = " or ".join(sorted((mode.value for mode in able.receipt_modes), reverse=True))
    if able.delivery_report is DeliveryReport.ACCEPTED:
        come = f"the answer itself; clicks: {come}" if come else "the answer itself"
    elif able.worker:
        come = f"its worker `{able.worker}`"
    clicks, delivered = CLICKS[able.click_report], DELIVERY[able.delivery_report]
    return (
        f"`{able.type.value}`",
        f"`{able.platform}`",
        delivered,
        clicks,
        come,
        "yes" if able.recall else "no",
    )


def _opened(platform: str, where: Clickable) -> Sequence[str]:
    return f"`{platform}`", *(
        ", ".join(f"`{path}`" for path in paths)
        for paths in (where.addresses, where.texts, where.instead)
    )


def _calls(able: Capabilities) -> Sequence[str]:
    content = "each its own" if able.content_per_recipient else "one for all"
    token = f"{able.token_life:,} s" if able.token_life else "no"
    return f"`{able.platform}`", f"{able.call_size:,}", content, IDS[able.provider_ids], token


def _limits(able: Capabilities) -> Sequence[str]:
    speed = f"{able.calls_per_second:g} calls a second" if able.calls_per_second else "no limit"
    if able.deliveries_per_minute:
        speed = f"{able.deliveries_per_minute:,} people a minute"
    day = "the deployment's" if able.utc_offset is None else f"UTC{able.utc_offset:+g}"
    return (
        f"`{able.platform}`",
        speed,
        f"{able.deliveries_per_day:,}" if able.deliveries_per_day else "no limit",
        day,
    )


def _needs(able: Capabilities) -> Sequence[str]:
    return f"`{able.platform}`", _names(able.credentials), _names(able.options)


def _names(settings: Mapping[str, bool]) -> str:
    """What may be left out stands in brackets."""
    return ", ".join(
        f"`{name}`" if required else f"(`{name}`)" for name, required in settings.items()
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))

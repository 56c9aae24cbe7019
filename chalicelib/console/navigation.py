"""The console's map: entries of the navigation, and the tabs of each section."""

from __future__ import annotations

from typing import NamedTuple

N_ = str  # marks a text for the catalogue


class Entry(NamedTuple):
    name: str
    key: str  # pressed after g
    icon: str
    label: str
    path: str
    is_global: bool = False


ENTRIES = (
    Entry("overview", "o", "layout-dashboard", N_("Overview"), ""),
    Entry("messages", "m", "messages", N_("Messages"), "/messages"),
    Entry("templates", "t", "template", N_("Templates"), "/templates"),
    Entry("strategies", "s", "arrow-ramp-right-2", N_("Strategies"), "/strategies"),
    Entry("audience", "u", "users", N_("Audience"), "/users"),
    Entry("stats", "r", "chart-bar", N_("Statistics"), "/stats/messages"),
    Entry("review", "v", "checks", N_("Review"), "/review"),
    Entry("rules", "b", "adjustments", N_("Rules and callbacks"), "/rules"),
)
SYSTEM = (
    Entry("channels", "c", "route", N_("Delivery channels"), "/channels", is_global=True),
    Entry("settings", ",", "settings", N_("Settings"), "/settings", is_global=True),
)

SANDBOXED = ("inbox",)  # tabs of deployments that are attached to a sandbox, for operators

# name of the tab, label, path, whether it belongs to the whole system
TABS: dict[str, tuple[tuple[str, str, str, bool], ...]] = {
    "messages": (
        ("sent", N_("Sent"), "/messages", False),
        ("drafts", N_("Drafts"), "/messages/drafts", False),
        ("scheduled", N_("Scheduled"), "/messages/scheduled", False),
        ("results", N_("Scheduled: results"), "/messages/results", False),
        ("ab_tests", N_("A/B tests"), "/messages/ab-tests", False),
        ("lookup", N_("One person"), "/messages/lookup", False),
    ),
    "audience": (
        ("users", N_("Users"), "/users", False),
        ("segments", N_("Segments"), "/segments", False),
        ("tags", N_("Tags"), "/tags", False),
        ("black", N_("Blacklists"), "/lists/black", False),
        ("white", N_("Whitelists"), "/lists/white", False),
        ("suppressions", N_("Suppressed contacts"), "/suppressions", False),
        ("imports", N_("Imports"), "/imports", False),
    ),
    "stats": (
        ("messages", N_("Message statistics"), "/stats/messages", False),
        ("requests", N_("Request volume"), "/stats/requests", False),
        ("costs", N_("Cost and opt-outs"), "/stats/costs", False),
        ("clicks", N_("Click distribution"), "/stats/clicks", False),
        ("providers", N_("Providers and platforms"), "/stats/providers", False),
    ),
    "review": (
        ("to_review", N_("For me to review"), "/review", False),
        ("asked", N_("My requests"), "/review/mine", False),
        ("decided", N_("Decided"), "/review/decided", False),
        ("settings", N_("Review settings"), "/review/settings", False),
    ),
    "rules": (
        ("sending", N_("Sending"), "/rules", False),
        ("words", N_("Sensitive words"), "/rules/words", False),
        ("topics", N_("Topics"), "/rules/topics", False),
        ("callbacks", N_("Callbacks"), "/rules/callbacks", False),
    ),
    "settings": (
        ("access", N_("Access channels"), "/settings", True),
        ("members", N_("Members"), "/members", True),
        ("audit", N_("Audit log"), "/audit", True),
        ("global_key", N_("Global key"), "/global-key", True),
        ("developer", N_("Developer"), "/developer", True),
        ("inbox", N_("Sandbox inbox"), "/inbox", True),
    ),
}

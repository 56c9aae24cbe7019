"""The management API: routes for everything that operators configure."""

from chalicelib.entrypoints.http.admin import (
    access_channels,
    audit,
    caps,
    contact_labels,
    data_keys,
    delivery_channels,
    groups,
    imports,
    members,
    messages,
    platforms,
    provider_query,
    strategies,
    templates,
    topics,
    users,
)

ROUTES = (
    access_channels,
    delivery_channels,
    contact_labels,
    provider_query,
    platforms,
    templates,
    strategies,
    topics,
    caps,
    users,
    messages,
    imports,
    groups,
    members,
    audit,
    data_keys,
)

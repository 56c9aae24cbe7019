"""The management API: routes for everything that operators configure."""

from chalicelib.entrypoints.http.admin import (
    access_channels,
    audit,
    contact_labels,
    data_keys,
    delivery_channels,
    groups,
    imports,
    members,
    messages,
    platforms,
    provider_query,
    simulation,
    strategies,
    templates,
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
    users,
    messages,
    simulation,
    imports,
    groups,
    members,
    audit,
    data_keys,
)

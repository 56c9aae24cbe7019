"""The management API: routes for everything that operators configure."""

from chalicelib.entrypoints.http.admin import (
    access_channels,
    audit,
    callbacks,
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
    users,
)

ROUTES = (
    access_channels,
    callbacks,
    delivery_channels,
    contact_labels,
    provider_query,
    platforms,
    templates,
    strategies,
    users,
    messages,
    imports,
    groups,
    members,
    audit,
    data_keys,
)

"""The Chalice app: its routes and functions are registered here, and nothing else happens."""

from chalice.app import Chalice

from chalicelib import config
from chalicelib.entrypoints import (
    http_admin_access,
    http_admin_channels,
    http_admin_checks,
    http_admin_groups,
    http_admin_imports,
    http_admin_labels,
    http_admin_members,
    http_admin_messages,
    http_admin_platforms,
    http_admin_strategies,
    http_admin_templates,
    http_admin_users,
    http_docs,
    http_growth,
    http_links,
    http_materials,
    http_messages,
    http_receipts,
    http_send,
    http_users,
    imports,
    queues,
    runtime,
    schedules,
    steps,
    streams,
)

app = Chalice(app_name=config.APP, configure_logs=False)
app.api.binary_types = ["multipart/form-data"]  # every other body is text: JSON or a form

for routes in (
    http_send,
    http_users,
    http_growth,
    http_messages,
    http_materials,
    http_receipts,
    http_links,
    http_docs,
    http_admin_access,
    http_admin_channels,
    http_admin_labels,
    http_admin_checks,
    http_admin_platforms,
    http_admin_templates,
    http_admin_strategies,
    http_admin_users,
    http_admin_messages,
    http_admin_imports,
    http_admin_groups,
    http_admin_members,
):
    app.register_blueprint(routes.bp)

app.register_blueprint(queues.audience_jobs)
for channel_type in runtime.channel_types():
    app.register_blueprint(queues.DELIVERY[channel_type])
app.register_blueprint(imports.bp)
app.register_blueprint(streams.bp)
app.register_blueprint(steps.bp)
app.register_blueprint(schedules.bp)

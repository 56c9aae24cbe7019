"""The Chalice app: it registers every route and function, and does nothing else."""

from chalicelib import config
from chalicelib.entrypoints.http import admin, operation_growth, public, ums
from chalicelib.entrypoints.http.openapi import routes as openapi
from chalicelib.entrypoints.http.payload import App
from chalicelib.entrypoints.lambdas import imports, queues, runtime, schedules, steps, streams

app = App(app_name=config.APP, configure_logs=False)
app.api.binary_types = ["multipart/form-data"]  # every other body is text: JSON or a form

for routes in (*ums.ROUTES, operation_growth, *public.ROUTES, openapi, *admin.ROUTES):
    app.register_blueprint(routes.bp)

app.register_blueprint(queues.CHUNKS)
for channel_type in runtime.channel_types():
    app.register_blueprint(queues.DELIVERY[channel_type])
app.register_blueprint(imports.bp)
app.register_blueprint(streams.bp)
app.register_blueprint(steps.bp)
app.register_blueprint(schedules.bp)

"""The Chalice app: it registers every route and function, and does nothing else."""

from chalicelib import config
from chalicelib.entrypoints.http import admin, operation_growth, public, ums
from chalicelib.entrypoints.http.openapi import routes as openapi
from chalicelib.entrypoints.http.payload import App

app = App(app_name=config.APP, configure_logs=False)
app.api.binary_types = ["multipart/form-data"]  # every other body is text: JSON or a form

for routes in (*ums.ROUTES, operation_growth, *public.ROUTES, openapi, *admin.ROUTES):
    app.register_blueprint(routes.bp)

# Lambda finds the other functions by their handlers. The API's cold start need not import them.
if not config.in_lambda():
    from chalicelib.entrypoints.lambdas import functions

    for blueprint in functions.BLUEPRINTS:
        app.register_blueprint(blueprint)

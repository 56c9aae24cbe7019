"""An address of the API's function for senders, without API Gateway. It is an option.

The app serves only what needs the key and secret of an access channel there.
"""

from __future__ import annotations

from infra.template import function_url
from infra.template.stage import Resource

NAME = "Senders"
ON = "SendersUrlOn"
OUTPUT = "SendersUrl"


def resources() -> Resource:
    return function_url.only_if(ON, function_url.resources(NAME, "APIHandler"))


def output() -> Resource:
    return {
        "Condition": ON,
        "Description": "Where senders reach the API without API Gateway",
        "Value": function_url.address(NAME),
    }

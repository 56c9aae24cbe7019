"""Mails over Amazon SES by the role of the function that sends them. They are an option.

Source: "Actions, resources, and condition keys for Amazon SES" (docs.aws.amazon.com, 2026-11).
"""

from __future__ import annotations

import json
from pathlib import Path

from chalicelib import config
from chalicelib.domain.delivery_channels import ChannelType
from infra.template.stage import Resource, Stage, camel
from infra.template.workers import conditional

ON = "SesByRole"


def resources(stage: Stage) -> Resource:
    """Build the policy that the role of the mails' function has besides, where it is on."""
    if ChannelType.EMAIL not in stage.channel_types:
        return {}
    file = Path(stage.chalice.project_dir) / ".chalice" / "policy-ses.json"
    properties = {
        "PolicyName": "SendMailsByRole",
        "PolicyDocument": json.loads(file.read_text()),
        "Roles": [{"Ref": f"{camel(config.deliver_function(ChannelType.EMAIL))}Role"}],
    }
    return conditional({"SesPolicy": {"Type": "AWS::IAM::Policy", "Properties": properties}}, ON)

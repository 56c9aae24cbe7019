"""Rules of the template: CloudFormation refuses wrong parameters before anything is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ministack.services.cloudformation import engine

Template = Mapping[str, Any]
NOTHING = {
    "DeliverySubnets": "",
    "DeliverySecurityGroups": "",
    "CmppDesiredCount": "0",
    "CmppImage": "",
    "CmppSubnets": "",
}


def evaluate(template: Template, **parameters: str) -> None:
    """Evaluate the rules as the emulator does. Raise ValueError with what one of them says."""
    given = {name: {"Value": value} for name, value in {**NOTHING, **parameters}.items()}
    rules = {"Rules": template["Rules"], "Parameters": template["Parameters"]}
    engine._evaluate_rules(rules, given, {})


@pytest.mark.parametrize("subnets", ["", "subnet-1,subnet-2"])
@pytest.mark.parametrize("groups", ["", "sg-1"])
def test_subnets_without_security_groups_are_refused_before_anything_is_made(
    template: Template, subnets: str, groups: str
) -> None:
    if subnets and not groups:
        with pytest.raises(ValueError, match="DeliverySubnets needs DeliverySecurityGroups"):
            evaluate(template, DeliverySubnets=subnets)
    else:
        evaluate(template, DeliverySubnets=subnets, DeliverySecurityGroups=groups)


@pytest.mark.parametrize("count", ["0", "1"])
@pytest.mark.parametrize("image", ["", "ecr/cmpp:1"])
@pytest.mark.parametrize("subnets", ["", "subnet-1,subnet-2"])
def test_workers_without_subnets_are_refused_before_anything_is_made(
    template: Template, count: str, image: str, subnets: str
) -> None:
    """Fargate takes no service without subnets. Elsewhere a worker needs none of ours."""
    given = {"CmppDesiredCount": count, "CmppImage": image, "CmppSubnets": subnets}
    if count == "1" and image and not subnets:
        with pytest.raises(ValueError, match="CmppImage needs CmppSubnets"):
            evaluate(template, **given)
    else:
        evaluate(template, **given)

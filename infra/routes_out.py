"""The routes by which functions in subnets reach providers.

A function in a subnet has no public address. So it needs a NAT gateway or a like route out, also in
a public subnet. Source: docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ANYWHERE = "0.0.0.0/0"

Table = Mapping[str, Any]


def faults(ec2: Any, subnets: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the route out of each subnet. Reads with two requests."""
    network_of = {
        subnet["SubnetId"]: subnet["VpcId"]
        for subnet in ec2.describe_subnets(SubnetIds=list(subnets))["Subnets"]
    }
    networks = sorted(set(network_of.values()))
    pages = ec2.get_paginator("describe_route_tables").paginate(
        Filters=[{"Name": "vpc-id", "Values": networks}]
    )
    tables = [table for page in pages for table in page["RouteTables"]]
    for subnet in subnets:
        fault = _fault(_table_of(subnet, network_of[subnet], tables))
        if fault:
            yield f"{subnet} {fault}"


def _table_of(subnet: str, network: str, tables: Sequence[Table]) -> Table:
    """Return a subnet's own table, or else the main one of its network."""
    main: Table = {}
    for table in tables:
        for association in table.get("Associations", ()):
            if association.get("SubnetId") == subnet:
                return table
            if association.get("Main") and table["VpcId"] == network:
                main = table
    return main


def _fault(table: Table) -> str:
    routes = [
        route for route in table.get("Routes", ()) if route.get("DestinationCidrBlock") == ANYWHERE
    ]
    if not routes:
        return f"has no route to {ANYWHERE}"
    (route,) = routes
    if route.get("State") == "blackhole":
        return f"has a route to {ANYWHERE} whose target is gone"
    if str(route.get("GatewayId", "")).startswith("igw-"):
        return "is public, and a function in it has no public address"
    return ""

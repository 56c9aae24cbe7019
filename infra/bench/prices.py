"""Prices of AWS in dollars: us-east-1, on demand, arm64, without free tiers.

Source: the services' public price pages, 2026-11.
"""

from __future__ import annotations

DATE = "2026-11"
REGION = "us-east-1"

PER_MILLION = {
    "API Gateway requests (HTTP)": 1.00,
    "Lambda requests": 0.20,
    "SQS requests": 0.50,  # 0.40, and 0.10 for fair queues
    "DynamoDB write units": 0.625,
    "DynamoDB read units": 0.125,
    "Step Functions state transitions": 25.00,
    "KMS requests": 3.00,
    "X-Ray traces": 5.00,
}
LAMBDA_GB_SECOND = 0.0000133334
LOGS_GB = 0.50

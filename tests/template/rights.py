"""The AWS rights of each family of functions, declared once more to compare them with the policies.

A new call in chalicelib/aws/ belongs here and in the policy of the family that makes it.
The local stack enforces the policies: a missing right fails the journeys. These tests find a
superfluous right.
"""

from __future__ import annotations

TABLES: dict[str, dict[str, set[str]]] = {
    "api": {
        "settings": {"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"},
        "users": {"BatchGetItem", "Query", "Scan", "PutItem", "DeleteItem"},
        "audiences": {
            "BatchGetItem",
            "Query",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "BatchWriteItem",
        },
        "messages": {
            "GetItem",
            "BatchGetItem",
            "Query",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "BatchWriteItem",
        },
        "ledger": {"GetItem", "BatchGetItem", "Query", "PutItem", "BatchWriteItem"},
        "lookups": {"GetItem", "BatchGetItem", "PutItem", "UpdateItem", "BatchWriteItem"},
        "due": {"PutItem", "BatchWriteItem"},  # written for holds, transacted otherwise
        "callbacks": {"GetItem", "Query"},
    },
    "schedules": {  # sends as the API does
        "settings": {"GetItem", "BatchGetItem", "Query"},
        "users": {"BatchGetItem", "Query"},
        "audiences": {"BatchGetItem", "Query"},
        "messages": {"GetItem", "BatchGetItem", "Query", "PutItem", "DeleteItem"},  # budgets
        "ledger": {"GetItem", "Query", "PutItem"},
        "lookups": {"GetItem", "BatchGetItem", "PutItem", "UpdateItem"},  # quota, marks
        "due": {"PutItem", "BatchWriteItem"},
    },
    "chunks": {
        "settings": {"GetItem", "BatchGetItem"},
        "users": {"BatchGetItem", "Query"},
        "audiences": {"BatchGetItem", "Query"},
        "messages": {"GetItem", "BatchGetItem", "Query", "PutItem", "BatchWriteItem"},
        "ledger": {"GetItem", "Query", "PutItem"},
        "lookups": {"BatchGetItem", "PutItem"},  # marks
        "due": {"BatchWriteItem"},
    },
    "deliver": {
        "settings": {
            "GetItem",
            "BatchGetItem",
            "Query",
            "PutItem",  # third-party templates alone, as the condition says
            "UpdateItem",
        },  # the users of a delivery channel, for an opt-out
        "users": {"BatchGetItem", "PutItem"},  # marks
        "audiences": {
            "BatchGetItem",
            "Query",
            "UpdateItem",  # opt-outs, and whose a contact is
            "PutItem",  # rows of contacts alone, as the condition says
            "DeleteItem",
        },
        "messages": {"GetItem", "BatchGetItem", "PutItem"},  # notes of opt-outs
        "ledger": {"GetItem", "BatchGetItem", "Query", "PutItem", "BatchWriteItem"},
        "lookups": {"GetItem", "BatchGetItem", "PutItem", "BatchWriteItem", "UpdateItem"},
        "due": {"BatchWriteItem"},
    },
    "imports": {
        "settings": {"GetItem", "BatchGetItem", "Query", "PutItem"},
        "users": {"BatchGetItem", "PutItem"},
        "audiences": {
            "BatchGetItem",
            "Query",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "BatchWriteItem",
        },
        "messages": {"GetItem", "BatchGetItem", "Query", "PutItem"},
        "ledger": {"Query"},
    },
    "facts": {
        "settings": {"GetItem"},  # the data key
        "messages": {"GetItem", "Query"},
        "ledger": {"Query"},
    },
    "cmpp": {  # as deliver, and which channels there are
        "settings": {"GetItem", "BatchGetItem", "Query"},
        "users": {"BatchGetItem", "PutItem"},
        "audiences": {"BatchGetItem", "Query", "UpdateItem", "PutItem", "DeleteItem"},
        "messages": {"GetItem", "BatchGetItem", "PutItem"},  # notes of opt-outs
        "ledger": {"GetItem", "BatchGetItem", "Query", "PutItem", "BatchWriteItem"},
        "lookups": {"GetItem", "BatchGetItem", "PutItem", "BatchWriteItem", "UpdateItem"},
        "due": {"BatchWriteItem"},
    },
    "callbacks": {
        "settings": {"GetItem", "BatchGetItem"},
        "messages": {"BatchGetItem"},
        "ledger": {"GetItem"},
        "lookups": {"GetItem", "PutItem"},  # results of tests
        "callbacks": {"GetItem", "Query", "PutItem"},
    },
    "tally": {"messages": {"BatchWriteItem"}, "due": {"BatchWriteItem"}},
    "history": {"messages": {"BatchWriteItem"}, "due": {"BatchWriteItem"}},
    "sweep": {"due": {"Query", "BatchWriteItem"}, "settings": {"GetItem", "BatchGetItem"}},
    "poll": {
        "settings": {"BatchGetItem", "Query"},
        "lookups": {"BatchGetItem"},
        "due": {"Query"},
    },
}

# Queues: `delivery` of every channel type, `own` of the function's type, `worker` of the workers.
SENDS_TO: dict[str, set[str]] = {
    "api": {"chunks", "delivery", "imports", "worker", "callbacks"},
    "chunks": {"chunks", "delivery", "worker"},
    "schedules": {"chunks", "delivery", "worker"},
    "imports": {"imports"},
    "callbacks": {"callbacks"},
    "tally": {"callbacks", "chunks"},
    "history": {"callbacks"},
    "deliver": {"chunks", "own"},
    "cmpp": {"chunks", "worker"},
    "sweep": {"chunks", "delivery", "facts"},
    "poll": {"delivery"},
}

STARTS_THE_CLOCK = {"api", "chunks", "deliver", "cmpp", "tally", "schedules"}

# Wake-ups of stored requests, and the role in which the scheduler calls the function.
WAKES: dict[str, set[str]] = {
    "api": {"scheduler:CreateSchedule", "scheduler:DeleteSchedule", "iam:PassRole"},
    "chunks": {"scheduler:CreateSchedule", "iam:PassRole"},
    "schedules": {"scheduler:CreateSchedule", "iam:PassRole"},
}

KEY: dict[str, set[tuple[str, str]]] = {  # operation, purpose in the encryption context
    "api": {
        ("GenerateDataKey", "contacts"),
        ("Decrypt", "contacts"),
        ("Encrypt", "credentials"),
        ("Encrypt", "webhook"),
        ("Decrypt", "webhook"),
    },
    "chunks": {("Decrypt", "contacts")},
    "schedules": {("Decrypt", "contacts")},
    "facts": {("Decrypt", "contacts")},
    "imports": {("GenerateDataKey", "contacts"), ("Decrypt", "contacts")},
    "callbacks": {("Decrypt", "contacts")},
    "deliver": {("Decrypt", "contacts"), ("Decrypt", "credentials")},
    "cmpp": {("Decrypt", "contacts"), ("Decrypt", "credentials")},
}

# Operation and prefix in the bucket of files. The prefix is empty for the bucket itself.
# The API signs addresses of imports with its own rights. S3 reports a missing object only to
# callers with the right to list the bucket.
FILES: dict[str, set[tuple[str, str]]] = {
    "api": {
        ("GetObject", "imports/*"),
        ("PutObject", "imports/*"),
        ("ListBucket", ""),
        ("GetObject", "exports/*"),
        ("PutObject", "materials/*"),
        ("PutObject", "certificates/*"),
        ("GetObject", "words/*"),
        ("PutObject", "words/*"),
        ("DeleteObject", "words/*"),
    },
    "chunks": {("GetObject", "words/*")},
    "schedules": {("GetObject", "words/*")},
    "imports": {
        ("GetObject", "imports/*"),
        ("PutObject", "imports/*"),
        ("DeleteObject", "imports/*"),
        ("PutObject", "exports/*"),
        ("ListBucket", ""),
    },
    "facts": {  # in the bucket of fact files
        ("GetObject", "${FactsBucket.Arn}/facts/*"),
        ("PutObject", "${FactsBucket.Arn}/facts/*"),
        ("ListBucket", ""),
    },
    "deliver": {
        ("GetObject", "materials/${ChannelType}/*"),
        ("GetObject", "certificates/${ChannelType}/*"),
        ("DeleteObject", "certificates/${ChannelType}/*"),
    },
}

# Rights to connect a function to subnets. Source:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
NETWORK = {
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}

READS_A_STREAM = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "s3:PutObject",
    "s3:ListBucket",
}

# Calls that Lambda makes in the function's name. A worker makes them itself.
CONSUMES: dict[str, set[str]] = {
    "facts": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    "imports": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    "chunks": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    "callbacks": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", *NETWORK},
    "deliver": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", *NETWORK},
    "cmpp": {"sqs:ReceiveMessage", "sqs:DeleteMessage"},
    "tally": READS_A_STREAM,
    "history": READS_A_STREAM,
}
EVERY_FUNCTION = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
}

# Actions of which IAM knows no resource, or none that is there when they are allowed.
WITHOUT_RESOURCE = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "dynamodb:ListStreams",
    *NETWORK,
}
WORKERS = ("cmpp",)  # containers: their logs are written by the role that starts them

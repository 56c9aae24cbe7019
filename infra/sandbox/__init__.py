"""The provider sandbox: a local server that speaks the protocols of the providers of OpenUMS.

It answers in the providers' documented formats and limits, and posts receipts to webhooks.
The contact decides the outcome, so that anyone can try a failure.
`docs/reference/sandbox.md` has the tables.

Every provider has a folder. They share `behaviour` (outcomes by contact), `accounts`, `calllog`,
`receipts` (when they leave), `outbox` (how they leave), `links`, and `vendor` (HTTP).
"""

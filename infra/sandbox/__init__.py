"""The provider sandbox: a server on this machine that speaks the protocols of the providers OpenUMS sends through.

It answers in the providers' documented shapes and limits, posts receipts to webhooks as they would, and lets the contact decide
what happens, so that anyone can try a failure. `docs/reference/sandbox.md` has the tables. One module per provider; what they share:
`behaviour` (what a contact brings about), `accounts`, `calllog`, `receipts` (when), `outbox` (how), `links`, `vendor` (HTTP).
"""

"""OpenUMS: one request, many channels. The way of a message, each step in a module of its own:

 1. `flow.submit` accepts a request once. `flow.resolve` checks it and renders its contents.
 2. `flow.audience` turns the audience into chunks of up to 1,000 targets, resumable from any chunk.
 3. `flow.select` selects the contacts of each target, or the reason for none.
 4. `flow.content` renders the content for a channel and makes the short links.
 5. `flow.dispatch` puts jobs on the queue of their channel type and priority.
 6. `flow.deliver` calls the provider within quota and rate limit, and records its answers.
 7. `flow.receipts` adds what providers report to the ledger, in any order, any number of times.
 8. `flow.evaluate` checks a chunk when its timer is due: escalates, repairs, expires.
 9. `flow.tally` recounts the chunks that changed.

`flow.timers` and `flow.poll` wake what must happen later, and `flow.withdraw` takes a message back.
`reports` is the read side, and `manage` holds what operators and senders configure. AWS calls in
through `entrypoints`. `domain` holds the rules, `providers` speak to the outside, `aws` keeps the
data.
"""

import gc
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # Nothing of what a cold start makes is garbage, and a fifth of its CPU time went into looking.
    # `wiring` switches the collector on again.
    gc.disable()

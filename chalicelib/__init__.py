"""OpenUMS: one request, many channels. The way of a message, each step in a module of its own:

 1. `flow.submit` accepts a request once: checks it, stores it, starts it.
 2. `flow.audience` turns its audience into chunks of up to 500 targets, resumable from any chunk.
 3. `flow.select` decides which contacts of which delivery channels each target gets, and who falls out.
 4. `flow.content` renders the content for a channel and makes the short links.
 5. `flow.dispatch` puts jobs on the queue of their channel type and priority.
 6. `flow.deliver` records a call, calls the provider, and records what it answered.
 7. `flow.receipts` adds what providers report to the ledger, in any order, any number of times.
 8. `flow.fallback` decides, when a strategy's condition is due, who goes on to the next step.
 9. `flow.tally` recounts the chunks that changed; `flow.report` tells what became of a message.
10. `flow.due` and `flow.poll` wake what must happen later; `flow.configure` and `flow.contacts` are what operators and senders set.

AWS calls in through `entrypoints`; `domain` holds the rules, `providers` speak to the outside, `aws` keeps the data.
"""

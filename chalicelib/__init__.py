"""OpenUMS: one request, many channels. The way of a message, with a module for each step:

 1. `flow.submit` accepts a request once: it checks, stores and starts the message.
 2. `flow.audience` cuts the audience into chunks of up to 500 targets, resumable from any chunk.
 3. `flow.select` chooses contacts and delivery channels for every target, and records losses.
 4. `flow.content` renders the content for a channel and creates the short links.
 5. `flow.dispatch` puts jobs on the queue of their channel type and priority.
 6. `flow.deliver` records a call, calls the provider, and records its answer.
 7. `flow.receipts` adds the providers' reports to the ledger, in any order, any number of times.
 8. `flow.evaluate` chooses the targets that enter the next step when a condition is due.
 9. `flow.tally` recounts the chunks that changed. `reports` reads the results.
10. `flow.timers` and `flow.poll` start what must happen later.

`manage` is what operators and senders configure. AWS calls in through `entrypoints`. `domain` holds
the rules, `providers` talk to the platforms, `aws` keeps the data.
"""

"""The whole DynamoDB design: per table, each item's key, content and lifetime.

settings — kept forever
    access#<key>, -               access channel: name, secret hashes, `channels` maps code -> on
    channel#<code>, -             delivery channel with sealed credentials
    strategy#<n>, -               strategy
    topic#<n>, -                  topic of an access channel
    third_party_<family>#<code>.<id>, -  template or signature that a provider keeps
    third_party_library#<code>, -  titles and keywords of a provider's library
    access-key#<key>, -           member: secret hash, role, a global key has the hash alone
    group-<family>#<n>, -         name of a list, a segment or a tag
    list#<kind>#<scope>, <key>    row per record of a kind, to list them with one query
    name#<kind>#<scope>#<name>, - row that keeps a name unique
    number#<kind>, -              last id given
    template#<n>, v000001         version of a template, an archived one ends with an empty version
    audit#<month>, <ms>-<x>       change through the management API, or of what is bound to all
    key#contacts, 1               data key that seals contacts, itself sealed by KMS

users — kept forever
    bucket, userid                user: sealed contacts, labels, suppressions, tags, version
    part, userid                  index `ids`: keys of users in the order of their ids, in 4 parts

audiences — kept forever, a group is 32 buckets, a position is bucket and userid
    tag#<scope>#<tag>#<group>, position  member of a tag
    segment#<n>#<group>, position        member of a segment
    list#<n>#<group>, position           member of a black- or whitelist
    list-contacts#<n>#<group>, position  contact on a black- or whitelist, as a target's name
    tags#<scope>, tag                    name of a tag
    contact#<type>#<hmac>, userid        owner of a contact, hmac: of its identity
    consents#<type>#<hmac>, <key>#<purpose>  consent of a contact: time, source, text version
    refused, <type>#<hmac>               opt-outs of a contact: access channel -> time (below 0: in)

messages — TTL of the message, unless another lifetime is named
    <msgid>, message              accepted message, contents sealed
    <msgid>, contacts#000001      contacts of a message that names contacts, in parts, sealed
    <msgid>, written              long body of a message as it was accepted, sealed
    <msgid>, links                addresses of short links (400 days)
    <msgid>, withdrawn            time of the withdrawal, or of the deletion by hand
    <msgid>, chunk#000001         counts of a chunk
    history#<key>#<month>, <msgid>#<digest>  up to 100 messages of a minute of an access channel
    <id>, stored                  request that waits, its review sealed (kept while it waits)
    <id>, stored#000001           body of a stored request, in parts, sealed
    schedules#<key>, <ms>#<id>    scheduled request of an access channel, by its next occurrence
    ab-tests#<key>, <id>          A/B test of an access channel (400 days after its end)
    reviews#<member>, <id>        request that a member may decide now
    asked#<member>, <id>          request whose review a member asked for
    decided#<member>, <id>        request that a member has decided
    results#<id or key>, <ms>#<id>  result of an occurrence, of a request or an access channel
    history#<key>#<month>, <msgid>#deleted  message that was taken out of the list
    sent#<group>#<span>, <msgid>#<digest>  targets named in a minute of 90 days, 4 groups of targets
    notes#<block>, <digest>       what the streams say of a block of small messages (140 days)
    notes#<block>, out#<id>       opt-out, without the contact (140 days)
    part#<block>, -               figures that a block has added to cells (170 days)
    <msgid>, figures#000001       figures that a chunk has added to cells (30 days longer)
    <msgid>, line#<n>             figures of a large message in the list (30 days longer)
    figures#<key>, <quarter>#<n>  cell: figures of an access channel in 15 minutes (forever)
    days#<key>, <day>             sum of a day's cells, in the deployment's zone (forever)
    spans#<key>, <span>           totals of 90 days (forever)
    tag-count#<scope>, <tag>      users with a tag, as counted last (90 days)
    coverage#<key>, -             users with a contact by channel, as counted last (forever)
    segment-count#<n>, -          members of a segment, as counted last (forever)
    segment-sizes#<n>, <day>      size of a segment on a day (two years)
    segment-messages#<n>, <msgid>  message to a segment (30 days longer)
    events#<name>#<bucket>, <userid>  last events of a user, sealed (90 days)
    interactions#<key>#<bucket>, <userid><what>  interaction of a user (90 days)
    export#<id>, -                export with the names of its files (30 days)
    imports, import id            progress of an import (30 days)
    import#<id>, bad#000001       bad rows of an import up to a row (30 days)

ledger — TTL of the message, every key begins with <msgid>#<chunk>
    plan                          targets with losses, contacts sealed, maybe a first claim
    go#<step>#<number>            entrants of a step
    call#<call>                   call record: lease, token
    answer#<call>                 answer of the provider: a bundle of facts
    facts#<digest>                bundle of facts from one webhook
    facts#click#<delivery>        first click on a delivery's short link, also `opened`, `scanned`
    wait#<call>                   time until which calls wait for a rate limit or a quota
    withdrawn                     time of the withdrawal, for readers of the chunk

lookups — seconds to days, by TTL
    receipt#<channel>#<id>        provider's id -> chunk, delivery and element (TTL of the message)
    parked#<channel>#<hash>       receipts that came before their submission was recorded (a day)
    nonce#<channel>#<nonce>       digest of the body that used a webhook's nonce (2 days)
    once#<key>#<path>#<name>      idempotency key: digest of the body, message id (a day)
    rate#<key>#<second>           requests of an access channel in a second (an hour)
    guess#<hash>#<minute>         wrong secrets of a key or an address (an hour)
    allowance#<name>#<key>#<hour>  searches of a member in an hour (two hours)
    quota#<channel>#<day>         deliveries of a day that are reserved (2 days)
    cap#<key>#<kind>#<target>     messages that count for a person under caps (until no cap does)
    reach#<key>#<userid>          how far messages to a user got on each channel type (30 days)
    broadcasts#<key>#<day>        broadcasts of an access channel's day (2 days)
    bounces#<hmac>#<window>       mails to a contact that came back for now, within 30 days
    token#check#<id>              result of a test of a delivery channel, sealed (minutes)
    token#order#<id>              order about templates of a delivery channel, sealed (minutes)
    token#<channel>#<what>        access token of a provider, sealed, lease of its renewal
    pace#<channel>                times until which calls per second are reserved (a day)
    expecting#<channel>           last submission whose receipts are polled (2 poll windows)

due — until the timer is done
    shard, <slot>#<what>          timer
    shard, <slot>#<digest>        up to 50 timers of the slot that were set together

callbacks — history's time after the batch was made
    <key>#<part>, <batch>         batch of records for a receiver, sealed, its state and attempts

The stream's filter passes ledger items that change counts or figures. Those of large messages carry
`tally` = 1, and their chunks are recounted. Those of small messages become notes of a block. Items
of a message with callbacks carry `callbacks` = the channel key, and pass, too.

The filter of the messages' stream passes new messages only. Lists of messages are written from it.
"""

from __future__ import annotations

from chalicelib.config import settings, table_name

LINK_DAYS = 400


def table(name: str) -> str:
    return table_name(settings().stage, name)

"""The whole DynamoDB design.

| table    | key                          | item                                                                             | lifetime |
|----------|------------------------------|----------------------------------------------------------------------------------|----------|
| settings | `access#<key>`, `-`          | access channel: name, secret hashes, enabled; `channels` map code -> enabled     | forever  |
|          | `channel#<code>`, `-`        | delivery channel with sealed credentials                                         | forever  |
|          | `name#<kind>#<name>`, `-`    | keeps a name unique                                                              | forever  |
|          | `template#<n>`, `v000001`    | a version of a template, immutable; an archived one ends with an empty version   | forever  |
|          | `strategy#<n>`, `-`          | a strategy                                                                       | forever  |
|          | `list#<kind>`, `<id>`        | what exists of a kind, to be listed with one query                               | forever  |
|          | `number#<kind>`, `-`         | the last id given                                                                | forever  |
|          | `access-key#<key>`, `-`      | a member: hash of its secret, role; a global key has the hash alone              | forever  |
|          | `group#<family>#<n>`, `-`    | header of a black- or whitelist, a segment, a tag                                | forever  |
|          | `audit#<month>`, `<ms>-<x>`  | a change through the management API                                              | forever  |
|          | `key#contacts`, `1`          | the data key that seals contacts, itself sealed by KMS                           | forever  |
| users    | bucket, userid               | a user: sealed contacts, labels, marks, attributes; tags; version                | forever  |
| audiences| `tag#<scope>#<tag>#<group>`, position | who has the tag; a group is 32 buckets, a position is bucket and userid | forever  |
|          | `segment#<n>#<group>`, …     | who is in a segment                                                              | forever  |
|          | `list#<n>#<group>`, …        | who is in a black- or whitelist                                                  | forever  |
|          | `tags#<scope>`, tag          | that there is such a tag                                                         | forever  |
|          | `contact#<type>#<hmac>`, userid | who has the contact                                                           | forever  |
|          | `refused`, `<type>#<hmac>`   | since when the contact is opted out of which access channel, or (below 0) in     | forever  |
| messages | `<msgid>`, `message`         | what was accepted; contents sealed                                               | TTL      |
|          | `<msgid>`, `contacts#000001` | the contacts that a message of several chunks names instead of users, sealed      | TTL      |
|          | `<msgid>`, `links`           | addresses of its short links                                                     | 400 days |
|          | `<msgid>`, `withdrawn`       | since when nothing more of it may leave                                          | TTL      |
|          | `<msgid>`, `chunk#000001`     | a chunk's counts                                                                  | TTL      |
|          | `history#<channel key>#<month>`, msgid | what a list shows of a message                                         | TTL      |
|          | `imports`, import id         | how far an import has come                                                       | 30 days  |
|          | `import#<id>`, `bad#000001`  | its bad rows up to a row                                                         | 30 days  |
| ledger   | `<msgid>#<chunk>`, `plan`     | targets with losses; their contacts sealed                                       | TTL      |
|          | …, `go#<step>#<number>`      | a go list                                                                        | TTL      |
|          | …, `call#<call>`             | a call record: lease, token                                                      | TTL      |
|          | …, `answer#<call>`           | what the provider answered: a bundle of facts                                    | TTL      |
|          | …, `facts#<digest>`          | a bundle of facts: what one webhook said of the chunk                             | TTL      |
|          | …, `facts#click#<place>`     | the first click on a delivery's short link; likewise `opened`, `scanned`         | TTL      |
|          | …, `wait#<call>`             | until when calls wait for their turn, or for the provider's quota                | TTL      |
|          | …, `withdrawn`               | the same, where whoever reads the chunk finds it                                  | TTL      |
| lookups  | `receipt#<channel>#<id>`     | a provider's id -> chunk (and delivery)                                           | TTL      |
|          | `parked#<channel>#<id>`      | receipts that came before their submission was recorded                          | a day    |
|          | `nonce#<channel>#<nonce>`    | the digest of the body that a webhook's nonce was used with                      | 2 days   |
|          | `once#<key>#<path>#<name>`   | an idempotency key: digest of the body, the message that it became               | a day    |
|          | `rate#<key>#<second>`        | how many requests an access channel has made in a second                         | an hour  |
|          | `quota#<channel>#<day>`      | how many deliveries of a day are reserved                                        | 2 days   |
|          | `token#check#<id>`           | what a test of a delivery channel brought, sealed                                | minutes  |
|          | `token#<channel>#<what>`     | an access token of a provider, sealed; the lease of who fetches the next one     | its life |
|          | `pace#<channel>`             | until when the provider's calls per second are reserved, in two lines            | a day    |
|          | `expecting#<channel>`        | when something was last submitted whose receipts are asked for                   | 2 windows|
| due      | shard, `<slot>#<what>`       | a timer                                                                          | till done|

Ledger items that change what is counted carry `tally` = 1, unless the message is small enough to be counted when somebody asks: the
stream's filter passes nothing else.
"""

from __future__ import annotations

from chalicelib.config import settings, table_name

LINK_DAYS = 400


def table(name: str) -> str:
    return table_name(settings().stage, name)

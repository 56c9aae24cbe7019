"""Limits that several parts of the code share."""

MAX_USERS = 1000  # of one send, upload or deletion, as UMS has it
MAX_CONTENT = 256 * 1024  # bytes of a message's contents, so that it stays one item
MAX_GROWTH_ITEMS = 100  # of one request of Operation Growth

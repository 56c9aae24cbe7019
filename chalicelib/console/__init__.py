"""The console: pages for people over the management API, which is all that it knows.

The door (`entrypoints/http/console/`) hands it requests, sessions, and the API of the member who is
signed in. So a page can do nothing that the API can't.
"""

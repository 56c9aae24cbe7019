"""The door of the console: events in and out, the API within the process, and sessions."""

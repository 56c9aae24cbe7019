"""The rules of sending, applied in three places: see gate.py."""

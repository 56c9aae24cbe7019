"""Whole messages in a world in memory, in which every worker can be ended at every step."""

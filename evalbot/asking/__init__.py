"""Putting prompts to targets: one answerer per kind of target."""

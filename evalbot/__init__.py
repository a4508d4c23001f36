"""Evals in Slack: ask, grade, learn, tell, with honest numbers."""

__version__ = "0.1.0"

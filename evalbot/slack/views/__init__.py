"""Nouns turned into Block Kit, pure."""

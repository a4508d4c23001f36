"""Grading: checks, judges and people, reviews and consensus, as pure values and rules."""

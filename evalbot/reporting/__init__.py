"""Telling: estimates, comparisons, trends and digests computed from grades, pure."""

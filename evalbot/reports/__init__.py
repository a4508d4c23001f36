"""Runs as files that others read: a page, JUnit, a job summary, a table, JSON. From nouns to text; nothing is loaded here."""

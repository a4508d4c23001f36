"""Estimates and series drawn as PNG pictures with alt text."""

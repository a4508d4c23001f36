"""Stands beside the builders of `factories.py` so that every test can import them."""

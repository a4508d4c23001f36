"""Makes the builders of `factories.py` importable for every test, and lets property tests take their time."""

from hypothesis import settings

settings.register_profile("evalbot", deadline=None)
settings.load_profile("evalbot")

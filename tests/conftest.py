"""Lets property tests take their time, with few examples unless many are asked for by `--hypothesis-profile=thorough`."""

from hypothesis import settings

settings.register_profile("quick", deadline=None, max_examples=30)
settings.register_profile("thorough", deadline=None, max_examples=300)
settings.load_profile("quick")

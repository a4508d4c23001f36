"""The demo: a simulated workspace with simulated models, the real bot between them, and twelve weeks of history."""

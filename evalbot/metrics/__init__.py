"""Figures for operators: counted here, written in the text form that Prometheus reads. Numbers and names only, never a text."""

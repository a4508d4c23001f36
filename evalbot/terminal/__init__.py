"""The terminal door: what the command line does and how it prints."""

"""The stories: load, decide, save, announce."""

"""Statistics on plain numpy arrays: means, differences, agreement, raters and shifts, each with an interval."""

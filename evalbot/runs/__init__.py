"""Asking: runs, outputs, and the plan of what is still to be asked, as pure values and rules."""

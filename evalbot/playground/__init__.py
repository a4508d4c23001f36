"""A local, simulated Slack workspace: what a bot can do there, and what is refused, follows the public Slack contract."""

"""The Slack door: commands, actions, views and the outbox."""

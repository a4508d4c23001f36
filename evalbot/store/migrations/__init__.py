"""The Alembic environment: how a database gets from one schema to the next."""

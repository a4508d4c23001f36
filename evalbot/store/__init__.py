"""The database: rows and migrations live here and never leave; nouns come out."""

"""Files of a project folder turned into nouns, strictly."""

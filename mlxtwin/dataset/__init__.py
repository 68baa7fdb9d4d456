"""From curated documents to the token examples of a run."""

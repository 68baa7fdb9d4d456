"""Pre-training of the bundled starter base model, from plain text to a Hugging Face folder (see README.md)."""

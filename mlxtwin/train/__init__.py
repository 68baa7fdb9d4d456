"""A recipe and a dataset to a LoRA adapter."""

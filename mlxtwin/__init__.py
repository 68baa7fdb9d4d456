"""mlxtwin: a small language model trained on one person's own words, on that person's own machine."""

__version__ = "0.1.0"

"""Twins for other programs."""

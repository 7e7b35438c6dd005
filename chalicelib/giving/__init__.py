"""Gifts: what was given, by whom, kept as facts."""

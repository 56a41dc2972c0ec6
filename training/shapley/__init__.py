"""Shapley values: who contributed how much to a number."""

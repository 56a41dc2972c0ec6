"""Leakage and health of an extract."""

"""Learners on plain arrays: trees, linear models, calibration."""

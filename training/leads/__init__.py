"""The model of lead conversion."""

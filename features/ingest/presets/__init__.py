"""Presets: mappings for what well-known CRMs and loaders deliver, chosen by their headers."""

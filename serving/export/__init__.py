"""Scores on their way back into a CRM, as files that its importer reads."""

"""One row per lead, deal or rep, as it stood at the cutoff."""

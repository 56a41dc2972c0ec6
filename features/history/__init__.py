"""What the CRM showed, in order of time: versions, events, windows, and the vocabulary."""

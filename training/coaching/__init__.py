"""Why reps differ, and what may be reached: causes, equal grounds, goals."""

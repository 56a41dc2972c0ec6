"""Features of leads, deals and reps: declarations only."""

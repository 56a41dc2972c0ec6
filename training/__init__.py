"""What can be learned from it: splits, models, evaluation, explanation, tracking."""

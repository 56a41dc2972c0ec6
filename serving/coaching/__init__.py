"""What a manager and a rep can do next: causes in words, advice, goals, pairs, 1:1 and team sheets."""

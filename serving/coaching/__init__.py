"""What a manager and a rep can do next: advice, goals, pairs, 1:1 sheets and team sheets."""

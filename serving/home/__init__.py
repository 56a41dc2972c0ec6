"""What one home can answer, without the terminal and without the service."""

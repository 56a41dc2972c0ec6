"""What came of leads, deals and quotas, and when that is known for good."""

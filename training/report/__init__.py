"""What people read of a backtest: pages, charts, verdicts, and a glossary."""

"""One kind of model handled like the other: train, backtest, grade, report, score."""

"""MLflow: runs, registered models, and which of them is champion."""

"""`python -m serving` is `pacesetter`."""

import sys

from serving.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

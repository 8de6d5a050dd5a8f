"""``python -m classic_eyes COMMAND`` is ``classic-eyes COMMAND``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())

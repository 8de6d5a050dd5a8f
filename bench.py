"""Run the benchmark or a study: ``python bench.py --help``."""

import sys

from benchmarks.commands import main

if __name__ == "__main__":
    sys.exit(main())

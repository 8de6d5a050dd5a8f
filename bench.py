"""Measure accuracy, calibration and speed of features and classifiers: ``python bench.py [--data PATH ...]``."""

import sys

from benchmarks.commands import main

if __name__ == "__main__":
    sys.exit(main())

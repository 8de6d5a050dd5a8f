"""Measure how good and how sure the answers are: ``python bench.py [--data PATH...]``."""

import sys

from classic_eyes.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))

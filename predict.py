"""Say of every image whether the eye is open: ``python predict.py PATH...``."""

import sys

from classic_eyes.cli import main

if __name__ == "__main__":
    sys.exit(main(["predict", *sys.argv[1:]]))

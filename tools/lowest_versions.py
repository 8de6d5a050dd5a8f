"""Print a constraints file: each requirement of the package in the lowest version that setup.cfg allows.

python tools/lowest_versions.py > lowest.txt && pip install -c lowest.txt .
"""

from __future__ import annotations

import re
from configparser import RawConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def lowest_versions(text: str) -> list[str]:
    r"""Return a pin for each requirement in the text of a setup.cfg.

    >>> lowest_versions("[options]\ninstall_requires =\n    numpy>=2.0\n    opencv-python>=4.10.0.84,<5")
    ['numpy==2.0', 'opencv-python==4.10.0.84']
    """
    config = RawConfigParser()
    config.read_string(text)
    pins = []
    for requirement in config["options"]["install_requires"].split("\n")[1:]:
        found = re.match(r"([\w.-]+)>=([\w.]+)", requirement)
        if found is None:
            raise SystemExit(f"setup.cfg: {requirement!r} has no lowest version; write NAME>=VERSION")
        pins.append(f"{found[1]}=={found[2]}")
    return pins


def main() -> None:
    print("\n".join(lowest_versions((ROOT / "setup.cfg").read_text("utf-8"))))


if __name__ == "__main__":
    main()

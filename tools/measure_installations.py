"""Install the wheels into new environments, and print for each its size, `pip check` and the first prediction.

python -m build && python tools/build_predict.py && python tools/measure_installations.py dist

Of a wheel that shows windows, the system must have the graphics libraries.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OPENCV = ("opencv-python-headless", "opencv-contrib-python-headless", "opencv-python", "opencv-contrib-python")
TO_BUILD = ("pip", "setuptools")


def installed_bytes(packages: Path) -> int:
    """Return the bytes of all files but those that Python compiles."""
    files = (path for path in packages.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files)


def measure(requirements: list[str], constraints: Path | None = None) -> list[str]:
    """Return megabytes, what `pip check` says, rows read, and the seconds of the first prediction."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        programs = Path(folder) / ("Scripts" if os.name == "nt" else "bin")
        python = str(programs / "python")
        options = [] if constraints is None else ["-c", str(constraints)]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *options, *requirements], check=True)
        check = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True, check=False)
        subprocess.run(
            [python, "-m", "pip", "uninstall", "--quiet", "--yes", *TO_BUILD], capture_output=True, check=True
        )
        code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
        where = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        size = installed_bytes(Path(where))
        rows = Path(folder) / "rows.csv"
        command = [str(programs / "classic-eyes"), "predict", str(ROOT / "examples" / "eyes"), "--out", str(rows)]
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True, cwd=folder)
        seconds = time.perf_counter() - began
        read = [row for row in csv.DictReader(rows.open(encoding="utf-8")) if not row["error"]]
    says = "passes" if check.returncode == 0 else check.stdout.strip().splitlines()[0]
    return [f"{size / 1e6:.0f} MB", says, str(len(read)), f"{seconds:.1f} s"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dist", metavar="DIR", help="with a wheel of each of the two distributions")
    parser.add_argument("--lowest", metavar="FILE", help="constraints, from tools/lowest_versions.py: one more row")
    arguments = parser.parse_args()
    (usual,) = Path(arguments.dist).resolve().glob("classic_eyes-*.whl")
    (alone,) = Path(arguments.dist).resolve().glob("classic_eyes_predict-*.whl")
    print(f"# Python {platform.python_version()}, {platform.system()} {platform.machine()}\n")
    print("| installation | size | pip check | images read | first prediction |\n|---|---|---|---|---|", flush=True)

    def print_row(name: str, requirements: list[str], constraints: Path | None = None) -> None:
        print("|", " | ".join([name, *measure(requirements, constraints)]), "|", flush=True)

    print_row("classic-eyes", [str(usual)])
    if arguments.lowest is not None:
        print_row("classic-eyes, lowest versions", [str(usual)], Path(arguments.lowest).resolve())
    for wheel in OPENCV:
        print_row(f"classic-eyes-predict, {wheel}", [str(alone), f"{wheel}>=4.13,<5"])


if __name__ == "__main__":
    main()

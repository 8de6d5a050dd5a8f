"""Build classic-eyes-predict: the same package, with the requirements of prediction alone.

python tools/build_predict.py --out dist

pip cannot express "one of four OpenCV wheels". So this distribution requires none, and its user names one. Everything
else is the same: the files, the version, and the extras, but for `train`, which brings what training needs.

The wheel of one commit is the same bytes whenever it is built: its files have the time of the commit, unless
SOURCE_DATE_EPOCH says another.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from configparser import RawConfigParser
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "classic-eyes-predict"
# What `load_model().predict` imports, beside OpenCV.
PREDICTION = ("numpy", "threadpoolctl")
NOT_FOR_USERS = ("bench", "docs", "test")
NEEDED = ("classic_eyes", "models", "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE")
NOTE = """\
> **classic-eyes-predict** is classic-eyes for prediction alone: numpy, and an OpenCV wheel that you choose.
> Install it instead of classic-eyes, never beside it: both hold the same files.
>
>     pip install classic-eyes-predict "opencv-python-headless>=4.13,<5"

"""


def name_of(requirement: str) -> str:
    """Return the name in a requirement.

    >>> name_of("numpy>=2,<3")
    'numpy'
    """
    return re.split(r"[\s<>=!~;\[]", requirement)[0]


def predict_config(text: str) -> str:
    """Return the setup.cfg of classic-eyes-predict for that of classic-eyes."""
    config = RawConfigParser()
    config.read_string(text)
    required = config["options"]["install_requires"].split("\n")[1:]
    prediction = [each for each in required if name_of(each) in PREDICTION]
    train = [each for each in required if each not in prediction and not name_of(each).startswith("opencv")]
    config["metadata"]["name"] = NAME
    config["metadata"]["description"] += " Prediction alone, with an OpenCV wheel of your choice."
    config["options"]["install_requires"] = _lines(prediction)
    extras = config["options.extras_require"]
    for name in NOT_FOR_USERS:
        del extras[name]
    extras["distributed"] = _lines(
        [*extras["distributed"].split("\n")[1:], *(each for each in train if name_of(each) == "joblib")]
    )
    extras["train"] = _lines(train)
    written = io.StringIO()
    config.write(written)
    return written.getvalue()


def _lines(requirements: list[str]) -> str:
    return "\n".join(["", *requirements])


def build_environment() -> dict[str, str]:
    """Return the environment of the build; SOURCE_DATE_EPOCH is the time of the last commit unless it is set."""
    done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    commit = {"SOURCE_DATE_EPOCH": done.stdout.strip()} if done.returncode == 0 else {}
    return {**commit, **os.environ}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default="dist", metavar="DIR", help="default: dist")
    arguments = parser.parse_args()
    if find_spec("build") is None:
        sys.exit(f"{Path(__file__).name} needs the package build; run: pip install build")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in NEEDED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, tree / name)
        (tree / "setup.cfg").write_text(predict_config((ROOT / "setup.cfg").read_text("utf-8")), "utf-8")
        (tree / "README.md").write_text(NOTE + (ROOT / "README.md").read_text("utf-8"), "utf-8")
        out = str(Path(arguments.out).resolve())
        command = [sys.executable, "-m", "build", "--outdir", out, folder]
        done = subprocess.run(command, env=build_environment(), check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()

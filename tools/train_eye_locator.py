"""Train the eye locator on faces of videos, with a landmark model of five points as the teacher.

    python tools/train_eye_locator.py ../shared/data/videos --teacher shape_predictor_5_face_landmarks.dat \
        --out models/locator.npz

The folder has clips.csv, clips/ and labels/. `--half 1` and `--half 2` train on half of the people, for
tools/evaluate_eye_locator.py.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from locator import (
    MAX_SPREAD,
    Collector,
    FaceSample,
    collect_clips,
    halves,
    measure_lid_bias,
    train_regression,
    train_trees,
    write_locator,
)

from classic_eyes._utils.files import write_whole
from classic_eyes._utils.resources import one_thread
from classic_eyes._version import __version__
from classic_eyes.cli import OneLineParser, guarded
from classic_eyes.cli.arguments import check_out, positive_integer, random_seed
from classic_eyes.descriptors.ear import load_dlib
from classic_eyes.errors import ParameterError

SCRIPT, SUFFIX = "train_eye_locator.py", ".npz"


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = OneLineParser(prog=SCRIPT, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("videos", metavar="FOLDER", help="clips.csv, clips/ and labels/")
    parser.add_argument("--teacher", required=True, metavar="FILE", help="dlib shape predictor with five points")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="NAME.npz; its card NAME.json is written beside it"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument("--faces", metavar="FILE", help="cache of the faces; written if it does not exist")
    parser.add_argument("--half", type=int, choices=(1, 2), help="train on half of the people")
    parser.add_argument(
        "--per-person", type=positive_integer, default=500, metavar="N", help="varied faces of each; default: 500"
    )
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    return parser


def load_faces(arguments: Namespace) -> list[FaceSample]:
    """Return the faces of the clips on which the teacher agrees with itself; from the cache, if there is one."""
    if arguments.faces and Path(arguments.faces).is_file():
        samples: list[FaceSample] = pickle.loads(Path(arguments.faces).read_bytes())
    else:
        collector = Collector(arguments.teacher)
        samples = collect_clips(
            Path(arguments.videos), collector, lambda line: print(line, file=sys.stderr, flush=True)
        )
        if arguments.faces:
            Path(arguments.faces).write_bytes(pickle.dumps(samples))
    return [sample for sample in samples if sample.spread < MAX_SPREAD]


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def work(arguments: Namespace) -> int:
    """Train, and write the file with its card."""
    check_out(arguments.out, SUFFIX, force=arguments.force)
    card = Path(arguments.out).with_suffix(".json")
    check_out(str(card), ".json", force=arguments.force)
    for name, path in (("FOLDER", Path(arguments.videos, "clips.csv")), ("--teacher", Path(arguments.teacher))):
        if not path.is_file():
            raise ParameterError(f"{name}: {str(path)!r} does not exist")
    with one_thread():
        samples = load_faces(arguments)
        if arguments.half:
            half = [*halves(samples)[arguments.half - 1], "several"]
            samples = [sample for sample in samples if sample.person in half]
        if not samples:
            raise ParameterError(f"{arguments.videos!r}: no faces found in the clips")
        options = {"per_person": arguments.per_person, "random_state": arguments.seed}
        content = write_locator(
            train_trees(samples, **options),
            *train_regression(samples, **options),
            measure_lid_bias(samples, random_state=arguments.seed),
        )
    write_whole(arguments.out, content)
    people = {sample.person for sample in samples}
    text = {
        "kind": "eye locator: corners of both eyes in the box of a face",
        "trained_on": (
            f"{len(samples)} faces in frames of 27 video clips, 21 people and a few more in two clips; no licence came "
            "with the clips, and they are not distributed with this library"
            if not arguments.half
            else f"{len(samples)} faces of {len(people)} groups"
        ),
        "teacher": (
            "shape_predictor_5_face_landmarks.dat of dlib-models (public domain); median of 16 predictions per face"
        ),
        "command": (
            f"python tools/{SCRIPT} ../shared/data/videos --teacher {Path(arguments.teacher).name} "
            f"--out {Path(arguments.out).name} --per-person {arguments.per_person} --seed {arguments.seed}"
        ),
        "sha256": hashlib.sha256(content).hexdigest(),
        "versions": {
            "classic_eyes": __version__,
            "numpy": np.__version__,
            "opencv": cv2.__version__,
            "dlib": load_dlib().__version__,
        },
    }
    write_whole(card, (json.dumps(text, indent=2) + "\n").encode("utf-8"))
    print(f"wrote {arguments.out} ({len(content) / 1e6:.1f} MB) and {card}", file=sys.stderr)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script."""
    return guarded(lambda: work(build_parser().parse_args(argv)), program=SCRIPT)


if __name__ == "__main__":
    sys.exit(main())

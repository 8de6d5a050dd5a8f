"""Measure how many wrong labels an audit finds, by the votes of raters."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from benchmarks.audit import contradicted_by_most, evaluate_audit
from benchmarks.commands import print_failed
from classic_eyes.cli.arguments import existing_file, known_views, positive_integer, random_seed
from classic_eyes.cli.audit import find_reviewers
from classic_eyes.cli.tables import aligned, markdown
from classic_eyes.datasets import EyeSet, load_images, read_eyes, read_votes
from classic_eyes.errors import DataError
from classic_eyes.labeling import AUDIT_FEATURES, audit_labels


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``bench.py audit``."""
    parser.add_argument("path", metavar="PATH", help="a folder of labelled images")
    parser.add_argument(
        "--raters", type=existing_file, required=True, metavar="CSV", help="column file, and a column of labels a rater"
    )
    parser.add_argument(
        "--labels", type=existing_file, metavar="CSV", help="the labels to audit; default: those of PATH"
    )
    parser.add_argument(
        "--features",
        type=known_views,
        default=AUDIT_FEATURES,
        metavar="A,B/C",
        help="features of the out-of-fold predictions; default: hog,lbp/words/words_tt",
    )
    parser.add_argument("--folds", type=positive_integer, default=5, metavar="N", help="2 or more; default: 5")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="processes; default: one per core")
    parser.add_argument("--format", choices=("table", "markdown"), default="table", help="default: table")


def _votes(path: str, eyes: EyeSet) -> list[list[int]]:
    """Return the raters' labels of each image."""
    votes = read_votes(path)
    found = [votes.get(name) or votes.get(name.rsplit("/", 1)[-1]) or [] for name in eyes.names]
    if not any(found):
        raise DataError(f"--raters {path!r} rates no image of this folder; its column file must name them")
    return found


def work(arguments: Namespace) -> int:
    """Run ``bench.py audit``: 0, or 1 if some images could not be read."""
    eyes = read_eyes(arguments.path, labels=arguments.labels)
    _votes(arguments.raters, eyes)  # refused before the long work
    data = load_images(eyes)
    print_failed(data.failed)
    eyes = data.eyes
    wrong = contradicted_by_most(eyes.labels, _votes(arguments.raters, eyes))
    reviewers = find_reviewers(data, arguments)
    audit = audit_labels(data.images, eyes.labels, eyes.groups, tuple(eyes.names), reviewers)
    rows = [["ranked by", "wrong of the first 50", "of 100", "of 200"]]
    rows += [[score.rule, *map(str, score.found)] for score in evaluate_audit(audit, reviewers, eyes.labels, wrong)]
    lines = aligned(rows) if arguments.format == "table" else markdown(rows)
    print("\n".join([f"most raters contradict {int(wrong.sum())} of the labels", "", *lines]))
    return 1 if data.failed else 0

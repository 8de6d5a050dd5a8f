"""Say which of the given labels are most likely wrong, and make a page to look at them again."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.writing import csv_text, write_whole
from ..classifier import EyeClassifier
from ..datasets import LabelTable, LoadedSet, image_key, load_images, read_eyes
from ..errors import DataError, ParameterError
from ..evaluation import cross_validate
from ..labeling import Audit, Reviewer, audit_labels, independent_reviewer
from ..labeling.page import render_sheet, write_page
from .arguments import check_out, existing_file, known_views, positive_integer, random_seed
from .label import label_file, label_rows, page_images
from .tables import aligned

_SHOWN = 20
_LEAST = 10
_FEATURES = (("hog", "lbp"), ("words",), ("words_tt",))
_HEAD = ("file", "label", "doubt", "reason", "other")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes audit``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument("path", metavar="PATH", help="a folder of images with labels")
    parser.add_argument(
        "--labels", type=existing_file, metavar="CSV", help="the labels to look at; default: those that PATH holds"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="NAME.html, a page to look at the labels again, which holds your images, or NAME.csv; "
        f"without it the first {_SHOWN} are printed",
    )
    parser.add_argument("--force", action="store_true", help="take the place of a file that is there already")
    parser.add_argument("--limit", type=positive_integer, default=200, metavar="N", help="labels named; default: 200")
    parser.add_argument(
        "--features",
        type=known_views,
        default=_FEATURES,
        metavar="A,B/C",
        help="what the judging machines learn from; default: hog,lbp/words/words_tt",
    )
    parser.add_argument("--folds", type=positive_integer, default=5, metavar="N", help="2 or more; default: 5")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="processes; by default one per core")
    parser.add_argument(
        "--page", type=positive_integer, default=50, metavar="N", help="labels on a page of it; default: 50"
    )


def _check(data: LoadedSet, folds: int) -> None:
    labels, groups = data.eyes.labels, data.eyes.groups
    counts = [int((labels == label).sum()) for label in (0, 1)]
    if min(counts) < _LEAST:
        raise DataError(
            f"{counts[0]} labels say closed and {counts[1]} open; {_LEAST} of each are needed to judge one by the "
            "others: classic-eyes label makes a page to give more"
        )
    n_groups = len(np.unique(groups[labels >= 0]))
    if n_groups < folds:
        raise DataError(f"--folds {folds} needs {folds} groups and there are {n_groups}; take fewer folds")


def _reviewers(data: LoadedSet, arguments: Namespace) -> tuple[Reviewer, ...]:
    known = np.flatnonzero(data.eyes.labels >= 0)
    print(f"judging {len(known):,} labels by the others, in {arguments.folds} folds ...", file=sys.stderr)
    scores = np.full(len(data.eyes), 0.5)
    scores[known] = cross_validate(
        EyeClassifier(features=arguments.features, random_state=arguments.seed),
        data.images[known],
        data.eyes.labels[known],
        data.eyes.groups[known],
        n_splits=arguments.folds,
        random_state=arguments.seed,
        n_jobs=arguments.jobs,
    )
    print("asking the images themselves, without labels ...", file=sys.stderr)
    second, told = independent_reviewer(data.images, data.eyes.groups, random_state=arguments.seed)
    print(told, file=sys.stderr)
    first = Reviewer("by the other labels", scores)
    return (first,) if second is None else (first, second)


def _rows(audit: Audit, data: LoadedSet, limit: int) -> list[list[str]]:
    eyes = data.eyes
    return [
        [
            eyes.names[k],
            ("closed", "open")[eyes.labels[k]],
            f"{audit.error_probability[k]:.4f}",
            audit.reasons[k],
            eyes.names[audit.partners[k]] if audit.partners[k] >= 0 else "",
        ]
        for k in audit.ranked(limit)
    ]


def _page(audit: Audit, data: LoadedSet, table: LabelTable, scores: NDArray[np.float64], arguments: Namespace) -> str:
    eyes, order = data.eyes, audit.ranked(arguments.limit)
    wanted = list(dict.fromkeys([*order.tolist(), *(int(k) for k in audit.partners[order] if k >= 0)]))
    images = {k: number for number, k in enumerate(wanted)}
    places = {key: number for number, key in enumerate(table.keys)}
    items: list[dict[str, Any]] = [
        {
            "file": eyes.names[k],
            "row": places.get(image_key(eyes.names[k]), -1),
            "given": int(eyes.labels[k]),
            "guess": int(eyes.labels[k]),
            "score": round(float(scores[k]), 4),
            "image": images[int(k)],
            "reason": audit.reasons[k],
            "other": images.get(int(audit.partners[k]), -1),
        }
        for k in order
    ]
    numbers = list(range(len(items)))
    sheet = {
        "title": f"Labels to look at again: {eyes.source}",
        "lead": f"{len(items):,} of {int((eyes.labels >= 0).sum()):,} labels, the most doubtful first; "
        f"{_likely(audit):,} are more likely wrong than right, and the further you go the fewer are. Turn over what is "
        "wrong, then confirm the page; stop where you like: all labels are saved, with your corrections.",
        "save": "assets.csv",
        "columns": table.columns,
        "rows": table.rows,
        "items": items,
        "pages": [numbers[start : start + arguments.page] for start in range(0, len(items), arguments.page)],
        "reasons": True,
    }
    return render_sheet(sheet, page_images([eyes.paths[k] for k in wanted]))


def _likely(audit: Audit) -> int:
    return int((audit.error_probability > 0.5).sum())


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes audit``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0 all read; 1 done, but some images could not be read.
    """
    file = label_file(arguments.path, arguments.labels)
    if arguments.out is not None:
        check_out(arguments.out, ".html", ".csv", force=arguments.force, read=[file] if file else [])
    if arguments.folds < 2:
        raise ParameterError(f"--folds {arguments.folds} leaves nothing to learn from; 2 or more")
    eyes = read_eyes(arguments.path, labels=arguments.labels)
    table = label_rows(arguments.path, arguments.labels, eyes)
    data = load_images(eyes)
    for name, reason in data.failed:
        print(f"classic-eyes: left out {name}: {reason}", file=sys.stderr)
    _check(data, arguments.folds)
    reviewers = _reviewers(data, arguments)
    audit = audit_labels(data.images, data.eyes.labels, data.eyes.groups, tuple(data.eyes.names), reviewers)
    rows = _rows(audit, data, arguments.limit)
    if arguments.out is None:
        shown = [[doubt, file, reason] for file, _, doubt, reason, _ in rows[:_SHOWN]]
        print("\n".join(aligned([["doubt", "file", "why"], *shown])))
    elif arguments.out.endswith(".csv"):
        write_whole(arguments.out, csv_text([_HEAD, *rows]).encode("utf-8", "surrogateescape"))
    else:
        scores = np.mean([reviewer.scores for reviewer in reviewers], axis=0)
        write_page(_page(audit, data, table, scores, arguments), arguments.out)
    if arguments.out is not None:
        holds = "; it holds your images" if arguments.out.endswith(".html") else ""
        print(f"wrote {arguments.out}: the {len(rows)} most doubtful labels{holds}", file=sys.stderr)
    n_known = int((data.eyes.labels >= 0).sum())
    print(f"{_likely(audit):,} of {n_known:,} labels are more likely wrong than right", file=sys.stderr)
    return 1 if data.failed else 0

"""Report which given labels are most likely wrong, and write a page to review them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.files import csv_text, write_whole
from ..datasets import LabelTable, LoadedSet, load_images, read_eyes
from ..errors import ParameterError
from ..evaluation import MIN_FOLDS
from ..labeling import AUDIT_FEATURES, Audit, Reviewer, audit_labels, independent_reviewer, out_of_fold_reviewer
from ..labeling.audit import check_enough_labels
from ..labeling.page import render_sheet, write_page
from .arguments import add_bits_argument, check_out, existing_file, known_views, positive_integer, random_seed
from .folds import check_folds
from .listing import Peaks, describe_failed, print_failed, print_passed_over
from .sheets import item, label_file, label_table, read_shown
from .tables import aligned

__all__ = ["add_arguments", "find_reviewers", "work"]

_SHOWN = 20
_COLUMNS = ("file", "label", "doubt", "reason", "other")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes audit``."""
    parser.add_argument("path", metavar="PATH", help="a folder of labelled images")
    parser.add_argument(
        "--labels", type=existing_file, metavar="CSV", help="the labels to audit; default: those of PATH"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="NAME.html, a page to review the labels, which contains your images, or NAME.csv; without it the first "
        f"{_SHOWN} are printed",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument(
        "--limit", type=positive_integer, default=200, metavar="N", help="maximum of labels; default: 200"
    )
    parser.add_argument(
        "--features",
        type=known_views,
        default=AUDIT_FEATURES,
        metavar="A,B/C",
        help="features of the out-of-fold predictions; default: " + "/".join(",".join(view) for view in AUDIT_FEATURES),
    )
    parser.add_argument("--folds", type=positive_integer, default=5, metavar="N", help="2 or more; default: 5")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="processes; default: one per core")
    parser.add_argument("--page", type=positive_integer, default=50, metavar="N", help="labels per page; default: 50")
    add_bits_argument(parser)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes audit``; 1 if some images could not be read."""
    if arguments.folds < MIN_FOLDS:
        raise ParameterError(f"--folds {arguments.folds}: an image is predicted from others; take {MIN_FOLDS} or more")
    file = label_file(arguments.path, arguments.labels)
    if arguments.out is not None:
        check_out(arguments.out, ".html", ".csv", force=arguments.force, read=[file] if file else [])
    eyes = read_eyes(arguments.path, labels=arguments.labels)
    table = label_table(arguments.path, arguments.labels, eyes)
    data = load_images(eyes, bits=arguments.bits)
    print_failed(data.failed)
    Peaks(data.peaks).print_warning(arguments.bits)
    reviewers = find_reviewers(data, arguments)
    audit = audit_labels(data.images, data.eyes.labels, data.eyes.groups, tuple(data.eyes.names), reviewers)
    rows = _rows(audit, data, arguments.limit)
    if arguments.out is None:
        shown = [[doubt, file, reason] for file, _, doubt, reason, _ in rows[:_SHOWN]]
        print("\n".join(aligned([["doubt", "file", "why"], *shown])))
    elif arguments.out.endswith(".csv"):
        write_whole(arguments.out, csv_text([_COLUMNS, *rows]).encode("utf-8", "surrogateescape"))
    else:
        scores = np.mean([reviewer.scores for reviewer in reviewers], axis=0)
        write_page(render_sheet(*_sheet(audit, data, table, scores, arguments)), arguments.out)
    n_given = int((data.eyes.labels >= 0).sum())
    if arguments.out is not None:
        note = "; it contains your images" if arguments.out.endswith(".html") else ""
        which = f"all {n_given:,} labels" if len(rows) == n_given else f"{len(rows):,} of {n_given:,} labels"
        print(f"wrote {arguments.out}: {which}, the most doubtful first{note}", file=sys.stderr)
    print(_disagreement(audit, n_given), file=sys.stderr)
    if data.failed:
        print(f"left out of {len(eyes):,} images: {describe_failed(data.failed)}", file=sys.stderr)
    print_passed_over([arguments.path])
    return 1 if data.failed else 0


def find_reviewers(data: LoadedSet, arguments: Namespace) -> tuple[Reviewer, ...]:
    """Return out-of-fold predictions, and predictions from the images without labels if these are reliable."""
    eyes = data.eyes
    check_enough_labels(eyes.labels)
    given = eyes.take(eyes.labels >= 0)
    remedy = "take fewer --folds, or label images of other people"
    check_folds(given, arguments.folds, remedy=remedy, random_state=arguments.seed)
    print(f"predicting {len(given):,} labels out of fold, in {arguments.folds} folds ...", file=sys.stderr)
    first = out_of_fold_reviewer(
        data.images,
        eyes.labels,
        eyes.groups,
        features=arguments.features,
        n_splits=arguments.folds,
        random_state=arguments.seed,
        n_jobs=arguments.jobs,
    )
    print("clustering without labels ...", file=sys.stderr)
    second, message = independent_reviewer(data.images, eyes.groups, random_state=arguments.seed)
    print(message, file=sys.stderr)
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


def _sheet(
    audit: Audit, data: LoadedSet, table: LabelTable, scores: NDArray[np.float64], arguments: Namespace
) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Return what `render_sheet` takes."""
    eyes, order = data.eyes, audit.ranked(arguments.limit).tolist()
    partners = [int(audit.partners[k]) for k in order if audit.partners[k] >= 0]
    images = {k: number for number, k in enumerate(dict.fromkeys([*order, *partners]))}
    rows = {key: number for number, key in enumerate(table.keys)}
    items = [
        item(
            eyes,
            k,
            rows,
            guess=int(eyes.labels[k]),
            score=round(float(scores[k]), 4),
            image=images[k],
            reason=audit.reasons[k],
            other=images.get(int(audit.partners[k]), -1),
        )
        for k in order
    ]
    n_items, n_given = len(items), int((eyes.labels >= 0).sum())
    sheet = {
        "title": f"Labels to review: {eyes.source}",
        "lead": f"{n_items:,} of {n_given:,} labels, the most doubtful first; {_disagreement(audit, n_given)}. Switch "
        "what you see is wrong, then confirm the page. "
        "Stop where you like: all labels are saved, with your corrections.",
        "save": "assets.csv",
        "columns": table.columns,
        "rows": table.rows,
        "chosen": "",
        "items": items,
        "pages": [list(range(k, min(k + arguments.page, n_items))) for k in range(0, n_items, arguments.page)],
        "reasons": True,
    }
    return sheet, read_shown([eyes.paths[k] for k in images])


def _disagreement(audit: Audit, n_given: int) -> str:
    n = int((audit.error_probability > 0.5).sum())
    return (
        f"the program disagrees with {n:,} of {n_given:,} labels; on difficult images, such as those of a page by "
        "priority, it is often wrong itself"
    )

"""Write a page on which a person labels images, highest priority first."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets import UNLABELLED, UNSURE, EyeSet, LabelTable, LoadedSet, image_key, load_images, read_eyes
from ..datasets.names import as_text
from ..errors import DataError
from ..labeling import ORDERS, queue_images
from ..labeling.page import render_sheet, write_page
from ..persistence.card import trained_on
from ..predictor import load_model
from .arguments import (
    add_bits_argument,
    add_model_arguments,
    check_out,
    existing_file,
    positive_integer,
    random_seed,
)
from .inspection import card_of_model
from .listing import Peaks, describe_failed, print_failed, print_passed_over
from .sheets import item, label_table, read_shown

__all__ = ["add_arguments", "work"]

_LIMIT = 4000
# Orders of which the answers, or a half of them, measure an accuracy of all images.
_MEASURING = ("random", "mixed")
_LEAD = "Switch what is wrong, then confirm the page."
_LEADS = {
    "random": "The predictions of the model are hidden, because these labels measure its accuracy. Answer every image: "
    "O for open, C for closed, U for unsure.",
    "mixed": f"{_LEAD} The columns and the words are predictions of a model: decide what you see before you accept "
    "them, or its measured accuracy will be too high.",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes label``."""
    parser.add_argument("path", metavar="PATH", help="a folder of images; labelled ones are skipped")
    parser.add_argument("--out", required=True, metavar="HTML", help="the page; it contains your images")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument(
        "--labels", type=existing_file, metavar="CSV", help="existing labels; default: assets.csv in PATH, if any"
    )
    parser.add_argument("--unsure", action="store_true", help="include images that are marked as unsure")
    add_model_arguments(parser)
    parser.add_argument(
        "--order",
        choices=tuple(ORDERS),
        default="priority",
        help="; ".join(f"{name}: {what}" for name, what in ORDERS.items()) + "; default: priority",
    )
    parser.add_argument(
        "--limit", type=positive_integer, default=_LIMIT, metavar="N", help=f"maximum of images; default: {_LIMIT}"
    )
    parser.add_argument("--page", type=positive_integer, default=50, metavar="N", help="images per page; default: 50")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    add_bits_argument(parser)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes label``; 1 if some images could not be read and are not on the page."""
    check_out(arguments.out, ".html", force=arguments.force)
    eyes = read_eyes(arguments.path, labels=arguments.labels)
    table = label_table(arguments.path, arguments.labels, eyes)
    data = _load(_to_be_labelled(eyes, table, arguments.unsure), len(eyes), arguments.bits)
    print_failed(data.failed)
    Peaks(data.peaks).print_warning(arguments.bits)
    model = load_model(arguments.model, trusted=arguments.trust_model)
    # A page of random images does not show predictions.
    hidden = arguments.order == "random"
    scores = np.full(len(data.images), 0.5) if hidden else model.predict_proba(data.images)[:, 1]
    _print_known(arguments, data.images)
    sheet, images = _sheet(data, table, scores, arguments)
    page = render_sheet(sheet, images)
    write_page(page, arguments.out)
    print(
        f"wrote {arguments.out}: {len(sheet['items']):,} of {len(data.eyes):,} images to be labelled, "
        f"{len(page) / 1e6:.1f} MB; it contains your images",
        file=sys.stderr,
    )
    print("open it in a browser; Save labels gives a label file for train --labels", file=sys.stderr)
    if arguments.order not in _MEASURING and len(sheet["items"]) < len(data.eyes):
        print(
            f"no accuracy can be measured on images that --order {arguments.order} chooses; --order mixed draws half "
            "of them at random",
            file=sys.stderr,
        )
    if data.failed:
        print(f"left out of {len(eyes):,} images: {describe_failed(data.failed)}", file=sys.stderr)
    print_passed_over([arguments.path])
    return 1 if data.failed else 0


def _print_known(arguments: Namespace, images: NDArray[np.uint8]) -> None:
    """Print how many images the model was trained on: on these its accuracy cannot be measured."""
    card = card_of_model(arguments)
    if n_known := 0 if card is None else int(trained_on(card, images).sum()):
        print(
            f"{n_known:,} of {len(images):,} images are training images of the model {as_text(arguments.model)}: "
            "evaluate will leave them out",
            file=sys.stderr,
        )


def _to_be_labelled(eyes: EyeSet, table: LabelTable, with_unsure: bool) -> EyeSet:
    """Leave out images that are labelled or marked as unsure, and names that no label file can hold."""
    marked = {key for key, mark in zip(table.keys, table.values(UNSURE), strict=True) if mark.strip()}
    kept = []
    for k, name in enumerate(eyes.names):
        if eyes.labels[k] != UNLABELLED or (image_key(name) in marked and not with_unsure):
            continue
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            print_failed([(repr(name), "label files are UTF-8, and its name is not")])
            continue
        kept.append(k)
    if not kept:
        raise DataError(
            f"all {len(eyes)} images are labelled, or marked as unsure; --unsure includes those, and classic-eyes "
            "audit finds labels that are probably wrong"
        )
    return eyes.take(kept)


def _load(eyes: EyeSet, n_all: int, bits: int | None) -> LoadedSet:
    try:
        return load_images(eyes, bits=bits)
    except DataError as error:
        if len(eyes) == n_all:
            raise
        raise DataError(
            f"{n_all - len(eyes)} of {n_all} images are labelled or marked; of the rest, {error}"
        ) from error


def _sheet(
    data: LoadedSet, table: LabelTable, scores: NDArray[np.float64], arguments: Namespace
) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Return what `render_sheet` takes."""
    queue = queue_images(
        data.images,
        scores,
        arguments.order,
        page_size=arguments.page,
        limit=arguments.limit,
        random_state=arguments.seed,
    )
    if n_left := int((queue.clusters < 0).sum()):
        n = len(scores)
        print(f"{n - n_left:,} of {n:,} images were clustered; the others are not on the page", file=sys.stderr)
    rows = {key: number for number, key in enumerate(table.keys)}
    items = []
    for number, k in enumerate(queue.positions.tolist()):
        # The half by priority and the half at random serve different purposes, and the saved file tells them apart.
        further: dict[str, Any] = {}
        if arguments.order == "mixed":
            further["chosen"] = "random" if k in queue.at_random else "priority"
        if arguments.order != "random":
            further |= {"guess": int(scores[k] >= 0.5), "score": round(float(scores[k]), 4)}
        items.append(item(data.eyes, k, rows, image=number, **further))
    ends = np.cumsum([len(page) for page in queue.pages]).tolist()
    sheet = {
        "title": f"Open or closed? {data.eyes.source}",
        "lead": f"{len(items):,} images, {ORDERS[arguments.order]}. {_LEADS.get(arguments.order, _LEAD)}",
        "save": "assets.csv",
        "columns": table.columns,
        "rows": table.rows,
        "chosen": arguments.order,
        "items": items,
        "pages": [list(range(end - len(page), end)) for page, end in zip(queue.pages, ends, strict=True)],
        "reasons": False,
    }
    return sheet, read_shown([data.eyes.paths[k] for k in queue.positions])

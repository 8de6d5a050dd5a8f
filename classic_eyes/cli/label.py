"""Make a page on which a person labels images, those worth most first."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets import UNSURE, EyeSet, LabelTable, LoadedSet, image_key, load_images, read_eyes, read_label_table
from ..errors import DataError, ImageError
from ..images import read_bytes, read_images, stated_size
from ..labeling import ORDERS, prioritize
from ..labeling.page import render_sheet, write_page
from ..semisupervised import VIEW_FEATURES, make_view
from .arguments import check_out, existing_file, positive_integer, random_seed
from .models import add_model_arguments, open_model

__all__ = ["add_arguments", "label_file", "label_rows", "page_images", "work"]

_COMPONENTS = 64
_MOST = 4000
_SMALLEST, _LARGEST = 24, 64
_LOOKED_AT = 64
_BY_LOOKS = ("priority", "cluster")
_COMPARED = 20_000


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes label``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument("path", metavar="PATH", help="a folder of images; those that have a label are left out")
    parser.add_argument("--out", required=True, metavar="HTML", help="the page; it holds your images")
    parser.add_argument("--force", action="store_true", help="take the place of a page that is there already")
    parser.add_argument(
        "--labels",
        type=existing_file,
        metavar="CSV",
        help="what is labelled already; default: assets.csv in PATH, if any",
    )
    parser.add_argument(
        "--unsure",
        action="store_true",
        help="ask again about images that are marked as unsure; else they are left out",
    )
    add_model_arguments(parser)
    parser.add_argument(
        "--order",
        choices=tuple(ORDERS),
        default="priority",
        help="; ".join(f"{name}: {what}" for name, what in ORDERS.items()) + "; default: priority",
    )
    parser.add_argument(
        "--limit", type=positive_integer, default=_MOST, metavar="N", help=f"images, at most; default: {_MOST}"
    )
    parser.add_argument(
        "--page", type=positive_integer, default=50, metavar="N", help="images on a page of it; default: 50"
    )
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")


def label_file(path: str, labels: str | None) -> str | None:
    """Return the label file that is read.

    Parameters
    ----------
    path : str
        A folder.
    labels : str or None
        What --labels says.

    Returns
    -------
    str or None
        That, or the folder's own; None where there is neither.
    """
    own = os.path.join(path, "assets.csv")
    return labels if labels is not None else own if os.path.isfile(own) else None


def label_rows(path: str, labels: str | None, eyes: EyeSet) -> LabelTable:
    """Return the label file that a folder has, with all its columns, or what is known without one.

    Parameters
    ----------
    path : str
        The folder.
    labels : str or None
        The label file, if it is not the folder's own.
    eyes : EyeSet
        What was read of them.

    Returns
    -------
    LabelTable
        Without rows where nothing is labelled.
    """
    file = label_file(path, labels)
    if file is not None:
        return read_label_table(file)
    known = np.flatnonzero(eyes.labels >= 0).tolist()
    return LabelTable(("file", "label"), tuple((eyes.names[k], str(eyes.labels[k])) for k in known))


def page_images(paths: Sequence[str]) -> NDArray[np.uint8]:
    """Read images as large as they are worth showing: 24 to 64 pixels, by what the first of them say of their size.

    Parameters
    ----------
    paths : sequence of str
        LoadedSet images.

    Returns
    -------
    uint8 array of shape (n, side, side)
        Grey.
    """
    sides = []
    for path in list(paths)[:_LOOKED_AT]:
        try:
            stated = stated_size(read_bytes(path))
        except ImageError:  # a URL
            continue
        sides += [min(stated)] if stated else []
    side = int(np.clip(np.median(sides), _SMALLEST, _LARGEST)) if sides else _LARGEST
    return read_images(paths, size=side)[0]


def _asked(eyes: EyeSet, table: LabelTable, again: bool) -> EyeSet:
    """Leave out what is labelled, what somebody was unsure about, and what no label file can name."""
    doubts = {key for key, doubt in zip(table.keys, table.values(UNSURE), strict=True) if doubt.strip()}
    unsure = set() if again else doubts
    asked = []
    for k, name in enumerate(eyes.names):
        if eyes.labels[k] >= 0 or image_key(name) in unsure:
            continue
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            print(f"classic-eyes: left out {name!r}: label files are UTF-8, and its name is not", file=sys.stderr)
            continue
        asked.append(k)
    if not asked:
        raise DataError(
            f"all {len(eyes)} images are labelled, or marked as unsure; --unsure asks about those again, and "
            "classic-eyes audit says which labels to look at again"
        )
    return eyes.take(asked)


def _read(asked: EyeSet, n_all: int) -> LoadedSet:
    try:
        return load_images(asked)
    except DataError as error:
        if len(asked) == n_all:
            raise
        raise DataError(
            f"{n_all - len(asked)} of {n_all} images are labelled or marked; of the rest, {error}"
        ) from error


def _guesses(data: LoadedSet, arguments: Namespace) -> NDArray[np.float64]:
    model = open_model(arguments.model, trusted=arguments.trust_model)
    return np.asarray(model.predict_proba(data.images)[:, 1], dtype=np.float64)


def _compared(
    data: LoadedSet, scores: NDArray[np.float64], order: str, most: int = _COMPARED
) -> tuple[LoadedSet, NDArray[np.float64]]:
    """Leave out, of very many images, those that would come last: their features would fill the memory."""
    if order not in _BY_LOOKS or len(scores) <= most:
        return data, scores
    sure = np.abs(scores - 0.5)
    kept = np.sort(np.argsort(sure if order == "priority" else -sure, kind="stable")[:most])
    what = "most uncertain" if order == "priority" else "surest"
    print(f"of {len(scores):,} images the {most:,} {what} are compared with one another", file=sys.stderr)
    return LoadedSet(data.eyes.take(kept), data.images[kept], data.failed), scores[kept]


def _sheet(data: LoadedSet, table: LabelTable, scores: NDArray[np.float64], arguments: Namespace) -> dict[str, Any]:
    rows = np.zeros((len(scores), 1), dtype=np.float32)
    if arguments.order in _BY_LOOKS:
        view = make_view(data.images, VIEW_FEATURES[0], n_components=_COMPONENTS, random_state=arguments.seed)
        rows = view.leading(_COMPONENTS, mirrored=False).rows
    asking = prioritize(
        scores, rows, arguments.order, page_size=arguments.page, limit=arguments.limit, random_state=arguments.seed
    )
    places = {key: number for number, key in enumerate(table.keys)}
    items: list[dict[str, Any]] = []
    pages = []
    for page in asking.pages:
        pages.append(list(range(len(items), len(items) + len(page))))
        items += [
            {
                "file": data.eyes.names[k],
                "row": places.get(image_key(data.eyes.names[k]), -1),
                "given": -1,
                "guess": int(scores[k] >= 0.5),
                "score": round(float(scores[k]), 4),
                "image": len(items) + number,
            }
            for number, k in enumerate(page)
        ]
    return {
        "title": f"Open or closed? {data.eyes.source}",
        "lead": f"{len(items):,} images, {ORDERS[arguments.order]}. Turn over what is wrong, then confirm the page.",
        "save": "assets.csv",
        "columns": table.columns,
        "rows": table.rows,
        "items": items,
        "pages": pages,
        "reasons": False,
        "positions": asking.positions.tolist(),
    }


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes label``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0 all read; 1 the page is written, but some images could not be read and are not in it.
    """
    check_out(arguments.out, ".html", force=arguments.force)
    eyes = read_eyes(arguments.path, labels=arguments.labels)
    table = label_rows(arguments.path, arguments.labels, eyes)
    data = _read(_asked(eyes, table, arguments.unsure), len(eyes))
    for name, reason in data.failed:
        print(f"classic-eyes: left out {name}: {reason}", file=sys.stderr)
    n_unlabelled = len(data.eyes)
    data, scores = _compared(data, _guesses(data, arguments), arguments.order)
    sheet = _sheet(data, table, scores, arguments)
    shown = page_images([data.eyes.paths[k] for k in sheet["positions"]])
    page = render_sheet(sheet, shown)
    write_page(page, arguments.out)
    n = len(sheet["items"])
    print(
        f"wrote {arguments.out}: {n:,} of {n_unlabelled:,} images to be labelled, {len(page) / 1e6:.1f} MB; "
        "it holds your images",
        file=sys.stderr,
    )
    print("open it in a browser; Save labels gives a label file for train --labels", file=sys.stderr)
    return 1 if data.failed else 0

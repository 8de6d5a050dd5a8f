"""How labels came about without a labeller, as one HTML page: maps, contact sheets, rounds, what remains uncertain."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ParameterError
from .document import fact_list, whole_page, write_page
from .map import map_svg
from .text import escape, png_text, share, shortened, whole

__all__ = ["render_history", "write_history"]

Told = dict[str, Any]
Images = NDArray[np.uint8]

# A sheet shows that many; the rest is named by its number.
MOST_SHEET = 45
MOST_JOINED = 24
MOST_UNCERTAIN = 96
_MAPS = {
    "tsne": "t-SNE: neighbours in the features are neighbours here",
    "pca": "PCA: the two directions of most variance",
}
WORDS = {1: "open", 0: "closed", -1: "uncertain"}


def render_history(told: Told, images: Images) -> str:
    """Draw how labels came about as one HTML page that needs no network.

    Parameters
    ----------
    told : dict
        What `classic_eyes.semisupervised.History.described` gives, with ``maps`` (``pca`` and ``tsne``) if there are any.
    images : ndarray of shape (n, h, w), dtype uint8
        The images in the same order. They are part of the page: share it only where they may be shared.

    Returns
    -------
    str
        The page; the same input gives the same text.

    Raises
    ------
    ParameterError
        Where there is not one image for each label.
    """
    if images.ndim != 3 or len(images) != len(told["labels"]):
        raise ParameterError(
            f"images has shape {images.shape}; it must be ({len(told['labels'])}, height, width), one a label"
        )
    body = (
        f"{_header(told)}<main><section>{_facts(told)}{_contradicted(told, images)}{_uncertain(told, images)}"
        f"{_clusters(told, images)}{_rounds(told, images)}{_starts(told)}{_maps(told)}</section></main>"
    )
    return whole_page(f"Labels of {told['name']}", body)


def write_history(told: Told, images: Images, path: str | os.PathLike[str]) -> None:
    """Write the page of `render_history` to a file; who reads it meanwhile sees the old or the new one.

    Parameters
    ----------
    told : dict
        As `render_history` takes it.
    images : ndarray of shape (n, h, w), dtype uint8
        The images in the same order.
    path : path
        The file to write, in a folder that exists.

    Raises
    ------
    ParameterError
        For a file that cannot be written, and as `render_history`.
    """
    write_page(render_history(told, images), path)


def _header(told: Told) -> str:
    labels = np.array(told["labels"])
    counts = {word: int((labels == label).sum()) for label, word in WORDS.items()}
    warned = "".join(f'<p class="note">{escape(text)}</p>' for text in told["warnings"])
    return (
        '<header><p class="kicker">classic_eyes · labels without a labeller</p>'
        f'<h1>{escape(told["name"])}</h1><ul class="verdicts"><li><p>Of {whole(len(labels))} images '
        f"<b>{whole(counts['open'])}</b> are taken for open, <b>{whole(counts['closed'])}</b> for closed, and "
        f"{whole(counts['uncertain'])} remain uncertain. Trust <b>{share(told['trust'], 2)}</b>: above "
        f"{share(told['doubtful'], 2)} is good, below {share(told['refused'], 2)} is refused.</p></li></ul>"
        f"{warned}</header>"
    )


def _facts(told: Told) -> str:
    evidence = ", ".join(f"{name} {share(area, 2)}" for name, area in told["evidence"].items())
    given = sum(label >= 0 for label in told["given"])
    return fact_list(
        [
            ("Views", ", ".join(told["views"])),
            ("All views agree on", f"{share(told['unanimous'], 2)} of the images"),
            ("Which is open", f"confidence {share(told['confidence'], 2)}"),
            ("Knowledge, area under ROC", evidence),
            ("Labels given", whole(given) if given else None),
            ("Self-training ended", told["ended"]),
        ]
    )


def _table(title: str, place: str, head: list[str], rows: list[list[str]], caption: str) -> str:
    cells = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    heads = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    return (
        f'<h3 id="{place}">{escape(title)}</h3><p>{escape(caption)}</p><div class="scroll" tabindex="0" role="region" '
        f'aria-labelledby="{place}"><table class="plainly"><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody>'
        "</table></div>"
    )


def _starts(told: Told) -> str:
    rows = [
        [
            share(start["guessed"], 2),
            ", ".join(share(value, 2) for value in start["open_share"]),
            share(start["agreement"], 2),
            share(start["knowledge"], 2),
            share(start["trust"], 2) + (" - kept" if start["kept"] else ""),
        ]
        for start in told["starts"]
    ]
    return _table(
        "Guesses tried",
        "starts",
        ["Guessed open", "Views ended with", "Agreement (kappa)", "Knowledge (area)", "Trust"],
        rows,
        "Each view was clustered from several guesses of how many eyes are open; kept is the guess after which the "
        "views agree most (Cohen's kappa), with one another and with what synthetic eyes teach (area under the ROC "
        "curve, where .5 is chance). The last guess is the share that synthetic eyes themselves call open.",
    )


def _maps(told: Told) -> str:
    maps = told.get("maps") or {}
    drawn = "".join(map_svg(name, maps[kind], told["mapped"]) for kind, name in _MAPS.items() if maps.get(kind))
    if not drawn:
        return ""
    return f'<h3 id="maps">Maps of the features, every image with the label that its score gives</h3>{drawn}'


def _sheet(
    told: Told,
    images: Images,
    chosen: list[int],
    title: str,
    caption: str,
    slug: str,
    words: dict[str, int] | None = None,
) -> str:
    if not chosen:
        return ""
    said = {k: _label(told, k) if words is None else f"as {WORDS[words[str(k)]]}" for k in chosen}
    items = "".join(_item(told, images, k, said[k]) for k in chosen)
    return (
        f'<figure class="wide" id="{slug}"><h4>{escape(title)}</h4><ol class="gallery">{items}</ol>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _label(told: Told, k: int) -> str:
    return WORDS[told["labels"][k]] + ", given" * (told["given"][k] >= 0)


def _item(told: Told, images: Images, k: int, label: str) -> str:
    name, score = str(told["files"][k]), share(told["scores"][k], 2)
    alt = escape(f"{name}: {label}, score {score}")
    return (
        f'<li><img alt="{alt}" src="{png_text(images[k])}"><b>{score}</b> <span>{label}</span>'
        f'<small title="{escape(name)}">{escape(shortened(name, 44))}</small></li>'
    )


def _spread(positions: NDArray[np.intp], most: int) -> list[int]:
    """Take positions at equal steps, so that a sheet shows all of a cluster and not its beginning."""
    if len(positions) <= most:
        return [int(k) for k in positions]
    return [int(positions[k]) for k in np.linspace(0, len(positions) - 1, most).astype(int)]


def _clusters(told: Told, images: Images) -> str:
    votes = np.array(told["consensus"])
    sheets = ""
    for label in (1, 0):
        inside = np.flatnonzero(votes == label)
        shown = _spread(inside, MOST_SHEET)
        sheets += _sheet(
            told,
            images,
            shown,
            f"The cluster taken for {WORDS[label]}: {whole(len(inside))} images on which all views agree",
            f"{len(shown)} of them, at equal steps. Under each: final score of being open, final label, file.",
            f"cluster{label}",
        )
    return f"<h3>Contact sheets of the clusters</h3>{sheets}"


def _rounds(told: Told, images: Images) -> str:
    rows = [
        [
            str(number),
            whole(each["learnt"]),
            whole(len(each["joined"])),
            whole(len(each["turned"])),
            whole(each["leave"]),
            whole(each["waits"]),
            share(each["own_agreement"]),
            share(each["knowledge"]),
        ]
        for number, each in enumerate(told["rounds"], start=1)
    ]
    table = _table(
        "Rounds of self-training",
        "rounds",
        ["Round", "Labelled", "Join", "Change sides", "Leave", "Go on waiting", "Labels confirmed", "Knowledge (area)"],
        rows,
        "In each round machines learn from what is labelled and score all images, each by a machine that has not "
        "learnt from it. Those scored below .05 or above .95 (unless you set it otherwise) join or stay, the others "
        "leave or go on waiting.",
    )
    sheets = "".join(
        _sheet(
            told,
            images,
            [int(k) for k in each[key]][:MOST_JOINED],
            f"Round {number}: {whole(len(each[key]))} {word}",
            f"{min(len(each[key]), MOST_JOINED)} of them, in the order of the files. Under each: its final score, and "
            "as what it came in this round.",
            f"round{number}-{key}",
            each[key],
        )
        for number, each in enumerate(told["rounds"], start=1)
        for key, word in (("joined", "joined"), ("turned", "changed sides"))
    )
    return table + sheets


def _contradicted(told: Told, images: Images) -> str:
    wrong = told["contradicted"]
    shown = f"{min(len(wrong), MOST_UNCERTAIN)} of {whole(len(wrong))}"
    caption = f"{shown}. They were learnt as given; a wrong one teaches its mistake."
    sheet = _sheet(told, images, wrong[:MOST_UNCERTAIN], "All views say otherwise", caption, "contradicted")
    return f"<h3>Given labels to look at again</h3>{sheet}" if wrong else ""


def _uncertain(told: Told, images: Images) -> str:
    order = [k for k in told["worth_asking"] if told["labels"][k] < 0]
    title = f"<h3>Worth a person's minute: {whole(len(order))} images remain uncertain</h3>"
    if not order:
        return title
    caption = "Label these in assets.csv and train again: given labels are never overruled."
    rows = "\n".join(escape(f"{_csv_cell(str(told['files'][k]))},") for k in order)
    return (
        title
        + _sheet(
            told,
            images,
            order[:MOST_UNCERTAIN],
            f"The {min(len(order), MOST_UNCERTAIN)} most uncertain, the most uncertain first",
            caption,
            "uncertain",
        )
        + "<details><summary>All of them as rows for assets.csv, the label to be filled in</summary>"
        f"<pre>file,label\n{rows}</pre></details>"
    )


def _csv_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n\r') else text

"""How missing labels were found, as one HTML page: contact sheets, rounds of self-training, uncertain images, maps."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ParameterError
from .document import fact_list, whole_page, write_page
from .gallery import Item, contact_sheet
from .map import map_figures
from .text import count, escape, proportion

__all__ = ["render_history", "write_history"]

History = dict[str, Any]
Images = NDArray[np.uint8]

# A contact sheet shows at most this many images.
MOST_IN_CLUSTER = 45
MOST_IN_ROUND = 24
MOST_UNCERTAIN = 96
WORDS = {1: "open", 0: "closed", -1: "uncertain"}


def render_history(history: History, images: Images) -> str:
    """Return the report on how missing labels were found; the same input gives the same text.

    Parameters
    ----------
    history : dict
        What `classic_eyes.semisupervised.History.to_dict` returns, the ``name`` of the data, and optionally
        ``accuracy``, a text that states it or why there is none, and ``maps`` with ``pca`` and ``tsne`` coordinates of
        the images and their predicted labels, ``mapped``.
    images : ndarray of shape (n, h, w), dtype uint8
        The images in the same order. They are part of the page: share it only where they may be shared.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    ParameterError
        If there is not one image for each label.
    """
    if images.ndim != 3 or len(images) != len(history["labels"]):
        raise ParameterError(
            f"images has shape {images.shape}; allowed is ({len(history['labels'])}, height, width), one a label"
        )
    body = (
        f"{_header(history)}<main><section>{_facts(history)}{_contradicted(history, images)}"
        f"{_uncertain(history, images)}{_clusters(history, images)}{_rounds(history, images)}"
        f"{_initializations(history)}{_maps(history)}</section></main>"
    )
    return whole_page(f"Labels of {history['name']}", body)


def write_history(history: History, images: Images, path: str | os.PathLike[str]) -> None:
    """Write the page of `render_history` to a file in one step.

    Parameters
    ----------
    history : dict
        As in `render_history`.
    images : ndarray of shape (n, h, w), dtype uint8
        The images in the same order.
    path : path
        The file to write, in a folder that exists.

    Raises
    ------
    ParameterError
        For a file that cannot be written, and as `render_history`.
    """
    write_page(render_history(history, images), path)


def _header(history: History) -> str:
    labels = np.array(history["labels"])
    n_open, n_closed, n_uncertain = (count((labels == label).sum()) for label in (1, 0, -1))
    warnings = "".join(f'<p class="note">{escape(text)}</p>' for text in history["warnings"])
    return (
        '<header><p class="kicker">classic_eyes · labels found by clustering and self-training</p>'
        f'<h1>{escape(history["name"])}</h1><ul class="verdicts"><li><p>{count(len(labels))} images: '
        f"<b>{n_open}</b> labelled open, <b>{n_closed}</b> labelled closed, {n_uncertain} uncertain. "
        f"Confidence in this division: <b>{proportion(history['confidence'], 2)}</b> on a scale of 0 to 1. A folder of "
        f"both open and closed eyes above {proportion(history['good_confidence'], 2)} is usually divided rightly; "
        f"below {proportion(history['min_confidence'], 2)} no model is trained.</p></li></ul>{warnings}</header>"
    )


def _facts(history: History) -> str:
    areas = ", ".join(f"{name} {proportion(area, 2)}" for name, area in history["evidence"].items())
    given = sum(label >= 0 for label in history["given"])
    return fact_list(
        [
            ("Views", ", ".join(history["views"])),
            ("All views agree on", f"{100 * history['unanimous']:.1f}% of the images"),
            ("Which cluster is open", f"confidence {proportion(history['orientation_confidence'], 2)}"),
            ("ROC AUC of prior knowledge", areas),
            ("Labels given", count(given) if given else None),
            ("Accuracy", history.get("accuracy")),
            ("Self-training ended", history["stop_reason"]),
        ]
    )


def _table(title: str, key: str, head: list[str], rows: list[list[str]], caption: str) -> str:
    cells = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    heads = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    return (
        f'<h3 id="{key}">{escape(title)}</h3><p>{escape(caption)}</p><div class="scroll" tabindex="0" role="region" '
        f'aria-labelledby="{key}"><table><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table></div>'
    )


def _initializations(history: History) -> str:
    rows = [
        [
            proportion(each["initial_share"], 2),
            ", ".join(proportion(value, 2) for value in each["open_shares"]),
            proportion(each["agreement"], 2),
            proportion(each["prior_auc"], 2),
            proportion(each["confidence"], 2) + (" (selected)" if each["kept"] else ""),
        ]
        for each in history["initializations"]
    ]
    return _table(
        "Initial proportions of open eyes",
        "initializations",
        ["Initial", "Final, by view", "Agreement (Cohen's kappa)", "ROC AUC on synthetic eyes", "Confidence"],
        rows,
        "Each view is clustered from several initial proportions of open eyes. The selected one has the highest "
        "confidence: the views agree with each other and with a classifier trained on synthetic eyes. The last row "
        "starts from the proportion that this classifier predicts.",
    )


def _maps(history: History) -> str:
    figures = map_figures("map", history.get("maps") or {}, history["mapped"])
    title = '<h3 id="maps">Maps of the features with predicted labels</h3>'
    return f'{title}<div class="figures">{figures}</div>' if figures else ""


def _sheet(
    history: History,
    images: Images,
    shown: list[int],
    title: str,
    caption: str,
    key: str,
    labels: dict[str, int] | None = None,
) -> str:
    """Lay out images, each with its score, its label in ``labels`` or else its final one, and its file."""
    if not shown:
        return ""
    items: list[Item] = []
    for k in shown:
        label = WORDS[labels[str(k)]] if labels else _label(history, k)
        items.append((images[k], history["scores"][k], label, str(history["files"][k])))
    return contact_sheet(key, title, caption, items)


def _label(history: History, k: int) -> str:
    return WORDS[history["labels"][k]] + ", given" * (history["given"][k] >= 0)


def _clusters(history: History, images: Images) -> str:
    votes = np.array(history["consensus"])
    sheets = ""
    for label in (1, 0):
        members = np.flatnonzero(votes == label)
        # Equal steps show the whole cluster, not its beginning.
        steps = np.linspace(0, len(members) - 1, min(len(members), MOST_IN_CLUSTER)).astype(int)
        shown = members[steps].tolist()
        sheets += _sheet(
            history,
            images,
            shown,
            f"Cluster of {WORDS[label]} eyes: {count(len(members))} images on which all views agree",
            f"{len(shown)} images at equal steps. Under each image: final score, final label, file.",
            f"cluster{label}",
        )
    return f"<h3>Contact sheets of the clusters</h3>{sheets}"


def _rounds(history: History, images: Images) -> str:
    rows = [
        [
            str(number),
            count(each["trained_on"]),
            count(len(each["added"])),
            count(len(each["flipped"])),
            count(each["removed"]),
            count(each["unlabelled"]),
            proportion(each["agreement"]),
            proportion(each["prior_auc"]),
        ]
        for number, each in enumerate(history["rounds"], start=1)
    ]
    table = _table(
        "Rounds of self-training",
        "rounds",
        [
            "Round",
            "Labelled",
            "Added",
            "Changed class",
            "Removed",
            "Still unlabelled",
            "Labels confirmed",
            "ROC AUC on synthetic eyes",
        ],
        rows,
        "Each round trains classifiers on the labelled images and predicts all images out of fold. Images with a score "
        "below 0.05 or above 0.95 (the default of the confidence threshold) are added or kept; the others are removed "
        "or stay unlabelled.",
    )
    sheets = "".join(
        _sheet(
            history,
            images,
            [int(k) for k in each[key]][:MOST_IN_ROUND],
            f"Round {number}: {count(len(each[key]))} {word}",
            f"{min(len(each[key]), MOST_IN_ROUND)} images in the order of the files. Under each image: final score, "
            "label in this round, file.",
            f"round{number}-{key}",
            each[key],
        )
        for number, each in enumerate(history["rounds"], start=1)
        for key, word in (("added", "added"), ("flipped", "changed class"))
    )
    return table + sheets


def _contradicted(history: History, images: Images) -> str:
    wrong = history["contradicted"]
    if not wrong:
        return ""
    sheet = _sheet(
        history,
        images,
        wrong[:MOST_UNCERTAIN],
        "All views contradict the given label",
        f"{min(len(wrong), MOST_UNCERTAIN)} of {count(len(wrong))}. The model is trained on these labels as given, so "
        "a wrong label makes it worse.",
        "contradicted",
    )
    return f"<h3>Given labels to check</h3>{sheet}"


def _uncertain(history: History, images: Images) -> str:
    order = [k for k in history["most_uncertain"] if history["labels"][k] < 0]
    title = f"<h3>Label these first: {count(len(order))} images remain uncertain</h3>"
    if not order:
        return title
    sheet = _sheet(
        history,
        images,
        order[:MOST_UNCERTAIN],
        f"The {min(len(order), MOST_UNCERTAIN)} most uncertain images, most uncertain first",
        "Label these in assets.csv and train again: given labels are never changed.",
        "uncertain",
    )
    # Without the column, these hardest images would count as drawn at random.
    rows = "\n".join(escape(f"{_csv_cell(str(history['files'][k]))},,uncertain") for k in order)
    return (
        f"{title}{sheet}<details><summary>All of them as rows for assets.csv, to be completed with labels</summary>"
        f"<pre>file,label,chosen\n{rows}</pre></details>"
    )


def _csv_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n\r') else text

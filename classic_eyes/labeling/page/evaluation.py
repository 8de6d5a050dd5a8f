"""The evaluation of a model as one HTML page: metrics, confusion matrix, curves, sources, slices, worst errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.html import resource
from ...errors import ParameterError
from ...evaluation import Evaluation
from .curves import score_curves
from .document import fact_list, whole_page
from .gallery import contact_sheet
from .text import count, escape, proportion

__all__ = ["METRIC_TITLES", "confusion_table", "render_evaluation"]

METRIC_TITLES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "auc": "ROC AUC",
    "eer": "Equal error rate",
    "calibration_error": "Calibration error",
    "brier": "Brier score",
}
_OF_PARTS = ("accuracy", "precision", "recall", "f1", "auc", "eer", "calibration_error")
_WORDS = ("closed", "open")


def render_evaluation(
    evaluation: Evaluation,
    names: Sequence[str],
    worst: NDArray[np.intp],
    images: NDArray[np.uint8] | None,
    *,
    title: str,
    facts: Sequence[tuple[str, object]] = (),
) -> str:
    """Return the page; the same input gives the same text.

    Parameters
    ----------
    evaluation : Evaluation
        The numbers.
    names : sequence of str, length n
        Names of the images.
    worst : int array of shape (m,)
        The errors to show; see `Evaluation.worst`.
    images : uint8 array of shape (m, h, w), optional
        Their images, which become part of the page: share it only where they may be shared.
    title : str
        Plain text.
    facts : sequence of (str, object), default ()
        Names and values for the head of the page.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    ParameterError
        If there is not one image for each error.
    """
    if images is not None and len(images) != len(worst):
        raise ParameterError(f"images has {len(images)} images; allowed is {len(worst)}, one for each error")
    everything = evaluation.results["all"]
    sources = {name: result for name, result in evaluation.results.items() if name != "all"}
    notes = "".join(f"<li>{escape(note)}</li>" for note in evaluation.notes)
    blocks = [
        f"<h3>Confusion matrix</h3>{confusion_table(everything['confusion'])}",
        f'<h3>Curves</h3><div class="figures">{score_curves(evaluation.labels, evaluation.scores)}</div>',
        f"<h3>Sources</h3>{_parts('Sources', sources)}" if sources else "",
        *(
            f"<h3>By {escape(name)}</h3>{_parts(name, slices, short=True)}"
            for name, slices in evaluation.slices.items()
        ),
        _errors(evaluation, names, worst, images),
    ]
    body = (
        f'<header><p class="kicker">classic_eyes · evaluation</p><h1>{escape(title)}</h1>'
        f'<ul class="verdicts"><li><p>{_verdict(everything)}</p></li></ul>'
        f"{f'<ul class=notes>{notes}</ul>' if notes else ''}</header><main><section>{fact_list(list(facts))}"
        f"<h3>Metrics</h3>{_metrics(everything)}{''.join(blocks)}</section></main>"
    )
    return whole_page(title, body, style=resource(__package__, "evaluation.css"))


def _verdict(result: dict[str, Any]) -> str:
    accuracy = result["accuracy"]
    return (
        f"Accuracy <b>{proportion(accuracy['value'])}</b>{_ends(accuracy)} on {count(result['n'])} images of "
        f"{count(result['n_groups'])} groups."
    )


def _ends(entry: dict[str, Any]) -> str:
    if entry["low"] is None or entry["high"] is None:
        return ""
    return f" <small>({proportion(entry['low'])}–{proportion(entry['high'])})</small>"


def confusion_table(counts: Sequence[Sequence[int]], caption: str = "Confusion matrix") -> str:
    """Return the counts of `classic_eyes.metrics.confusion_matrix` as a table, with the share of each label.

    >>> confusion_table([[8, 2], [0, 10]]).count("80.0%")
    1
    """
    rows = ""
    for label, of in enumerate(counts):
        total = sum(of)
        cells = "".join(
            f"<td{' class=right' if predicted == label else ''}>{count(number)}"
            f"<small>{f'{number / total:.1%}' if total else '–'}</small></td>"
            for predicted, number in enumerate(of)
        )
        rows += f'<tr><th scope="row">labelled {_WORDS[label]}</th>{cells}<td>{count(total)}</td></tr>'
    heads = "".join(f'<th scope="col">{text}</th>' for text in ("", "predicted closed", "predicted open", "images"))
    return _scrolled(caption, f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>", "numbers confusion")


def _metrics(result: dict[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{title}</th><td>{proportion(result[name]["value"], 4)}</td>'
        f"<td>{_interval(result[name])}</td></tr>"
        for name, title in METRIC_TITLES.items()
    )
    heads = "".join(f'<th scope="col">{text}</th>' for text in ("Metric", "Value", "95% interval"))
    return _scrolled("Metrics", f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>", "numbers confusion")


def _interval(entry: dict[str, Any]) -> str:
    if entry["low"] is None or entry["high"] is None:
        return "–"
    return f"{proportion(entry['low'])} to {proportion(entry['high'])}"


def _parts(caption: str, parts: dict[str, dict[str, Any]], *, short: bool = False) -> str:
    shown = ("accuracy", "eer") if short else _OF_PARTS
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{count(result["n"])}</td><td>{count(result["n_groups"])}</td>'
        + "".join(f"<td>{proportion(result[key]['value'])}{_ends(result[key])}</td>" for key in shown)
        + "</tr>"
        for name, result in parts.items()
    )
    titles = ("", "Images", "Groups", *(METRIC_TITLES[key] for key in shown))
    heads = "".join(f'<th scope="col">{text}</th>' for text in titles)
    return _scrolled(caption, f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>", "numbers")


def _scrolled(caption: str, rows: str, style_class: str) -> str:
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="{style_class}">{rows}</table></div>'
    )


def _errors(
    evaluation: Evaluation, names: Sequence[str], worst: NDArray[np.intp], images: NDArray[np.uint8] | None
) -> str:
    n = len(evaluation.worst())
    if not n:
        return "<h3>Errors</h3><p>None.</p>"
    items = [
        (
            None if images is None else images[place],
            float(evaluation.scores[k]),
            f"is {_WORDS[evaluation.labels[k]]}",
            names[k],
        )
        for place, k in enumerate(worst.tolist())
    ]
    sheet = contact_sheet(
        "errors",
        f"{len(items)} of {count(n)} errors, the most confident predictions first",
        "Under each image: predicted probability of open, label, file. Labels may be wrong too: classic-eyes audit "
        "finds those that probably are.",
        items,
    )
    return f"<h3>Errors</h3>{sheet}"

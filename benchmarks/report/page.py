"""The page: what was run, one section for each data set, style and sorting inside the one file."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report.choose import best, chosen, finished, value
from benchmarks.report.curves import det_figure, histogram_figure, reliability_figure, roc_figure
from benchmarks.report.gallery import gallery_html
from benchmarks.report.rows import ablation_figure, people_figure, ranking_figure, slice_figure
from benchmarks.report.scatter import map_figure, speed_figure
from benchmarks.report.svg import Figure, figure_block
from benchmarks.report.table import table_html
from classic_eyes.errors import ParameterError
from classic_eyes.labeling.page.document import fact_list, whole_page, write_page
from classic_eyes.labeling.page.text import amount, escape, interval, share, whole

__all__ = ["SCHEMA", "render_report", "write_report"]

SCHEMA = 2
Entry = dict[str, Any]
Thumbnails = dict[str, NDArray[np.uint8]]


def render_report(results: Entry, thumbnails: Thumbnails | None = None) -> str:
    """Draw the results of a benchmark as one HTML page that needs no network.

    Parameters
    ----------
    results : dict
        What ``classic-eyes bench`` writes to ``results.json``.
    thumbnails : dict, optional
        Name of a data set to its images, uint8 ``(n, h, w)`` in the order of its labels; without them the gallery
        shows names only. They are part of the page: share it only where the images may be shared.

    Returns
    -------
    str
        The page; the same results give the same text.

    Raises
    ------
    ParameterError
        For results of another schema, or thumbnails that are not one per image.

    Examples
    --------
    >>> scenario = {"name": "toy svm", "kind": "alone", "error": "too few images"}
    >>> results = {"schema": 2, "datasets": [{"name": "toy", "labels": [0, 1], "scenarios": [scenario]}]}
    >>> "too few images" in render_report(results)
    True
    """
    if results.get("schema") != SCHEMA:
        raise ParameterError(
            f"results has schema {results.get('schema')!r}; this version draws {SCHEMA}: run the benchmark again"
        )
    datasets = results.get("datasets") or []
    sections = "".join(
        _section(dataset, _thumbnails(dataset, thumbnails), f"d{number}")
        for number, dataset in enumerate(datasets, start=1)
    )
    return whole_page(_title(datasets), f"{_header(results, datasets)}<main>{sections}</main>{_run_facts(results)}")


def write_report(results: Entry, path: str | os.PathLike[str], thumbnails: Thumbnails | None = None) -> None:
    """Write the page of `render_report` to a file; who reads it meanwhile sees the old or the new one.

    Parameters
    ----------
    results : dict
        What ``classic-eyes bench`` writes to ``results.json``.
    path : path
        The file to write, in a folder that exists.
    thumbnails : dict, optional
        Name of a data set to its images, uint8 ``(n, h, w)``.

    Raises
    ------
    ParameterError
        For a file that cannot be written, and as `render_report`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report({"schema": 2, "datasets": []}, Path(folder, "report.html"))
    ...     Path(folder, "report.html").read_text(encoding="utf-8")[:15]
    '<!DOCTYPE html>'
    """
    write_page(render_report(results, thumbnails), path)


def _title(datasets: list[Entry]) -> str:
    return "Benchmark: " + (", ".join(str(dataset["name"]) for dataset in datasets) or "nothing was judged")


def _thumbnails(dataset: Entry, thumbnails: Thumbnails | None) -> NDArray[np.uint8] | None:
    images = (thumbnails or {}).get(dataset["name"])
    if images is None:
        return None
    n = len(dataset.get("labels") or [])
    if images.dtype != np.uint8 or images.ndim != 3 or len(images) != n:
        raise ParameterError(
            f"thumbnails[{dataset['name']!r}] is {images.dtype} {images.shape}; "
            f"it must be uint8 ({n}, height, width), one image for each label"
        )
    return images


def _header(results: Entry, datasets: list[Entry]) -> str:
    lines = "".join(
        f'<li><a href="#d{number}">{escape(dataset["name"])}</a><p>{_verdict(dataset)}</p></li>'
        for number, dataset in enumerate(datasets, start=1)
    )
    quick = (
        '<p class="note">A quick run: fewer rounds and resamples than a full one.</p>' if results.get("quick") else ""
    )
    return (
        f'<header><p class="kicker">classic_eyes {escape(results.get("code_version") or "")} · benchmark</p>'
        f'<h1>Open or closed?</h1><ul class="verdicts">{lines}</ul>{quick}</header>'
    )


def _verdict(dataset: Entry) -> str:
    """Say in plain words what came out."""
    top = best(dataset)
    if top is None:
        return f"No scenario finished, of {len(dataset['scenarios'])}."
    number, entry = top
    accuracy = entry["metrics"]["accuracy"]
    said = [
        f"Best: <b>{escape(entry['name'])}</b> (scenario {number}), accuracy <b>{share(accuracy['value'])}</b> "
        f"<small>{interval(accuracy)}</small>, equal error rate {share(value(entry, 'eer'))}"
        f"{_pace(entry)}. {_basis(dataset)}"
    ]
    level = _level_with(dataset, number, accuracy)
    if level:
        names = f"of {level} other{'s' if level > 1 else ''}"
        said.append(f"The interval{'s' if level > 1 else ''} {names} overlap{'' if level > 1 else 's'} with it.")
    base = next((pair[1] for pair in finished(dataset) if pair[1].get("kind") == "baseline"), None)
    if base is not None and base is not entry and value(base, "accuracy") is not None:
        held = base["metrics"]["accuracy"]
        said.append(
            f"Baseline, {escape(base['name'])}: accuracy {share(held['value'])} <small>{interval(held)}</small>."
        )
    said += [
        f"Not in the running: {escape(other['name'])}, accuracy {share(value(other, 'accuracy'))} "
        f"({escape(other['note'])})."
        for _, other in finished(dataset)
        if other.get("note") and other is not entry
    ]
    failed = sum(bool(entry.get("error")) for entry in dataset["scenarios"])
    if failed:
        said.append(f"{failed} of {len(dataset['scenarios'])} scenarios failed.")
    return " ".join(said)


def _pace(entry: Entry) -> str:
    speed = entry.get("speed") or {}
    median, ratio = (speed.get("end_to_end") or {}).get("median"), speed.get("over_decode")
    pace = f"; {amount(median)} images a second from files to answers" if median else ""
    return f"{pace}, {amount(ratio)} times the time of decoding alone" if pace and ratio else pace


def _basis(dataset: Entry) -> str:
    n, groups, protocol = dataset.get("n"), dataset.get("n_groups"), dataset.get("protocol")
    parts = [f"{whole(n)} images"] if n is not None else []
    parts += [f"{whole(groups)} groups"] if groups is not None else []
    parts += [escape(protocol)] if protocol else []
    return f"({', '.join(parts)}.)" if parts else ""


def _level_with(dataset: Entry, number: int, accuracy: Entry) -> int:
    """Count the other scenarios whose interval reaches into that of the best."""
    if accuracy.get("low") is None:
        return 0
    rest = [entry for other, entry in finished(dataset) if other != number and not entry.get("note")]
    others = [(entry.get("metrics") or {}).get("accuracy") or {} for entry in rest]
    return sum(held.get("high") is not None and held["high"] >= accuracy["low"] for held in others)


def _section(dataset: Entry, images: NDArray[np.uint8] | None, place: str) -> str:
    shown = chosen(dataset)
    groups: list[tuple[str, str, list[Figure | None]]] = [
        ("how-good", "How good, how fast", [ranking_figure(dataset), speed_figure(dataset), ablation_figure(dataset)]),
        (
            "scores",
            "The scores",
            [roc_figure(shown), det_figure(shown), reliability_figure(shown), histogram_figure(shown)],
        ),
        ("slices", "Who and where", [slice_figure(dataset), people_figure(dataset)]),
        ("maps", "Maps of the features", [map_figure(dataset, "tsne"), map_figure(dataset, "pca")]),
    ]
    blocks = "".join(figure_block(place, slug, title, figures) for slug, title, figures in groups)
    name = escape(dataset["name"])
    synthetic = '<p class="note">Synthetic eyes: good for trying the program, not for judging it.</p>'
    return (
        f'<section id="{place}"><h2>{name}</h2>{synthetic if dataset.get("synthetic") else ""}{_facts(dataset)}'
        f"<h3>All scenarios</h3>{table_html(dataset)}{_parameters(dataset)}{blocks}"
        f"{gallery_html(dataset, images, place)}</section>"
    )


def _facts(dataset: Entry) -> str:
    decode = (dataset.get("decode") or {}).get("images_per_second") or {}
    return fact_list(
        [
            ("Protocol", dataset.get("protocol")),
            ("Images", None if dataset.get("n") is None else whole(dataset["n"])),
            ("Open", None if dataset.get("open") is None else whole(dataset["open"])),
            ("Closed", None if dataset.get("closed") is None else whole(dataset["closed"])),
            ("Groups", None if dataset.get("n_groups") is None else whole(dataset["n_groups"])),
            ("Decoding alone", f"{amount(decode['median'])} images/s" if decode.get("median") else None),
            ("SHA-256 of the data", str(dataset.get("sha256") or "")[:16]),
        ]
    )


def _parameters(dataset: Entry) -> str:
    rows = "".join(_parameter_row(number, entry) for number, entry in enumerate(dataset["scenarios"], start=1))
    head = "<th>No.</th><th>Scenario</th><th>Features</th><th>Classifier</th><th>Parameters</th>"
    return (
        '<details><summary>What each scenario consists of</summary><div class="scroll" tabindex="0" role="region" '
        f'aria-label="Parameters"><table class="plainly"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        "</div></details>"
    )


def _parameter_row(number: int, entry: Entry) -> str:
    parameters = json.dumps(entry.get("parameters") or {}, sort_keys=True, ensure_ascii=False, default=str)
    names = ", ".join(entry.get("features") or [])
    texts = "".join(
        f"<td>{escape(text)}</td>" for text in (number, entry["name"], names, entry.get("classifier") or "")
    )
    return f"<tr>{texts}<td><code>{escape(parameters)}</code></td></tr>"


def _notes(results: Entry) -> str:
    notes = results.get("protocol_notes") or {
        "intervals": "95 %, by bootstrap over groups.",
        "speed": "Medians of interleaved rounds with their lowest and highest.",
    }
    return fact_list([(name.replace("_", " ").capitalize(), text) for name, text in notes.items()], "facts notes")


def _run_facts(results: Entry) -> str:
    machine = results.get("machine") or {}
    memory = machine.get("memory_gb")
    versions = ", ".join(f"{name} {number}" for name, number in sorted((results.get("versions") or {}).items()))
    return (
        "<footer><h2>How this was made</h2>"
        + fact_list(
            [
                ("Command", results.get("command")),
                ("Code", " ".join(str(results[key]) for key in ("code_version", "git") if results.get(key))),
                ("Processor", machine.get("processor")),
                ("Cores", machine.get("cores")),
                ("Threads", machine.get("threads")),
                ("Memory", f"{amount(memory)} GB" if memory else None),
                ("System", machine.get("system")),
                ("Seed", results.get("seed")),
                ("Libraries", versions),
            ]
        )
        + f"{_notes(results)}</footer>"
    )

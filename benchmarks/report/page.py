"""The report of a benchmark: one HTML page with a section for each data set, its style and script included."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report.choose import Scored, best, curve_scenarios, finished, metric_value
from benchmarks.report.curves import KINDS, curve_figure, histogram_figure
from benchmarks.report.gallery import gallery_html
from benchmarks.report.rows import ablation_figure, people_figure, ranking_figure, slice_figure
from benchmarks.report.speed import speed_figure
from benchmarks.report.table import table_html
from benchmarks.report.text import interval, quantity
from classic_eyes.errors import ParameterError
from classic_eyes.labeling.page.document import fact_list, whole_page, write_page
from classic_eyes.labeling.page.evaluation import confusion_table
from classic_eyes.labeling.page.map import map_figures
from classic_eyes.labeling.page.text import count, escape, proportion
from classic_eyes.metrics import confusion_matrix

SCHEMA = 2
Entry = dict[str, Any]
Thumbnails = dict[str, NDArray[np.uint8]]


def render_report(results: Entry, thumbnails: Thumbnails | None = None) -> str:
    """Return the results of a benchmark as one HTML page that needs no network; the same results give the same text.

    Thumbnails are uint8 images (n, h, w) in the order of the labels, by the name of the data set. They are part of the
    page: share it only where the images may be shared. Other schemas, and thumbnails that are not one per label, raise
    ParameterError.
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
    title = "Benchmark: " + (", ".join(str(dataset["name"]) for dataset in datasets) or "no data sets")
    body = f"{_header(results, datasets)}<main>{sections}</main>{_run_facts(results)}"
    return whole_page(title, body, style=_file("report.css"), script=_file("report.js"))


def write_report(results: Entry, path: str | os.PathLike[str], thumbnails: Thumbnails | None = None) -> None:
    """Write the page of `render_report` to a file in one step; ParameterError where it cannot be written."""
    write_page(render_report(results, thumbnails), path)


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


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
    quick = '<p class="note">A quick run: fewer rounds and resamples than a full one.</p>' * bool(results.get("quick"))
    return (
        f'<header><p class="kicker">classic_eyes {escape(results.get("code_version") or "")} · benchmark</p>'
        f'<h1>Open or closed?</h1><ul class="verdicts">{lines}</ul>{quick}</header>'
    )


def _verdict(dataset: Entry) -> str:
    """Summarize a data set in a few sentences."""
    top = best(dataset)
    if top is None:
        return f"No scenario finished, of {len(dataset['scenarios'])}."
    number, entry = top
    accuracy = entry["metrics"]["accuracy"]
    sentences = [
        f"Best: <b>{escape(entry['name'])}</b> (scenario {number}), accuracy <b>{proportion(accuracy['value'])}</b>"
        f"{_small(accuracy)}, equal error rate {proportion(metric_value(entry, 'eer'))}{_speed(entry)}. "
        f"{_protocol(dataset)}"
    ]
    n_overlapping = _overlapping(dataset, number, accuracy)
    if n_overlapping:
        sentences.append(f"Other scenarios with an overlapping interval: {n_overlapping}.")
    base = next((other for _, other in finished(dataset) if other.get("kind") == "baseline"), None)
    if base is not None and base is not entry and metric_value(base, "accuracy") is not None:
        metric = base["metrics"]["accuracy"]
        sentences.append(f"Baseline: {escape(base['name'])}, accuracy {proportion(metric['value'])}{_small(metric)}.")
    sentences += [
        f"Not ranked: {escape(other['name'])}, accuracy {proportion(metric_value(other, 'accuracy'))} "
        f"({escape(other['note'])})."
        for _, other in finished(dataset)
        if other.get("note") and other is not entry
    ]
    n_failed = sum(bool(entry.get("error")) for entry in dataset["scenarios"])
    if n_failed:
        sentences.append(f"{n_failed} of {len(dataset['scenarios'])} scenarios failed.")
    return " ".join(sentences)


def _small(metric: Entry) -> str:
    ends = interval(metric)
    return f" <small>({ends})</small>" if ends else ""


def _speed(entry: Entry) -> str:
    speed = entry.get("speed") or {}
    median, ratio = (speed.get("end_to_end") or {}).get("median"), speed.get("over_decode")
    text = f"; {quantity(median)} images/s from files to predictions" if median else ""
    return f"{text}, {quantity(ratio)} times the time of decoding only" if text and ratio else text


def _protocol(dataset: Entry) -> str:
    n, groups, protocol = dataset.get("n"), dataset.get("n_groups"), dataset.get("protocol")
    parts = [f"{count(n)} images"] if n is not None else []
    parts += [f"{count(groups)} groups"] if groups is not None else []
    parts += [escape(protocol)] if protocol else []
    return f"({', '.join(parts)}.)" if parts else ""


def _overlapping(dataset: Entry, number: int, accuracy: Entry) -> int:
    """Return the number of other scenarios whose interval overlaps with that of the best."""
    if accuracy.get("low") is None:
        return 0
    rest = [entry for other, entry in finished(dataset) if other != number and not entry.get("note")]
    others = [(entry.get("metrics") or {}).get("accuracy") or {} for entry in rest]
    return sum(metric.get("high") is not None and metric["high"] >= accuracy["low"] for metric in others)


def _section(dataset: Entry, images: NDArray[np.uint8] | None, place: str) -> str:
    shown = curve_scenarios(dataset)
    figures = {
        "Accuracy and speed": [ranking_figure(dataset), speed_figure(dataset), ablation_figure(dataset)],
        "Scores": [*(curve_figure(kind, shown) for kind in KINDS), histogram_figure(shown)],
        "Subsets and people": [slice_figure(dataset), people_figure(dataset)],
    }
    blocks = _confusion(shown)
    blocks += "".join(_block(title, [each.html(place) for each in some if each]) for title, some in figures.items())
    maps, labels = dataset.get("maps") or {}, dataset["labels"]
    index = maps.get("index") or range(len(labels))
    note = f"{len(index):,} of {len(labels):,} images."
    drawn = map_figures(place, maps, [labels[k] for k in index], note)
    blocks += _block("Maps of the features", [drawn] if drawn else [])
    name = escape(dataset["name"])
    synthetic = '<p class="note">Synthetic eyes: for trying the program, not for evaluating it.</p>'
    return (
        f'<section id="{place}"><h2>{name}</h2>{synthetic if dataset.get("synthetic") else ""}{_facts(dataset)}'
        f"<h3>All scenarios</h3>{table_html(dataset)}{_parameters(dataset)}{blocks}"
        f"{gallery_html(dataset, images, place)}</section>"
    )


def _confusion(shown: list[Scored]) -> str:
    """Return the confusion matrices of the scenarios with curves."""
    tables = [
        f"<div><h4>{one.number} {escape(one.name)}</h4>"
        f"{confusion_table(confusion_matrix(one.labels, one.scores).tolist(), f'Confusion matrix of {one.name}')}</div>"
        for one in shown
    ]
    return _block("Confusion matrices at the threshold 0.5", tables)


def _block(title: str, figures: list[str]) -> str:
    # Two or four stand in pairs, three in a row, so that none is alone in the last row.
    pairs = " pairs" if len(figures) % 3 else ""
    return f'<h3>{title}</h3><div class="figures{pairs}">{"".join(figures)}</div>' if figures else ""


def _facts(dataset: Entry) -> str:
    decode = (dataset.get("decode") or {}).get("images_per_second") or {}
    counts = {"Images": "n", "Open": "open", "Closed": "closed", "Groups": "n_groups"}
    return fact_list(
        [
            ("Protocol", dataset.get("protocol")),
            *((name, None if dataset.get(key) is None else count(dataset[key])) for name, key in counts.items()),
            ("Decoding only", f"{quantity(decode['median'])} images/s" if decode.get("median") else None),
            ("SHA-256 of the data", str(dataset.get("sha256") or "")[:16]),
        ]
    )


def _parameters(dataset: Entry) -> str:
    rows = ""
    for number, entry in enumerate(dataset["scenarios"], start=1):
        cells = (number, entry["name"], ", ".join(entry.get("features") or []), entry.get("classifier") or "")
        parameters = json.dumps(entry.get("parameters") or {}, sort_keys=True, ensure_ascii=False, default=str)
        texts = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows += f"<tr>{texts}<td><code>{escape(parameters)}</code></td></tr>"
    head = "<th>No.</th><th>Scenario</th><th>Features</th><th>Classifier</th><th>Parameters</th>"
    return (
        '<details><summary>Parameters of each scenario</summary><div class="scroll" tabindex="0" role="region" '
        f'aria-label="Parameters"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _run_facts(results: Entry) -> str:
    machine = results.get("machine") or {}
    memory = machine.get("memory_gb")
    facts = [
        ("Command", results.get("command")),
        ("Code", " ".join(str(results[key]) for key in ("code_version", "git") if results.get(key))),
        *((key.capitalize(), machine.get(key)) for key in ("processor", "cores", "threads")),
        ("Memory", f"{quantity(memory)} GB" if memory else None),
        ("System", machine.get("system")),
        ("Seed", results.get("seed")),
        ("Libraries", ", ".join(" ".join(pair) for pair in sorted((results.get("versions") or {}).items()))),
    ]
    notes = results.get("protocol_notes") or {}
    titled = [(name.replace("_", " ").capitalize(), text) for name, text in notes.items()]
    return f"<footer><h2>How this was made</h2>{fact_list(facts)}{fact_list(titled, 'facts notes')}</footer>"

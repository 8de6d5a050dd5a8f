"""Score a model on labelled images that it was not trained on, or predictions that were made before."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.files import csv_text
from ..calibration import read_calibration
from ..datasets import (
    UNLABELLED,
    EyeSet,
    concatenate,
    fingerprint,
    image_key,
    load_images,
    read_eyes,
    read_label_table,
)
from ..datasets.csvfile import read_columns, read_csv
from ..datasets.names import as_path, as_text
from ..errors import DataError, ParameterError
from ..evaluation import (
    MIN_GIVEN,
    SLIPS,
    Evaluation,
    Measurable,
    allow_for_slips,
    evaluate_scores,
    find_measurable,
    folder_sources,
    image_slices,
    note_of_unsure,
)
from ..images import read_bytes, stated_size
from ..images.arrays import MAX_PIXELS
from ..images.files import is_url, read_batch
from ..images.finding import quoted
from ..labeling.page import render_evaluation, write_page
from ..labeling.page.evaluation import METRIC_TITLES
from ..persistence.card import trained_on
from ..predictor import load_model
from .arguments import (
    add_bits_argument,
    add_calibration_argument,
    add_model_arguments,
    check_out,
    check_standard_output,
    existing_file,
    proportion,
    random_seed,
)
from .inspection import card_of_model, card_of_start, which_to_label
from .listing import Peaks, describe_failed, print_failed, print_passed_over
from .sheets import read_shown
from .tables import aligned, interval, results_table

__all__ = ["add_arguments", "work"]

STYLES = ("table", "csv", "json")
_N_WORST, _N_PRINTED = 60, 5
_PREDICTIONS = {"file", "label", "score"}
# Scores are written with six digits, and differ a little between batches.
_TOLERANCE = 1e-4
_CELLS = ("closed_as_closed", "closed_as_open", "open_as_closed", "open_as_open")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes evaluate``."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a folder with labels, as of train; or the CSV of predictions that predict wrote, with --labels",
    )
    add_model_arguments(parser)
    parser.add_argument(
        "--labels", type=existing_file, metavar="CSV", help="file,label[,group] for a single PATH; label may be empty"
    )
    parser.add_argument(
        "--report", metavar="HTML", help="a page with curves and the worst errors; it contains your images"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument("--format", choices=STYLES, default="table", help="of standard output; default: table")
    parser.add_argument(
        "--threshold", type=proportion, metavar="T", help="an eye is open from this probability on; default: 0.5"
    )
    add_calibration_argument(parser, "a person's own threshold")
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="of the intervals; default: 0")
    add_bits_argument(parser)


@dataclass(frozen=True, eq=False)
class _Scored:
    """Labelled images with the scores of a model; what was left out of them is in the notes."""

    eyes: EyeSet
    scores: NDArray[np.float64]
    sources: Any
    slices: dict[str, NDArray[np.str_]]
    failed: tuple[tuple[str, str], ...]
    measurable: tuple[Measurable, ...]
    notes: tuple[str, ...] = ()
    # What could make the accuracy worthless; shown above it.
    caveat: str | None = None


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes evaluate``; 1 if some labelled images could not be read."""
    check_standard_output()
    if arguments.report is not None:
        read = [name for name in (arguments.labels, arguments.calibration, *arguments.paths) if name is not None]
        check_out(arguments.report, ".html", force=arguments.force, read=read, option="--report")
    of_predictions = len(arguments.paths) == 1 and _is_predictions(arguments.paths[0])
    scored, threshold = (_read_predictions if of_predictions else _predict)(arguments)
    measured = scored.eyes
    if not len(measured):
        raise DataError("; ".join(["no labelled image is left to evaluate", *scored.notes]))
    found = evaluate_scores(
        measured.labels,
        scored.scores,
        measured.groups,
        sources=scored.sources,
        slices=scored.slices,
        threshold=threshold,
        random_state=arguments.seed,
    )
    found = _with_notes(found, scored)
    _print(found, measured, arguments.format, scored.caveat)
    if arguments.report is not None:
        _write_report(found, measured, arguments, with_images=not of_predictions)
    if scored.failed:
        print(f"left out: {describe_failed(scored.failed)}", file=sys.stderr)
    if not of_predictions:
        print_passed_over(arguments.paths)
    return 1 if scored.failed else 0


def _with_notes(found: Evaluation, scored: _Scored) -> Evaluation:
    notes = [
        *([scored.caveat] if scored.caveat else ()),
        *scored.notes,
        *(each.note for each in scored.measurable if each.note),
        *found.notes,
    ]
    results = found.results
    if n_unsure := sum(each.n_unsure for each in scored.measurable):
        notes.append(note_of_unsure(n_unsure, results["all"]))
    if any(each.by_hand for each in scored.measurable):
        results = {name: allow_for_slips(result) for name, result in results.items()}
        notes.append(f"the upper end of the accuracy allows for {SLIPS:.0%} of wrong labels, as people give them")
    return replace(found, results=results, notes=tuple(notes))


def _threshold(arguments: Namespace, model: str) -> float:
    if arguments.calibration is not None:
        if arguments.threshold is not None:
            raise ParameterError("--threshold and --calibration both set the decision threshold; give one of them")
        return read_calibration(arguments.calibration, model=model).threshold.value
    threshold = 0.5 if arguments.threshold is None else float(arguments.threshold)
    if not 0 < threshold < 1:
        raise ParameterError(f"--threshold {threshold:g} decides all images alike; take one above 0 and below 1")
    return threshold


# -- folders --


def _predict(arguments: Namespace) -> tuple[_Scored, float]:
    if arguments.labels is not None and len(arguments.paths) > 1:
        raise ParameterError(f"--labels {arguments.labels} is for a single PATH, but {len(arguments.paths)} are given")
    model = load_model(arguments.model, trusted=arguments.trust_model)
    threshold = _threshold(arguments, model.fingerprint)
    sets = [read_eyes(path, labels=arguments.labels) for path in arguments.paths]
    measurable = tuple(find_measurable(eyes) for eyes in sets)
    for eyes, each in zip(sets, measurable, strict=True):
        _refuse(eyes, each)
    parts = [eyes.take(each.rows) for eyes, each in zip(sets, measurable, strict=True)]
    loaded = load_images(concatenate(parts), size=model.size, bits=arguments.bits)
    print_failed(loaded.failed)
    Peaks(loaded.peaks).print_warning(arguments.bits)
    seen, notes = _find_seen(arguments, loaded.images, measurable, loaded.eyes.paths, sets)
    eyes, images = loaded.eyes.take(~seen), loaded.images[~seen]
    return (
        _Scored(
            eyes,
            model.predict_proba(images)[:, 1],
            _sources(arguments.paths, parts, eyes),
            image_slices(images, _shorter_sides(eyes.paths)),
            loaded.failed,
            measurable,
            notes,
        ),
        threshold,
    )


def _refuse(eyes: EyeSet, measurable: Measurable) -> None:
    if measurable.why_not:
        raise DataError(f"not evaluated: {measurable.why_not}")
    if not measurable.rows.any():
        raise DataError(
            f"{eyes.source!r}: none of {len(eyes):,} images has a label; label some at random (classic-eyes label "
            "--order random) and name the file with --labels"
        )


def _find_seen(
    arguments: Namespace,
    images: NDArray[np.uint8],
    measurable: Sequence[Measurable],
    paths: Sequence[str] = (),
    sets: Sequence[EyeSet] = (),
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Return which images the model was trained on with their labels, as far as its card says, and what to note."""
    seen = np.zeros(len(images), dtype=bool)
    if (card := card_of_model(arguments)) is None:
        return seen, ()
    known = {part.get("sha256") for part in card.get("data") or () if isinstance(part, dict)}
    whole = {name for each in sets if _fingerprint(each) in known for name in each.paths}
    seen = trained_on(card, images) | np.array([path in whole for path in paths] or seen, dtype=bool)
    notes = []
    if n_seen := int(seen.sum()):
        notes.append(
            f"left out: {n_seen:,} of {len(seen):,} labelled images, on which the model was trained"
            f"{_share_of_start(card, images[seen])}; its accuracy on them says nothing about others; "
            f"{_stated_accuracy(card, arguments)}"
        )
        n_left, why = len(seen) - n_seen, None
        if not n_left:
            why = "no labelled image is left to evaluate"
        elif n_left < MIN_GIVEN and any(each.by_hand for each in measurable):
            why = f"{n_left} images are too few for an accuracy; {MIN_GIVEN} are needed"
        if why is not None:
            raise DataError("; ".join([why, *notes, which_to_label(card, sets, images.shape[1], arguments.bits)]))
    if n_found := int((trained_on(card, images, found=True) & ~seen).sum()):
        notes.append(
            f"the model was trained on {n_found:,} of these images, with labels that it found, not with yours: "
            "expect a slightly lower accuracy on other images"
        )
    return seen, tuple(notes)


def _share_of_start(card: dict[str, Any], seen: NDArray[np.uint8]) -> str:
    """Return how many of the images that a model was trained on are those of the model from which it was started."""
    name = (card.get("parameters") or {}).get("start_from")
    start = card_of_start(name) if isinstance(name, str) else None
    n = 0 if start is None else int(trained_on(start, seen).sum())
    return f" ({n:,} of them in the training of {as_text(str(name))}, from which it was started)" if n else ""


def _stated_accuracy(card: dict[str, Any], arguments: Namespace) -> str:
    """Return what a card states about the accuracy out of fold, on all of its images."""
    try:
        results = card["results"]
        all_images = results["all"] if "all" in results else next(iter(results.values()))
        return (
            f"its card states {all_images['accuracy']['value']:.4f} out of fold on {all_images['n']:,} images "
            f"of all sources (classic-eyes info {quoted(as_text(arguments.model))} has each)"
        )
    except (KeyError, TypeError, ValueError, StopIteration, AttributeError):
        return "its card states no accuracy"


def _fingerprint(eyes: EyeSet) -> str | None:
    try:
        return fingerprint(eyes)
    except DataError:  # a file that cannot be read
        return None


def _sources(paths: Sequence[str], parts: Sequence[EyeSet], eyes: EyeSet) -> Any:
    if len(paths) == 1:
        return folder_sources(eyes.names, eyes.labels)
    owner = {path: as_text(name) for name, part in zip(paths, parts, strict=True) for path in part.paths}
    return np.array([owner[path] for path in eyes.paths])


def _shorter_sides(paths: Sequence[str]) -> NDArray[np.intp]:
    return np.array([min(stated_size(read_bytes(path)) or (0,)) for path in paths])


# -- predictions --


def _is_predictions(path: str) -> bool:
    return os.path.isfile(path) and path.lower().endswith(".csv") and set(read_columns(path)) >= _PREDICTIONS


def _read_predictions(arguments: Namespace) -> tuple[_Scored, float]:
    path = arguments.paths[0]
    if arguments.labels is None:
        raise ParameterError(f"PATH {path!r} holds predictions; give the labels with --labels CSV")
    threshold = _threshold(arguments, "")
    scores, failed = _read_scores(path, threshold)
    labels = read_label_table(arguments.labels)
    columns = {name: labels.values(name) for name in ("group", "chosen")}
    of = {key: k for k, key in enumerate(labels.keys)}
    names = list(scores)
    rows = [of.get(image_key(name), -1) for name in names]
    if all(row < 0 for row in rows):
        raise DataError(
            f"none of {len(rows):,} predictions of {path!r} has its image in {arguments.labels!r}: {quoted(names[0])} "
            f"and {quoted(labels.values('file')[0] if labels.rows else '')}; names must agree"
        )
    eyes = EyeSet(
        names,
        np.array([labels.labels[row] if row >= 0 else UNLABELLED for row in rows]),
        np.array([(columns["group"][row] if row >= 0 else "") or name for row, name in zip(rows, names, strict=True)]),
        names,
        os.path.basename(path),
        np.array([columns["chosen"][row] if row >= 0 else "" for row in rows]),
    )
    measurable = find_measurable(eyes, all_readable=True)
    _refuse(eyes, measurable)
    kept = eyes.take(measurable.rows)
    known = {image_key(name) for name in names}
    labelled = {key for key, label in zip(labels.keys, labels.labels, strict=True) if label != UNLABELLED}
    values = np.array(list(scores.values()))[measurable.rows]
    notes: list[str] = []
    caveat = None
    images = _images_behind(arguments, kept, values)
    if isinstance(images, str):
        caveat = (
            "caution: if the model was trained on these images, this accuracy is too high; that could not be checked, "
            f"because {images}"
        )
    else:
        seen, found = _find_seen(arguments, images, (measurable,))
        kept, values = kept.take(~seen), values[~seen]
        notes += found
    if n_missing := len(labelled - known - {image_key(name) for name, _ in failed}):
        notes.append(f"{n_missing:,} labelled images of {os.path.basename(arguments.labels)!r} have no prediction")
    lost = tuple(pair for pair in failed if image_key(pair[0]) in labelled)
    sources = folder_sources(kept.names, kept.labels)
    return _Scored(kept, values, sources, {}, lost, (measurable,), tuple(notes), caveat), threshold


def _images_behind(arguments: Namespace, eyes: EyeSet, scores: NDArray[np.float64]) -> NDArray[np.uint8] | str:
    """Return the images of predictions that ``--model`` made, or why they are not known."""
    names = [as_path(name) for name in eyes.names]
    model = load_model(arguments.model, trusted=arguments.trust_model)
    found = False
    for folder in _folders_near(arguments.labels, arguments.paths[0]):
        paths = [os.path.join(folder, name) for name in names]
        if not all(map(os.path.isfile, paths)):
            continue
        found = True
        # Other folders may have images of the same names: the predictions tell them apart.
        images, errors, _ = read_batch(paths, model.size, MAX_PIXELS, arguments.bits)
        if not any(errors) and np.abs(model.predict_proba(images)[:, 1] - scores).max() <= _TOLERANCE:
            return images
    if found:
        return f"--model {as_text(arguments.model)} did not make these predictions; name the model that did"
    return (
        f"the images are neither beside {as_text(arguments.paths[0])} nor in a folder beside it; instead evaluate the "
        "folder of the images with --labels and --model"
    )


def _folders_near(*files: str) -> Iterator[str]:
    """Yield where the images of predictions may be: the folders of files, those in them, and those beside them."""
    own = list(
        dict.fromkeys([*(os.path.dirname(os.path.abspath(file)) for file in files if not is_url(file)), os.getcwd()])
    )
    yield from own
    for folder in dict.fromkeys([*own, *map(os.path.dirname, own)]):
        with suppress(OSError), os.scandir(folder) as entries:
            yield from sorted(entry.path for entry in entries if entry.is_dir())


def _read_scores(path: str, threshold: float) -> tuple[dict[str, float], list[tuple[str, str]]]:
    """Return the score of each image, and the errors of those that have none."""
    table = read_csv(path, ("file", "label", "score"), ("error",))
    scores: dict[str, float] = {}
    failed: list[tuple[str, str]] = []
    low, high = 0.0, 1.0
    for line, fields in table.rows:
        row = dict(zip(table.columns, fields, strict=True))
        if not row["score"]:
            failed.append((row["file"], row.get("error") or "no prediction"))
            continue
        try:
            score, label = float(row["score"]), int(row["label"])
        except ValueError:
            score, label = -1.0, 0
        if not 0 <= score <= 1 or label not in (0, 1) or row["file"] in scores:
            raise DataError(f"{path!r}, line {line}: no row of classic-eyes predict, or a file that is there twice")
        scores[row["file"]] = score
        low, high = (low, min(high, score)) if label else (max(low, score), high)
    if not scores:
        raise DataError(f"{path!r} holds no prediction")
    if not low - 1e-6 <= threshold <= high + 1e-6:
        raise ParameterError(
            f"the labels of {path!r} were decided at a threshold between {low:.4g} and {high:.4g}, not at "
            f"{threshold:g}; give it with --threshold"
        )
    return scores, failed


# -- output --


def _print(found: Evaluation, eyes: EyeSet, style: str, caveat: str | None) -> None:
    if style == "json":
        print(json.dumps(found.to_dict(), indent=2))
    elif style == "csv":
        print(csv_text(_rows(found)), end="")
    else:
        print("\n".join(_lines(found, eyes, caveat)))
    if style != "table":
        for note in found.notes:
            print(note, file=sys.stderr)


def _rows(found: Evaluation) -> list[list[Any]]:
    rows: list[list[Any]] = [["part", "n", "n_groups", "metric", "value", "low", "high"]]
    parts = dict(found.results)
    parts |= {
        f"{name}: {' '.join(key.split())}": of for name, slices in found.slices.items() for key, of in slices.items()
    }
    for name, result in parts.items():
        head = [name, result["n"], result["n_groups"]]
        rows += [
            [*head, key, *(_digits(result[key][end]) for end in ("value", "low", "high"))]
            for key in METRIC_TITLES
            if key in result
        ]
        if "confusion" in result:
            cells = [cell for of in result["confusion"] for cell in of]
            rows += [[*head, key, cell, "", ""] for key, cell in zip(_CELLS, cells, strict=True)]
    return rows


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def _lines(found: Evaluation, eyes: EyeSet, caveat: str | None) -> list[str]:
    result = found.results["all"]
    notes = [note for note in found.notes if note != caveat]
    lines = [caveat, ""] if caveat else []
    lines += [f"{result['n']:,} labelled images of {result['n_groups']:,} groups; intervals: 95%", ""]
    lines += aligned([[title, interval(result[key])] for key, title in METRIC_TITLES.items()])
    table = [["", "predicted closed", "predicted open"]]
    table += [
        [f"labelled {word}", *map(str, of)] for word, of in zip(("closed", "open"), result["confusion"], strict=True)
    ]
    lines += ["", *aligned(table, numbers=True)]
    if len(found.results) > 1:
        sources = {name: of for name, of in found.results.items() if name != "all"}
        lines += ["", results_table(sources)]
    for name, slices in found.slices.items():
        rows = [[name, "n", "accuracy", "EER"]]
        rows += [[key, f"{of['n']:,}", interval(of["accuracy"]), interval(of["eer"])] for key, of in slices.items()]
        lines += ["", *aligned(rows)]
    worst = found.worst(_N_PRINTED).tolist()
    if worst:
        rows = [["worst errors", "label", "P(open)"]]
        rows += [[eyes.names[k], ("closed", "open")[eyes.labels[k]], f"{found.scores[k]:.2f}"] for k in worst]
        lines += ["", *aligned(rows)]
    return [*lines, *([""] if notes else []), *notes]


def _write_report(found: Evaluation, eyes: EyeSet, arguments: Namespace, *, with_images: bool) -> None:
    worst = found.worst(_N_WORST)
    images = read_shown([eyes.paths[k] for k in worst]) if with_images and len(worst) else None
    facts = [
        ("Model", as_text(arguments.model) if with_images else None),
        ("Predictions", None if with_images else as_text(arguments.paths[0])),
        ("Images", ", ".join(map(as_text, arguments.paths)) if with_images else None),
        ("Labels", None if arguments.labels is None else as_text(arguments.labels)),
        ("Threshold", f"{found.threshold:g}"),
    ]
    write_page(render_evaluation(found, eyes.names, worst, images, title=eyes.source, facts=facts), arguments.report)
    note = "; it contains your images" if images is not None else ""
    print(f"wrote {arguments.report}{note}", file=sys.stderr)

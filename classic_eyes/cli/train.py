"""Train a classifier on folders, with all, some or no labels, and write the model and its card."""

from __future__ import annotations

import shlex
import sys
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.files import csv_text, write_whole
from ..classifier import EyeClassifier
from ..datasets import UNLABELLED, EyeSet, LoadedSet, concatenate, describe, load_images, read_eyes
from ..datasets.identical import describe_contradictions, join_identical
from ..datasets.names import as_text
from ..errors import DataError, ParameterError
from ..evaluation import (
    OWN_GROUPS,
    SLIPS,
    Measurable,
    allow_for_slips,
    cross_validate,
    evaluate_given,
    find_measurable,
    note_of_unsure,
    summarize_parts,
)
from ..features import EXTRACTORS
from ..images import MAX_PIXELS
from ..labeling.page import write_history
from ..persistence.card import make_card, read_about, trained_on
from ..persistence.estimators import check_target, save_classifier, written_files
from ..predictor import load_model
from ..recipes import RECIPES
from ..semisupervised import VIEW_FEATURES, History, embed_2d, make_view
from ..semisupervised.finding import MIN_IMAGES
from ..training.duration import estimate_seconds
from ..training.pipelines import CLASSIFIERS, NotCompilableError, build_pipelines, check_compilable
from ..training.starting import MIN_LABELLED
from .arguments import (
    add_bits_argument,
    check_out,
    existing_file,
    fold_count,
    known_views,
    positive_integer,
    random_seed,
)
from .folds import check_folds, check_labels
from .inspection import card_of_start, describe_photographs, which_to_label
from .listing import Peaks, describe_failed, print_failed, print_passed_over
from .progress import steps_shown
from .tables import results_table

__all__ = ["add_arguments", "work"]

_N_FOLDS = 5
_N_CONTRADICTED = 10
_FOUND_COLUMNS = ("file", "label", "confidence", "origin")
# Predictions of the shipped model from this probability on, or down to its complement, are compared with the labels, if
# there are enough. It contradicts 17% of the most difficult of six data sets, and at most 4% of the others.
_CONFIDENT, _MIN_COMPARED = 0.9, 50
_SHIFTED, _EXCHANGED = 0.35, 0.6


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes train``."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a folder of images, one with assets.csv, an MRL tree, or one with the folders open and closed; several "
        "are one training set",
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="the model: NAME.npz, or the scikit-learn estimator, NAME.joblib or NAME.skops, with NAME.npz beside it; "
        "the card NAME.json is written too",
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument(
        "--recipe", default="default", metavar="NAME", help=f"one of {', '.join(RECIPES)}; default: default"
    )
    parser.add_argument(
        "--start-from",
        metavar="NAME|FILE",
        help="add your labelled images, 10 or more, to a model: a shipped name or a .npz file; takes seconds, and the "
        "recipe and unlabelled images have no part in it",
    )
    parser.add_argument(
        "--labels", type=existing_file, metavar="CSV", help="file,label[,group] for a single PATH; label may be empty"
    )
    parser.add_argument(
        "--accept-predictions",
        action="store_true",
        help="train on predictions, a CSV of classic-eyes predict, as labels; no accuracy is stated then",
    )
    parser.add_argument(
        "--labels-out",
        metavar="CSV",
        help="with missing labels: write all labels that were found, with file, label, confidence and origin",
    )
    parser.add_argument(
        "--report", metavar="HTML", help="with missing labels: a page on how they were found; it contains your images"
    )
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--folds",
        type=fold_count,
        metavar="N",
        help=f"folds of the cross-validation if all images are labelled; 0 for none; default: {_N_FOLDS}",
    )
    parser.add_argument("--labelled-only", action="store_true", help="ignore images without a label")
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="processes; default: one per core")
    add_bits_argument(parser)
    parser.add_argument("--about", metavar="JSON", help="further entries of the card: sources, licences, limits")
    advanced = parser.add_argument_group(
        "advanced", "Instead of those of the recipe; with a single view its cascade has no effect."
    )
    advanced.add_argument(
        "--features",
        type=known_views,
        metavar="A,B/C",
        help=f"of {', '.join(EXTRACTORS)}; a slash separates views, each with a classifier of its own",
    )
    advanced.add_argument("--classifier", metavar="NAME", help=f"one of {', '.join(CLASSIFIERS)}")


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes train``; 1 if some images could not be read and are not in the model."""
    changes = {name: getattr(arguments, name) for name in ("features", "classifier") if getattr(arguments, name)}
    if arguments.start_from is not None:
        _check_start(arguments, changes)
    clf = EyeClassifier.from_recipe(
        arguments.recipe, random_state=arguments.seed, start_from=arguments.start_from, **changes
    )
    # What would be refused after the long work is refused before it.
    check_target(arguments.out, clf, not_compiled=_why_not_compiled(clf))
    inputs = [name for name in (arguments.labels, arguments.about) if name is not None]
    for file in written_files(arguments.out):
        option = "the model card of --out," if file.suffix == ".json" else "--out"
        check_out(str(file), file.suffix, force=arguments.force, read=inputs, option=option)
    if arguments.report is not None:
        check_out(arguments.report, ".html", force=arguments.force, read=inputs, option="--report")
    if arguments.labels_out is not None:
        check_out(arguments.labels_out, ".csv", force=arguments.force, read=inputs, option="--labels-out")
    about = {} if arguments.about is None else read_about(arguments.about)

    sets = _read_sets(arguments)
    measurable = [find_measurable(eyes) for eyes in sets]
    not_evaluated = next((each.why_not for each in measurable if each.why_not), None)
    kept = _labelled(sets) if arguments.labelled_only or arguments.start_from is not None else sets
    loaded = [load_images(each, size=clf.gate_size, bits=arguments.bits) for each in kept]
    failed = tuple(failure for part in loaded for failure in part.failed)
    print_failed(failed)
    Peaks(peak for part in loaded for peak in part.peaks).print_warning(arguments.bits)
    images = np.concatenate([part.images for part in loaded])
    data = LoadedSet(join_identical(concatenate([part.eyes for part in loaded]), images), images, failed)
    measured = _measured(sets, measurable, loaded)
    n_folds = _n_folds(arguments, data.eyes, not_evaluated)
    if arguments.start_from is None:
        _check_enough(data.eyes, n_folds, arguments.seed)
    elif n_folds and (why := _why_no_folds(data.eyes, n_folds, arguments)):
        n_folds, not_evaluated = 0, why
    paths = [as_text(path) for path in arguments.paths]
    described = [describe(part.eyes, path) for path, part in zip(paths, loaded, strict=True)]
    start = card_of_start(arguments.start_from)
    if n_folds and start is not None and (why := _why_start_knows(arguments, start, data, described, sets)):
        n_folds, not_evaluated = 0, why
    replaced = bool(changes) or arguments.start_from is not None
    print(_announcement(data.eyes, n_folds, arguments.jobs, replaced=replaced), file=sys.stderr)
    _warn_of_labels(data)
    _warn_of_photographs(kept, arguments.bits)
    results = None
    notes = [each.note for each in measurable if each.note]
    with steps_shown():
        if n_folds:
            results = _cross_validate(clf, data, dict(zip(paths, loaded, strict=True)), n_folds, measured, arguments)
        clf.fit(data.images, data.eyes.labels, groups=data.eyes.groups, sources=_owner(loaded))
    history = clf.history_
    if history is not None:
        print(history.summary())
        for k in history.contradicted()[:_N_CONTRADICTED]:
            given = history.given[k]
            words = ("closed", "open")
            print(
                f"labelled {words[given]}, but among {words[1 - given]} eyes in all clusterings: {data.eyes.names[k]}"
            )
        if not not_evaluated:
            results = evaluate_given(history, data.eyes.groups, measured)
    if results is not None and any(each.by_hand for each in measurable):
        results = {name: allow_for_slips(result) for name, result in results.items()}
        notes.append(f"the upper end of the accuracy allows for {SLIPS:.0%} of wrong labels, as people give them")
    if results is not None and (n_unsure := sum(each.n_unsure for each in measurable)):
        notes.append(note_of_unsure(n_unsure, list(results.values())[-1]))
    if results is not None and arguments.start_from is not None and start is None:
        notes.append(
            f"{arguments.start_from} has no model card: whether it was trained on these images cannot be checked"
        )
    if results is not None and any(result["n_groups"] == result["n"] for result in results.values()):
        notes.append(OWN_GROUPS)
    stated = _stated(results, not_evaluated, history, notes)
    if stated:
        print(stated)
    if results is not None and arguments.start_from is not None:
        print(_accuracy_of_start(arguments.start_from, data, measured))
    if history is not None:
        _write_found(history, data, stated, arguments)
    card = make_card(
        clf,
        name=Path(as_text(arguments.out)).stem,
        # The same files come out whether older ones were replaced or not.
        command=shlex.join(["classic-eyes", *(as_text(word) for word in arguments.argv if word != "--force")]),
        data=described,
        results=results,
        n_folds=n_folds,
        predicted=data.eyes.predicted,
        not_evaluated=not_evaluated,
        notes=notes,
        images=None if data.eyes.predicted else data.images[data.eyes.labels != UNLABELLED],
        found=_images_of_found(data, history),
        start=start,
        about=about,
    )
    written = save_classifier(arguments.out, clf, card)
    print(f"wrote {', '.join(map(str, written))}", file=sys.stderr)
    if clf.not_compiled_ is not None:
        print(f"no compiled model: {clf.not_compiled_}; prediction needs scikit-learn", file=sys.stderr)
    if clf.predictor_.program.novelty is None:
        print("no non-eye detection (predict --verdict): too few images or groups", file=sys.stderr)
    n_unlabelled = sum(map(len, sets)) - sum(map(len, kept))
    if left_out := _left_out(failed, n_unlabelled, clf.history_):
        print(f"left out of {sum(map(len, sets)):,} images: {left_out}", file=sys.stderr)
    print_passed_over(arguments.paths)
    return 1 if failed else 0


def _check_start(arguments: Namespace, changes: dict[str, Any]) -> None:
    """Load the start, which may be refused, and refuse options that have no effect with it."""
    load_model(arguments.start_from)
    others = [f"--{name}" for name in changes] + ["--recipe"] * (arguments.recipe != "default")
    others += [f"--{name.replace('_', '-')}" for name in ("labels_out", "report") if getattr(arguments, name)]
    if others:
        raise ParameterError(f"--start-from {arguments.start_from} has no use for {', '.join(others)}; omit it")


def _why_no_folds(eyes: EyeSet, n_folds: int, arguments: Namespace) -> str | None:
    """Return why the few labels cannot be split for a cross-validation; refuse folds that were asked for."""
    few = len(eyes) * (n_folds - 1) // n_folds < MIN_LABELLED
    reason = f"{len(eyes)} labelled images are too few for {n_folds} folds" if few else None
    if reason is None:
        try:
            check_labels(eyes)
            check_folds(eyes, n_folds, remedy="omit --folds", random_state=arguments.seed)
        except DataError:
            n_groups = len(np.unique(eyes.groups))
            reason = f"{n_folds} folds need open and closed eyes of more than {n_groups} groups (people or faces)"
    if reason is not None and arguments.folds is not None:
        raise DataError(f"--folds {arguments.folds}: {reason}; omit --folds")
    return None if reason is None else f"{reason}; label other images too, and run classic-eyes evaluate on them"


def _why_start_knows(
    arguments: Namespace,
    card: dict[str, Any],
    data: LoadedSet,
    described: list[dict[str, Any]],
    sets: list[EyeSet],
) -> str | None:
    """Return why the accuracy of a model that starts from another cannot be measured on images of its training."""
    # Cards of other makers may name whole sets only.
    known = {part.get("sha256") for part in card.get("data") or () if isinstance(part, dict)}
    whole = np.repeat([part["sha256"] in known for part in described], [part["images"] for part in described])
    n_known = int((whole | trained_on(card, data.images)).sum())
    if not n_known:
        return None
    return (
        f"{arguments.start_from} was trained on {n_known:,} of these {len(data.eyes):,} images; "
        f"{which_to_label(card, sets, data.images.shape[1], arguments.bits)}, and run classic-eyes evaluate on them"
    )


def _images_of_found(data: LoadedSet, history: History | None) -> NDArray[np.uint8] | None:
    """Return the images on which the model was trained with labels that no person gave."""
    if data.eyes.predicted:
        return data.images[data.eyes.labels != UNLABELLED]
    return None if history is None else data.images[(history.labels != UNLABELLED) & (history.given == UNLABELLED)]


def _accuracy_of_start(name: str, data: LoadedSet, measured: NDArray[np.bool_]) -> str:
    right = load_model(name).predict(data.images[measured]) == data.eyes.labels[measured]
    return f"{name} alone classifies {right.sum():,} of these {len(right):,} images rightly ({right.mean():.4f})"


def _left_out(failed: tuple[tuple[str, str], ...], n_unlabelled: int, history: History | None) -> str:
    n_uncertain = 0 if history is None else int((history.labels == UNLABELLED).sum())
    reasons = [describe_failed(failed)] if failed else []
    reasons += [f"{n_unlabelled:,} without a label"] if n_unlabelled else []
    reasons += [f"{n_uncertain:,} for which no certain label was found"] if n_uncertain else []
    return ", ".join(reasons)


def _why_not_compiled(clf: EyeClassifier) -> str | None:
    try:
        for pipeline in build_pipelines(clf.features, clf.classifier, n_components=clf.n_components).values():
            check_compilable(pipeline)
    except NotCompilableError as error:
        return str(error)
    return None


def _read_sets(arguments: Namespace) -> list[EyeSet]:
    paths, labels = arguments.paths, arguments.labels
    if labels is not None and len(paths) > 1:
        raise ParameterError(f"--labels {labels} is for a single PATH, but {len(paths)} are given")
    return [read_eyes(path, labels=labels, accept_predictions=arguments.accept_predictions) for path in paths]


def _labelled(sets: list[EyeSet]) -> list[EyeSet]:
    kept = [eyes.take(eyes.labels != UNLABELLED) for eyes in sets]
    for before, after in zip(sets, kept, strict=True):
        if not len(after):
            raise DataError(
                f"{before.source!r}: none of {len(before)} images has a label, and --labelled-only and --start-from "
                "use labelled images alone; label some (classic-eyes label)"
            )
    return kept


def _measured(sets: list[EyeSet], measurable: list[Measurable], loaded: list[LoadedSet]) -> NDArray[np.bool_]:
    """Return on which of the images that could be read an accuracy is measured."""
    rows: list[bool] = []
    for eyes, each, part in zip(sets, measurable, loaded, strict=True):
        names = {eyes.names[k] for k in np.flatnonzero(each.rows).tolist()}
        rows += [name in names for name in part.eyes.names]
    return np.array(rows, dtype=bool)


def _warn_of_labels(data: LoadedSet) -> None:
    """Warn before the long work of labels that contradict each other, or the shipped model."""
    labels = data.eyes.labels
    if found := describe_contradictions(labels, data.eyes.names, data.images):
        warnings.warn(f"{found}; correct or remove them", UserWarning, stacklevel=2)
    given = labels != UNLABELLED
    if given.sum() < _MIN_COMPARED:
        return
    score = load_model("fast").predict_proba(data.images[given])[:, 1]
    confident = np.maximum(score, 1 - score) >= _CONFIDENT
    if confident.sum() < _MIN_COMPARED:
        return
    share = float(((score >= 0.5) != labels[given])[confident].mean())
    if share >= _SHIFTED:
        guess = "are they exchanged?" if share >= _EXCHANGED else "are names and labels shifted against each other?"
        warnings.warn(
            f"the shipped model disagrees with {share:.0%} of the {confident.sum():,} labels of which it is sure; 1 "
            f"means open and 0 closed: {guess}",
            UserWarning,
            stacklevel=2,
        )


def _warn_of_photographs(sets: list[EyeSet], bits: int | None) -> None:
    """Warn if the images look like photographs of faces: a model of those would be of no use."""
    paths = [str(path) for eyes in sets for path in eyes.paths]
    if found := describe_photographs(paths, load_model("fast"), max_pixels=MAX_PIXELS, bits=bits):
        remedy = "train needs patches of one eye; cut them out at the boxes that classic-eyes faces finds"
        warnings.warn(f"{found}; {remedy}", UserWarning, stacklevel=2)


def _n_folds(arguments: Namespace, eyes: EyeSet, not_evaluated: str | None) -> int:
    n_unlabelled = int((eyes.labels == UNLABELLED).sum())
    for option, file, what in (
        ("--report", arguments.report, "shows how missing labels were found"),
        ("--labels-out", arguments.labels_out, "holds labels that were found"),
    ):
        if not n_unlabelled and file is not None:
            raise ParameterError(f"{option} {file!r} {what}, and all {len(eyes)} images are labelled; omit it")
    if n_unlabelled and arguments.folds:
        raise ParameterError(
            f"--folds {arguments.folds} needs labels, and {n_unlabelled} of {len(eyes)} images have none; omit "
            "--folds, or ignore these images with --labelled-only"
        )
    if not_evaluated and arguments.folds:
        raise ParameterError(f"--folds {arguments.folds}: {not_evaluated}; or omit --folds")
    if n_unlabelled or not_evaluated:
        return 0
    return _N_FOLDS if arguments.folds is None else int(arguments.folds)


def _check_enough(eyes: EyeSet, n_folds: int, random_state: int) -> None:
    if (eyes.labels == UNLABELLED).any():
        if len(eyes) < MIN_IMAGES:
            raise DataError(
                f"{eyes.source!r}: {len(eyes)} images are too few to find labels; {MIN_IMAGES} are needed, hundreds "
                "are better; or label them all (classic-eyes label)"
            )
        return
    check_labels(eyes)
    if n_folds:
        remedy = "add labelled images of other people, take fewer --folds, or --folds 0 for no evaluation"
        check_folds(eyes, n_folds, remedy=remedy, random_state=random_state)


def _announcement(eyes: EyeSet, n_folds: int, n_jobs: int | None, *, replaced: bool) -> str:
    """Return what will happen, and about how long it takes with the classifier of the recipe."""
    finds = bool((eyes.labels == UNLABELLED).any())
    steps = "finding labels, then training" if finds else f"{n_folds}-fold evaluation, then training"
    if not (n_folds or finds):
        steps = "training"
    seconds = estimate_seconds(len(eyes), n_folds, finds_labels=finds, n_jobs=n_jobs or 2)
    about = f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
    return f"{eyes.summary()}; {steps}" + ("" if replaced else f": about {about} on an idle computer")


def _cross_validate(
    clf: EyeClassifier,
    data: LoadedSet,
    loaded: dict[str, LoadedSet],
    n_folds: int,
    measured: NDArray[np.bool_],
    arguments: Namespace,
) -> dict[str, dict[str, Any]]:
    """Return the metrics of each path, and of all together, on the images that are a measure of it."""
    labels, groups = data.eyes.labels, data.eyes.groups
    scores = cross_validate(
        clf,
        data.images,
        labels,
        groups,
        sources=_owner(loaded.values()),
        n_splits=n_folds,
        random_state=arguments.seed,
        n_jobs=arguments.jobs,
    )
    owner = _owner(loaded.values())
    parts = [(path, measured & (owner == number)) for number, path in enumerate(loaded)]
    if len(parts) > 1:
        parts.append(("all", measured))
    return summarize_parts(labels, scores, groups, [(name, rows) for name, rows in parts if rows.any()])


def _owner(loaded: Collection[LoadedSet]) -> NDArray[np.intp]:
    """Return the number of the path that each image is from."""
    return np.repeat(np.arange(len(loaded)), [len(part.eyes) for part in loaded])


def _stated(
    results: dict[str, dict[str, Any]] | None, not_evaluated: str | None, history: History | None, notes: list[str]
) -> str | None:
    """Return what is stated about the accuracy: a table with notes, or why there is none."""
    if results is not None:
        return "\n".join([results_table(results), *notes])
    if not_evaluated:
        return f"not evaluated: {not_evaluated}"
    if history is None or not (history.given >= 0).any():
        return None
    if not history.is_out_of_fold:
        return "not evaluated: no round of self-training was kept, so the given labels were not predicted out of fold"
    return (
        "not evaluated: too few of the given labels are open, or closed; label more images, chosen at random "
        "(classic-eyes label --order mixed)"
    )


def _write_found(history: History, data: LoadedSet, stated: str | None, arguments: Namespace) -> None:
    """Write the page on how labels were found, and the labels."""
    if arguments.report is not None:
        maps = embed_2d(make_view(data.images, VIEW_FEATURES[0], random_state=arguments.seed))
        content = history.to_dict(data.eyes.names)
        content |= {"name": data.eyes.source, "maps": maps, "mapped": (history.scores >= 0.5).astype(int).tolist()}
        none = "not measured: no image has a label, and labels that were found are no measure of it"
        content["accuracy"] = stated or none
        write_history(content, data.images, arguments.report)
        print(f"wrote {arguments.report}; it contains your images", file=sys.stderr)
    if arguments.labels_out is not None:
        several = len(arguments.paths) > 1
        names = [as_text(path) for path in data.eyes.paths] if several else list(data.eyes.names)
        rows = [
            (name, "" if label == UNLABELLED else str(label), confidence, origin)
            for name, label, confidence, origin in zip(
                names, history.labels.tolist(), _confidences(history), history.origins(), strict=True
            )
        ]
        write_whole(arguments.labels_out, csv_text([_FOUND_COLUMNS, *rows]).encode("utf-8", "surrogateescape"))
        n_found = int(((history.labels != UNLABELLED) & (history.given == UNLABELLED)).sum())
        print(f"wrote {arguments.labels_out}: {n_found:,} labels that were found", file=sys.stderr)


def _confidences(history: History) -> list[str]:
    """Return the out-of-fold probability of each label, of the likelier one where it is uncertain."""
    if not history.is_out_of_fold:
        return [""] * len(history.labels)
    likely = np.where(history.labels == UNLABELLED, history.scores >= 0.5, history.labels == 1)
    return [f"{share:.4f}" for share in np.where(likely, history.scores, 1 - history.scores).tolist()]

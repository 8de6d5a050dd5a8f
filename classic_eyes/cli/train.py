"""Train a classifier on labelled folders and write it, with its card, to a file."""

from __future__ import annotations

import json
import shlex
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from ..benchmark import Readable, cross_validate, read_labelled, summarise_parts
from ..classifier import EyeClassifier
from ..datasets import EyeSet, concatenate, fingerprint, read_eyes
from ..errors import DataError, ParameterError
from ..persistence import card_path, library_versions
from ..pipeline import CLASSIFIERS, DEFAULT_FEATURES, build_pipelines
from .arguments import families, natural_number, positive_integer
from .tables import results_table

NOT_FOR = (
    "Decisions about a person's safety, health or fitness (for example whether a driver is awake) without other "
    "evidence; recognising who somebody is; pictures that are not patches of one human eye."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes train``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a folder with assets.csv, an MRL tree, or one with the folders open and closed; several train together",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="the model, NAME.joblib; the card is NAME.json")
    parser.add_argument("--labels", metavar="CSV", help="file,label[,group] for a single PATH")
    parser.add_argument(
        "--features",
        type=families,
        default=DEFAULT_FEATURES,
        metavar="A,B/C",
        help="a slash parts families; default: hog,lbp",
    )
    parser.add_argument("--classifier", default="svm", metavar="NAME", help=f"{', '.join(CLASSIFIERS)}; default: svm")
    parser.add_argument("--copies", type=natural_number, default=2, metavar="N", help="varied copies; default: 2")
    parser.add_argument("--seed", type=natural_number, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--folds", type=natural_number, default=5, metavar="N", help="judged by; 0 for none; default: 5"
    )
    parser.add_argument("--jobs", type=positive_integer, metavar="N", help="processes; by default one per core")
    parser.add_argument(
        "--about", metavar="JSON", help="a file whose entries go into the card: sources, licences, limits"
    )


def read_sets(paths: list[str], labels: str | None) -> list[EyeSet]:
    """Read each path as what it is.

    Parameters
    ----------
    paths : list of str
        Folders.
    labels : str or None
        A label file, for a single folder.

    Returns
    -------
    list of EyeSet
        One for each path.

    Raises
    ------
    ParameterError
        For a label file and several folders.
    """
    if labels is not None and len(paths) > 1:
        raise ParameterError(
            f"--labels {labels} names pictures of one PATH, but {len(paths)} are given; train with one"
        )
    return [read_eyes(path, labels=labels) for path in paths]


def _read_about(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        about = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ParameterError(f"--about {path!r} cannot be read as JSON: {error}") from error
    if not isinstance(about, dict):
        raise ParameterError(f"--about {path!r} holds a {type(about).__name__}; it must be a JSON object")
    return about


def _check_out(out: str) -> None:
    """Refuse before the long work what would be refused after it."""
    if Path(out).suffix != ".joblib":
        raise ParameterError(f"--out {out!r} must end in .joblib")
    if not Path(out).absolute().parent.is_dir():
        raise ParameterError(f"--out {out!r}: there is no folder {str(Path(out).parent)!r}; make it first")


def _check_trainable(eyes: EyeSet, folds: int) -> None:
    """Refuse before the long work data that it could not end with."""
    if len(np.unique(eyes.labels)) < 2:
        only = "open" if eyes.labels[0] == 1 else "closed"
        raise DataError(f"all {len(eyes)} pictures are {only}; learning needs open and closed eyes")
    n_groups = len(np.unique(eyes.groups))
    if folds == 1:
        raise ParameterError("--folds 1 leaves nothing to learn from; 2 or more, or 0 for no judging")
    if n_groups < folds:
        raise DataError(
            f"--folds {folds} needs {folds} groups and there are {n_groups}; take fewer folds, "
            "--folds 0 for no judging, or pictures of more people"
        )


def _describe(path: str, eyes: EyeSet) -> dict[str, Any]:
    return {
        "path": path,
        "pictures": len(eyes),
        "open": int((eyes.labels == 1).sum()),
        "closed": int((eyes.labels == 0).sum()),
        "groups": len(np.unique(eyes.groups)),
        "sha256": fingerprint(eyes),
    }


def _judge(clf: EyeClassifier, data: Readable, paths: list[str], lengths: list[int], arguments: Namespace) -> Any:
    """Return all metrics by cross-validation, for every path and for all together."""
    labels, groups = data.eyes.labels, data.eyes.groups
    scores = cross_validate(
        clf, data.pictures, labels, groups, n_splits=arguments.folds, random_state=arguments.seed, n_jobs=arguments.jobs
    )
    owner = np.repeat(np.arange(len(paths)), lengths)
    parts = [(path, owner == number) for number, path in enumerate(paths)]
    if len(paths) > 1:
        parts.append(("all", owner >= 0))
    return summarise_parts(labels, scores, groups, parts)


def _card(clf: EyeClassifier, sets: list[dict[str, Any]], results: Any, arguments: Namespace) -> dict[str, Any]:
    protocol = (
        f"{arguments.folds}-fold cross-validation over all paths together, by group (a person or a face is never on "
        "both sides); intervals: 95 %, bootstrap over groups"
    )
    return {
        "what": "classic_eyes model: probability that the eye in a patch is open (1) rather than closed (0)",
        "not_for": NOT_FOR,
        "command": shlex.join(["classic-eyes", *arguments.argv]),
        "data": sets,
        "parameters": clf.get_params(deep=False),
        "pipelines": {name: list(pipeline.named_steps) for name, pipeline in clf.pipelines_.items()},
        "features": clf.n_features_,
        "components": clf.n_components_,
        "support_vectors": clf.n_support_vectors_,
        "protocol": protocol if results else "not judged (--folds 0)",
        "results": results,
        "versions": library_versions(),
        **_read_about(arguments.about),
    }


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes train``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0 all read; 1 the model is written, but some pictures could not be read and are not in it.
    """
    _check_out(arguments.out)
    _read_about(arguments.about)
    clf = EyeClassifier(
        features=arguments.features,
        classifier=arguments.classifier,
        n_copies=arguments.copies,
        random_state=arguments.seed,
    )
    build_pipelines(arguments.features, arguments.classifier)  # refuses unknown names before anything is read
    sets = read_sets(arguments.paths, arguments.labels)
    data = [read_labelled(eyes, size=clf.size) for eyes in sets]
    failed = [failure for part in data for failure in part.failed]
    for name, reason in failed:
        print(f"classic-eyes: left out {name}: {reason}", file=sys.stderr)
    joined = Readable(
        concatenate([part.eyes for part in data]), np.concatenate([part.pictures for part in data]), tuple(failed)
    )
    _check_trainable(joined.eyes, arguments.folds)
    print(joined.eyes.summary(), file=sys.stderr)
    results = None
    if arguments.folds:
        print(f"judging by {arguments.folds} folds ...", file=sys.stderr)
        results = _judge(clf, joined, arguments.paths, [len(part.eyes) for part in data], arguments)
        print(results_table(results))
    print("training on all ...", file=sys.stderr)
    clf.fit(joined.pictures, joined.eyes.labels, groups=joined.eyes.groups)
    described = [_describe(path, part.eyes) for path, part in zip(arguments.paths, data, strict=True)]
    clf.save(arguments.out, card=_card(clf, described, results, arguments))
    print(f"wrote {arguments.out} and {card_path(arguments.out)}", file=sys.stderr)
    return 1 if failed else 0

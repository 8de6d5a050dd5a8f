"""Train a classifier on folders, with all, some or no labels, and write it, with its card, to a file."""

from __future__ import annotations

import json
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..classifier import EyeClassifier
from ..datasets import UNLABELLED, EyeSet, LoadedSet, concatenate, fingerprint, load_images, read_eyes
from ..errors import DataError, ModelError, ParameterError
from ..evaluation import cross_validate, summarize_parts
from ..features import EXTRACTORS
from ..labeling.page import write_history
from ..persistence import ENDINGS, card_path, check_skops, compiled_path, library_versions, read_card, read_header
from ..preprocessing.alignment import shipped_alignment
from ..semisupervised import VIEW_FEATURES, History, embed_2d, make_view
from ..training.fitting import ALIGNED
from ..training.novelty import FEWEST, MIN_GROUPS
from ..training.pipelines import DEFAULT_FEATURES, build_pipelines
from .arguments import (
    existing_file,
    known_views,
    natural_number,
    not_negative,
    positive_integer,
    positive_integers,
    random_seed,
    share,
    weights,
)
from .learner import check_learner
from .tables import results_table

_ENOUGH_TO_JUDGE = 10
_FOLDS = 5
_CLASSIFIERS_SAID = (
    "svm (quickly learnt), mirror (quicker when asked), metric (quickest when asked, three times the training), libsvm "
    "(slow), gb, linear or knn (not compiled); default: svm"
)
NOT_FOR = (
    "Decisions about a person's safety, health or fitness (for example whether a driver is awake) without other "
    "evidence; recognising who somebody is; images that are not patches of one human eye."
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
        help="a folder of images, one with assets.csv, an MRL tree, or one with the folders open and closed; "
        "several train together",
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="the model, NAME.joblib, or NAME.skops, which others may read without trusting you (extra skops); beside "
        "it NAME.npz, its compiled form, and NAME.json, its card",
    )
    parser.add_argument(
        "--labels", type=existing_file, metavar="CSV", help="file,label[,group] for a single PATH; label may be empty"
    )
    parser.add_argument(
        "--report",
        metavar="HTML",
        help="where labels are missing: a page that shows how they came about, images included",
    )
    parser.add_argument(
        "--features",
        type=known_views,
        default=DEFAULT_FEATURES,
        metavar="A,B/C",
        help=f"of {', '.join(EXTRACTORS)}; a slash parts views, each learnt by itself; default: hog,lbp",
    )
    parser.add_argument("--classifier", default="svm", metavar="NAME", help=_CLASSIFIERS_SAID)
    parser.add_argument(
        "--components",
        type=positive_integer,
        default=300,
        metavar="N",
        help="principal components of each view; default: 300",
    )
    parser.add_argument("--copies", type=natural_number, default=2, metavar="N", help="varied copies; default: 2")
    parser.add_argument(
        "--vectors",
        type=positive_integers,
        metavar="N[,N]",
        help="support vectors of each view, at most, for svm, mirror and metric; with a comma, a number for each; "
        "default: a tenth of the rows, but 1500 at least (mirror, metric: 1000) and 3000 at most",
    )
    parser.add_argument(
        "--weights",
        type=weights,
        metavar="X,Y",
        help="what each view of --features counts for in the average; default: all the same",
    )
    parser.add_argument(
        "--cascade",
        type=share,
        metavar="X",
        help="where --features has several views: ask those after the first only about the share X of the images "
        "of which it is least sure; 0.2 answers much the same for little more than the first view's cost; default: "
        "all are asked about all",
    )
    parser.add_argument(
        "--group-effect",
        type=not_negative,
        default=0.0,
        metavar="X",
        help="for svm, mirror and metric: variance of an intercept of each person's own, so that people are not "
        "learnt as classes; 0.03 is worth a try; default: 0",
    )
    parser.add_argument(
        "--directions",
        type=positive_integers,
        metavar="N[,N]",
        help="for metric: directions along which images are compared, of each view, at most, and 2 at least; the "
        "fewer, the faster; with a comma, a number for each view; default: 96",
    )
    parser.add_argument(
        "--remove-glare",
        action="store_true",
        help="take reflections, as on glasses, out of every image, in training and when asked",
    )
    parser.add_argument(
        "--align",
        choices=ALIGNED[1:],
        help="show eyes in the middle of their images, level and as wide as these, to all views of features, or "
        "to all others than the first; by default they are shown as they are",
    )
    parser.add_argument(
        "--synthetic",
        type=natural_number,
        default=0,
        metavar="N",
        help="learn from so many synthetic eyes too, half of them open and half of either hard to tell, each as much as "
        "an image, for eyes of another kind than those given; as many as there are images are worth a try; not for "
        "knn; default: 0",
    )
    parser.add_argument(
        "--calibrate-synthetic",
        action="store_true",
        help="let the synthetic eyes say too where the threshold between open and closed lies and how sure answers are, as "
        "much as all images together: for images of another source than those given; needs --synthetic",
    )
    parser.add_argument("--seed", type=random_seed, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--folds",
        type=natural_number,
        metavar="N",
        help="where all are labelled, judged by so many; 0 for none; default: 5",
    )
    parser.add_argument("--labelled-only", action="store_true", help="leave out images that have no label")
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
        raise ParameterError(f"--labels {labels} names images of one PATH, but {len(paths)} are given; train with one")
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


def _check_file(option: str, name: str | None, *endings: str) -> None:
    """Refuse before the long work what would be refused after it."""
    if name is None:
        return
    if Path(name).suffix not in endings:
        beside = "; the compiled form, NAME.npz, is written beside it" if name.endswith(".npz") else ""
        raise ParameterError(f"{option} {name!r} must end in {' or '.join(endings)}{beside}")
    if not Path(name).absolute().parent.is_dir():
        raise ParameterError(f"{option} {name!r}: there is no folder {str(Path(name).parent)!r}; make it first")
    if Path(name).is_dir():
        raise ParameterError(f"{option} {name!r} is a folder; name a file")


def _check_beside(out: str) -> None:
    """Refuse to write over what lies beside the model, if no model has written it."""
    for path, read in ((card_path(out), read_card), (compiled_path(out), read_header)):
        if path.exists() and not _tells_of_a_model(path, read):
            raise ParameterError(
                f"--out {out!r} would write over {str(path)!r}, which no training has written; take another name, or "
                "move it away"
            )


def _tells_of_a_model(path: Path, read: Callable[[Path], dict[str, Any]]) -> bool:
    try:
        return "model_sha256" in read(path)
    except ModelError:
        return False


def _check_trainable(eyes: EyeSet, folds: int, report: str | None) -> None:
    """Refuse before the long work labelled data that it could not end with."""
    if report is not None:
        raise ParameterError(
            f"--report {report!r} shows how missing labels came about, and all {len(eyes)} images are labelled; "
            "leave it out (bench --out makes a report of labelled images)"
        )
    if len(np.unique(eyes.labels)) < 2:
        only = "open" if eyes.labels[0] == 1 else "closed"
        raise DataError(f"all {len(eyes)} images are {only}; learning needs open and closed eyes")
    n_groups = len(np.unique(eyes.groups))
    if n_groups < folds:
        raise DataError(
            f"--folds {folds} needs {folds} groups and there are {n_groups}; take fewer folds, "
            "--folds 0 for no judging, or images of more people"
        )


def _describe(path: str, eyes: EyeSet) -> dict[str, Any]:
    return {
        "path": path,
        "images": len(eyes),
        "open": int((eyes.labels == 1).sum()),
        "closed": int((eyes.labels == 0).sum()),
        "unlabelled": int((eyes.labels == UNLABELLED).sum()),
        "groups": len(np.unique(eyes.groups)),
        "sha256": fingerprint(eyes),
    }


def _judge(clf: EyeClassifier, data: LoadedSet, paths: list[str], lengths: list[int], arguments: Namespace) -> Any:
    """Return all metrics by cross-validation, for every path and for all together."""
    labels, groups = data.eyes.labels, data.eyes.groups
    scores = cross_validate(
        clf, data.images, labels, groups, n_splits=arguments.folds, random_state=arguments.seed, n_jobs=arguments.jobs
    )
    owner = np.repeat(np.arange(len(paths)), lengths)
    parts = [(path, owner == number) for number, path in enumerate(paths)]
    if len(paths) > 1:
        parts.append(("all", owner >= 0))
    return summarize_parts(labels, scores, groups, parts)


def _card(clf: EyeClassifier, sets: list[dict[str, Any]], results: Any, arguments: Namespace) -> dict[str, Any]:
    return {
        "name": Path(arguments.out).stem,
        "what": "classic_eyes model: probability that the eye in a patch is open (1) rather than closed (0)",
        "not_for": NOT_FOR,
        "command": shlex.join(["classic-eyes", *arguments.argv]),
        "data": sets,
        "parameters": clf.get_params(deep=False),
        "pipelines": {name: list(pipeline.named_steps) for name, pipeline in clf.pipelines_.items()},
        "features": clf.n_features_,
        "components": clf.n_components_,
        "support_vectors": clf.n_support_vectors_,
        "protocol": _protocol(clf, results, arguments.folds),
        "results": results,
        "labels": _labels_told(clf),
        "versions": library_versions(),
        **_read_about(arguments.about),
    }


def _protocol(clf: EyeClassifier, results: Any, folds: int) -> str:
    if clf.history_ is not None:
        return (
            "the given labels only, each scored in self-training by machines that had not learnt from its group; which "
            "clusters were kept may have depended on them"
            if results
            else "not judged: labels were missing, and what was found for them is no truth to judge by"
        )
    if not results:
        return "not judged (--folds 0)"
    return (
        f"{folds}-fold cross-validation over all paths together, by group (a person or a face is never on both sides); "
        "intervals: 95 %, bootstrap over groups"
    )


def _labels_told(clf: EyeClassifier) -> dict[str, Any]:
    history = clf.history_
    if history is None:
        return {"given": "all"}
    return {
        "given": int((history.given >= 0).sum()),
        "found": int(((history.labels >= 0) & (history.given < 0)).sum()),
        "uncertain": int((history.labels < 0).sum()),
        "confidence": history.confidence,
        "stop_reason": history.stop_reason,
        "warnings": list(history.warnings),
    }


def _judge_given(history: History, groups: Any) -> Any:
    """Return all metrics on the given labels, where there are enough of them."""
    known = history.given >= 0
    if min((history.given == 1).sum(), (history.given == 0).sum()) < _ENOUGH_TO_JUDGE:
        return None
    return summarize_parts(history.given[known], history.scores[known], groups[known], [("given labels", known[known])])


def _write_report(history: History, data: LoadedSet, arguments: Namespace) -> None:
    maps = embed_2d(make_view(data.images, VIEW_FEATURES[0], random_state=arguments.seed))
    told = history.to_dict(data.eyes.names)
    told |= {"name": data.eyes.source, "maps": maps, "mapped": (history.scores >= 0.5).astype(int).tolist()}
    write_history(told, data.images, arguments.report)


def _learn_novelty_too(clf: EyeClassifier, data: LoadedSet) -> None:
    """Have the final classifier learn what is no eye, where there is enough to learn it from."""
    clf.novelty = len(data.images) >= FEWEST and len(np.unique(data.eyes.groups)) >= MIN_GROUPS
    if not clf.novelty:
        print(
            f"not learnt: what is no eye (predict --verdict); that takes {FEWEST} images of {MIN_GROUPS} groups",
            file=sys.stderr,
        )


def _find_labels(clf: EyeClassifier, data: LoadedSet, arguments: Namespace) -> Any:
    """Train where labels are missing; return metrics on the given ones, if any."""
    print("finding labels, then training ...", file=sys.stderr)
    _learn_novelty_too(clf, data)
    clf.fit(data.images, data.eyes.labels, groups=data.eyes.groups)
    history = clf.history_
    assert history is not None  # a label is missing, or this would not have been called
    print(history.summary())
    if arguments.report is not None:
        _write_report(history, data, arguments)
        print(f"wrote {arguments.report}; it holds your images", file=sys.stderr)
    for k in history.contradicted()[:10]:
        print(f"given {('closed', 'open')[history.given[k]]}, all views say otherwise: {data.eyes.names[k]}")
    results = _judge_given(history, data.eyes.groups)
    if results:
        print(results_table(results))
    elif (history.given >= 0).any():
        print(f"not judged by the given labels: {_ENOUGH_TO_JUDGE} open and as many closed ones are needed")
    return results


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes train``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0 all read; 1 the model is written, but some images could not be read and are not in it.
    """
    _check_file("--out", arguments.out, *ENDINGS)
    _check_beside(arguments.out)
    if arguments.out.endswith(".skops"):
        check_skops(arguments.classifier)
    _check_file("--report", arguments.report, ".html")
    _read_about(arguments.about)
    if arguments.folds == 1:
        raise ParameterError("--folds 1 leaves nothing to learn from; 2 or more, or 0 for no judging")
    clf = EyeClassifier(
        features=arguments.features,
        classifier=arguments.classifier,
        n_components=arguments.components,
        n_copies=arguments.copies,
        n_support=arguments.vectors,
        weights=arguments.weights,
        cascade=arguments.cascade,
        group_effect=arguments.group_effect,
        n_directions=arguments.directions,
        remove_glare=arguments.remove_glare,
        align=arguments.align,
        n_synthetic=arguments.synthetic,
        calibrate_synthetic=arguments.calibrate_synthetic,
        random_state=arguments.seed,
    )
    # Refuses unknown names, and options that do not go together, before anything is read.
    build_pipelines(arguments.features, arguments.classifier, n_components=arguments.components)
    check_learner(arguments)
    if arguments.align is not None:
        shipped_alignment()  # refuses what is missing or damaged
    sets = read_sets(arguments.paths, arguments.labels)
    if arguments.labelled_only:
        sets = [_labelled(eyes) for eyes in sets]
    data = [load_images(eyes, size=clf.size) for eyes in sets]
    failed = [failure for part in data for failure in part.failed]
    for name, reason in failed:
        print(f"classic-eyes: left out {name}: {reason}", file=sys.stderr)
    joined = LoadedSet(
        concatenate([part.eyes for part in data]), np.concatenate([part.images for part in data]), tuple(failed)
    )
    print(joined.eyes.summary(), file=sys.stderr)
    n_unknown = int((joined.eyes.labels == UNLABELLED).sum())
    if n_unknown:
        if arguments.folds is not None:
            raise ParameterError(
                f"--folds {arguments.folds} judges by labels, and {n_unknown} of {len(joined.eyes)} images have "
                "none; leave --folds out, or the images with --labelled-only"
            )
        if n_unknown < len(joined.eyes):
            print(
                f"{n_unknown} have no label: what these are is found first; --labelled-only leaves them out",
                file=sys.stderr,
            )
        results = _find_labels(clf, joined, arguments)
    else:
        results = _train_labelled(clf, joined, [len(part.eyes) for part in data], arguments)
    described = [_describe(path, part.eyes) for path, part in zip(arguments.paths, data, strict=True)]
    clf.save(arguments.out, card=_card(clf, described, results, arguments))
    if clf.not_compiled_ is None:
        print(f"wrote {arguments.out}, {compiled_path(arguments.out)} and {card_path(arguments.out)}", file=sys.stderr)
    else:
        print(f"wrote {arguments.out} and {card_path(arguments.out)}", file=sys.stderr)
        print(f"no compiled form beside it: {clf.not_compiled_}; scikit-learn answers", file=sys.stderr)
    return 1 if failed else 0


def _labelled(eyes: EyeSet) -> EyeSet:
    known = eyes.labels != UNLABELLED
    if not known.any():
        raise DataError(
            f"--labelled-only leaves nothing of {eyes.source!r}: none of its {len(eyes)} images has a label"
        )
    return eyes.take(known)


def _train_labelled(clf: EyeClassifier, data: LoadedSet, lengths: list[int], arguments: Namespace) -> Any:
    """Judge by folds, then train on everything; return the metrics."""
    arguments.folds = _FOLDS if arguments.folds is None else arguments.folds
    _check_trainable(data.eyes, arguments.folds, arguments.report)
    results = None
    if arguments.folds:
        print(f"judging by {arguments.folds} folds ...", file=sys.stderr)
        results = _judge(clf, data, arguments.paths, lengths, arguments)
        print(results_table(results))
    beside = f", and on {clf.n_synthetic:,} synthetic eyes" if clf.n_synthetic else ""
    print(f"training on all{beside} ...", file=sys.stderr)
    _learn_novelty_too(clf, data)
    clf.fit(data.images, data.eyes.labels, groups=data.eyes.groups)
    return results

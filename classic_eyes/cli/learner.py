"""Which options of ``classic-eyes train`` go together."""

from __future__ import annotations

from argparse import Namespace

from ..errors import ParameterError
from ..training.fitting import MAX_SYNTHETIC, MIN_CALIBRATING, takes_weights
from ..training.pipelines import CLASSIFIERS, make_classifier, split_views

__all__ = ["check_learner"]

_MACHINES = ("svm", "mirror", "metric")


def check_learner(arguments: Namespace) -> None:
    """Refuse options that go with other features or another classifier, by the names that they have here.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `classic_eyes.cli.train.add_arguments` declares them.

    Raises
    ------
    ParameterError
        For the first that does not go with the rest.
    """
    classifier, views = arguments.classifier, split_views(arguments.features)
    for option, value, fitting in (
        ("--vectors", arguments.vectors, _MACHINES),
        ("--group-effect", arguments.group_effect or None, _MACHINES),
        ("--directions", arguments.directions, ("metric",)),
        (
            "--synthetic",
            arguments.synthetic or None,
            [name for name in CLASSIFIERS if takes_weights(make_classifier(name))],
        ),
    ):
        if value is not None and classifier not in fitting:
            raise ParameterError(
                f"{option} {_typed(value)} goes with --classifier {', '.join(fitting)}, not {classifier}; leave it "
                "out, or change the classifier"
            )
    if arguments.synthetic > MAX_SYNTHETIC:
        raise ParameterError(
            f"--synthetic {arguments.synthetic} is too many; take {MAX_SYNTHETIC:,} at most, a few thousand do as well"
        )
    if arguments.calibrate_synthetic and arguments.synthetic < MIN_CALIBRATING:
        raise ParameterError(
            f"--calibrate-synthetic: {arguments.synthetic} synthetic eyes are too few, for they count as much as all "
            "images; give --synthetic 4000, or leave it out"
        )
    if arguments.directions == 1 or (isinstance(arguments.directions, tuple) and 1 in arguments.directions):
        raise ParameterError("--directions 1 is too few; take 2 or more, half of them even and half odd")
    if arguments.cascade is not None and len(views) < 2:
        raise ParameterError(
            f"--cascade {arguments.cascade}: --features names one view, so there is no other to ask; part views "
            "by a slash, such as hog,lbp/words_tt, or leave --cascade out"
        )
    if arguments.align == "others" and len(views) < 2:
        raise ParameterError(
            "--align others: --features names one view, so there is no other; part views by a slash, such as "
            "lbp/hog,words_tt, or take --align all"
        )
    for option, values, or_ in (
        ("--weights", arguments.weights, ""),
        ("--vectors", arguments.vectors, ", or one for all"),
        ("--directions", arguments.directions, ", or one for all"),
    ):
        if isinstance(values, tuple) and len(values) != len(views):
            raise ParameterError(
                f"{option} {_typed(values)} holds {len(values)} number(s), and --features parts {len(views)} view"
                f"{'y' if len(views) == 1 else 'ies'} by slashes; give one for each{or_}"
            )


def _typed(value: float | tuple[float, ...]) -> str:
    return ",".join(f"{number:.15g}" for number in (value if isinstance(value, tuple) else (value,)))

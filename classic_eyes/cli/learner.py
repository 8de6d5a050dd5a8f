"""Which options of ``classic-eyes train`` go together."""

from __future__ import annotations

from argparse import Namespace

from ..errors import ParameterError
from ..fitting import FEWEST_JUDGED, MOST_RENDERED, takes_weights
from ..pipeline import CLASSIFIERS, make_classifier, split_families

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
    classifier, families = arguments.classifier, split_families(arguments.features)
    for option, value, fitting in (
        ("--vectors", arguments.vectors, _MACHINES),
        ("--group-effect", arguments.group_effect or None, _MACHINES),
        ("--directions", arguments.directions, ("metric",)),
        (
            "--rendered",
            arguments.rendered or None,
            [name for name in CLASSIFIERS if takes_weights(make_classifier(name))],
        ),
    ):
        if value is not None and classifier not in fitting:
            raise ParameterError(
                f"{option} {_typed(value)} goes with --classifier {', '.join(fitting)}, not {classifier}; leave it "
                "out, or change the classifier"
            )
    if arguments.rendered > MOST_RENDERED:
        raise ParameterError(
            f"--rendered {arguments.rendered} is too many; take {MOST_RENDERED:,} at most, a few thousand do as well"
        )
    if arguments.calibrate_rendered and arguments.rendered < FEWEST_JUDGED:
        raise ParameterError(
            f"--calibrate-rendered: {arguments.rendered} rendered eyes are too few, for they count as much as all "
            "pictures; give --rendered 4000, or leave it out"
        )
    if arguments.directions == 1 or (isinstance(arguments.directions, tuple) and 1 in arguments.directions):
        raise ParameterError("--directions 1 is too few; take 2 or more, half of them even and half odd")
    if arguments.cascade is not None and len(families) < 2:
        raise ParameterError(
            f"--cascade {arguments.cascade}: --features names one family, so there is no other to ask; part families "
            "by a slash, such as hog,lbp/words_tt, or leave --cascade out"
        )
    if arguments.align == "others" and len(families) < 2:
        raise ParameterError(
            "--align others: --features names one family, so there is no other; part families by a slash, such as "
            "lbp/hog,words_tt, or take --align all"
        )
    for option, values, or_ in (
        ("--weights", arguments.weights, ""),
        ("--vectors", arguments.vectors, ", or one for all"),
        ("--directions", arguments.directions, ", or one for all"),
    ):
        if isinstance(values, tuple) and len(values) != len(families):
            raise ParameterError(
                f"{option} {_typed(values)} holds {len(values)} number(s), and --features parts {len(families)} famil"
                f"{'y' if len(families) == 1 else 'ies'} by slashes; give one for each{or_}"
            )


def _typed(value: float | tuple[float, ...]) -> str:
    return ",".join(f"{number:.15g}" for number in (value if isinstance(value, tuple) else (value,)))

"""What is compared: a literal table of scenarios, and the choice among them."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_eyes.classifier import EyeClassifier
from classic_eyes.errors import ParameterError
from classic_eyes.features import EXTRACTORS, count_hits
from classic_eyes.training.pipelines import CLASSIFIERS, DEFAULT_FEATURES, split_views

__all__ = ["KINDS", "SCENARIOS", "HaarBaseline", "Scenario", "choose_scenarios", "recipe_of"]

KINDS = ("together", "recipe", "alone", "ablation", "augmentation", "flip", "classifier", "shipped", "baseline")
# Kinds whose point is the features: with several classifiers asked for, each of them gets these.
_OF_ANY_CLASSIFIER = ("together", "alone", "ablation", "augmentation", "flip")


@dataclass(frozen=True)
class Scenario:
    """One row of the benchmark: what learns, from which features.

    Parameters
    ----------
    kind : str
        Which question it answers; one of `KINDS`.
    features : tuple of str or of tuple of str
        Names of `classic_eyes.features.EXTRACTORS`, or tuples of them, views learnt apart; none for the baseline and
        the shipped model.
    classifier : str or None, default ``"svm"``
        A name of `classic_eyes.training.pipelines.CLASSIFIERS`; None where nothing is learnt.
    changes : mapping, optional
        Parameters of `classic_eyes.EyeClassifier` that differ from the run's.
    called : str, default ""
        What the features are called; by default their names joined by plus signs, and views by slashes.
    variant : str, default ""
        What sets it apart from the row with the same features and classifier.

    Examples
    --------
    >>> Scenario("together", ("hog", "lbp"), variant="no copies").name
    'hog+lbp svm, no copies'
    """

    kind: str
    features: tuple[Any, ...] = ()
    classifier: str | None = "svm"
    changes: Mapping[str, Any] = field(default_factory=dict)
    called: str = ""
    variant: str = ""

    @property
    def name(self) -> str:
        """What it is called in tables; two results are compared by it.

        Returns
        -------
        str
            Features, classifier, variant.
        """
        if self.kind == "recipe":
            # Of two runs, the recipes before and after a change are one row, whatever they are made of.
            return self.called
        head = self.called or self._joined
        return " ".join(filter(None, (head, self.classifier))) + (f", {self.variant}" if self.variant else "")

    @property
    def told(self) -> str:
        """What it is made of, in one line.

        Returns
        -------
        str
            Features, classifier, and what is changed of it.
        """
        changes = [
            f"{name} {value}"
            for name, value in sorted(self.changes.items())
            if value is not None and value is not False  # 0 copies are told
        ]
        return ", ".join(filter(None, (self._joined, self.classifier, *changes)))

    @property
    def names(self) -> list[str]:
        """The names of its features, view after view.

        Returns
        -------
        list of str
            None twice.
        """
        return list(dict.fromkeys(name for view in self._views for name in view))

    @property
    def _views(self) -> list[tuple[str, ...]]:
        return split_views(self.features) if self.features else []

    @property
    def _joined(self) -> str:
        return "/".join("+".join(view) for view in self._views)

    @property
    def learns(self) -> bool:
        """Whether it is trained on the data, or comes as it is.

        Returns
        -------
        bool
            False for the shipped model and the baseline.
        """
        return self.kind not in ("shipped", "baseline")

    def parameters(self, *, n_copies: int, n_components: int, random_state: int) -> dict[str, Any]:
        """Return the parameters of its `classic_eyes.EyeClassifier`; none where nothing is learnt.

        Parameters
        ----------
        n_copies : int
            Varied copies of each image, unless the scenario says otherwise.
        n_components : int
            Principal components of each view, unless the scenario says otherwise.
        random_state : int
            Seed.

        Returns
        -------
        dict
            By name.
        """
        if not self.learns:
            return {}
        common = {"features": self.features, "classifier": self.classifier, "n_components": n_components}
        return {**common, "n_copies": n_copies, "random_state": random_state, **self.changes}


_D = DEFAULT_FEATURES
_W = (("words",), ("words_tt",))
_THREE = (("hog", "lbp"), *_W)
_SEVEN = ("ear", "haar", "hog", "lbp", "ltp", "pixels", "profile")
_NOTHING: dict[str, Any] = {"n_copies": 0, "augmentations": ()}
_MIRRORED: dict[str, Any] = {"n_copies": 0, "augmentations": ("flip",)}
_SHIPPED: dict[str, Any] = {
    "align": "others",
    "calibrate_synthetic": True,
    "group_effect": 0.03,
    "n_components": 700,
    "n_copies": 4,
    "n_directions": 96,
    "n_synthetic": 12000,
    "remove_glare": True,
}
_DEFAULT: dict[str, Any] = {**_SHIPPED, "cascade": 0.3, "n_support": (1500, 1500)}
_FAST: dict[str, Any] = {**_SHIPPED, "cascade": 0.08, "n_support": (1000, 1500)}

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("together", _D),
    # How the shipped models learnt; a test holds them against the cards.
    Scenario("recipe", (("hog", "lbp"), ("hog", "words_tt")), "metric", _DEFAULT, called="recipe of default"),
    Scenario("recipe", (("lbp",), ("hog", "words_tt")), "metric", _FAST, called="recipe of fast"),
    Scenario("alone", ("ear",)),
    Scenario("alone", ("haar",)),
    Scenario("alone", ("hog",)),
    Scenario("alone", ("lbp",)),
    Scenario("alone", ("ltp",)),
    Scenario("alone", ("pixels",)),
    Scenario("alone", ("profile",)),
    Scenario("alone", ("words",)),
    Scenario("alone", ("words_tt",)),
    Scenario("together", _THREE),
    Scenario("together", (_SEVEN, *_W), called="all"),
    Scenario("ablation", (("haar", "hog", "lbp", "ltp", "pixels", "profile"), *_W), called="all but ear"),
    Scenario("ablation", (("ear", "hog", "lbp", "ltp", "pixels", "profile"), *_W), called="all but haar"),
    Scenario("ablation", (("ear", "haar", "lbp", "ltp", "pixels", "profile"), *_W), called="all but hog"),
    Scenario("ablation", (("ear", "haar", "hog", "ltp", "pixels", "profile"), *_W), called="all but lbp"),
    Scenario("ablation", (("ear", "haar", "hog", "lbp", "pixels", "profile"), *_W), called="all but ltp"),
    Scenario("ablation", (("ear", "haar", "hog", "lbp", "ltp", "profile"), *_W), called="all but pixels"),
    Scenario("ablation", (("ear", "haar", "hog", "lbp", "ltp", "pixels"), *_W), called="all but profile"),
    Scenario("ablation", (_SEVEN, ("words_tt",)), called="all but words"),
    Scenario("ablation", (_SEVEN, ("words",)), called="all but words_tt"),
    Scenario("augmentation", _D, changes=_NOTHING, variant="no augmentation"),
    Scenario("augmentation", _D, changes=_MIRRORED, variant="mirror images only"),
    Scenario("flip", _D, changes={"flip_average": False}, variant="no flip-averaging"),
    # Its time grows with the square of the copies; the row to hold against it is the one with mirror images only.
    Scenario("classifier", _D, "libsvm", changes=_MIRRORED, variant="mirror images only"),
    Scenario("classifier", _D, "mirror"),
    Scenario("classifier", _D, "metric"),
    Scenario("classifier", _D, "gb"),
    Scenario("classifier", _D, "linear"),
    Scenario("classifier", _D, "knn"),
    Scenario("shipped", classifier=None, called="shipped model"),
    Scenario("baseline", classifier=None, called="Haar baseline"),
)
_BASELINE = SCENARIOS[-1]
# What a card tells of learning, beside the features and the classifier; the seed is the run's.
_RECIPE = (
    "align",
    "augmentations",
    "calibrate_synthetic",
    "calibration_folds",
    "cascade",
    "flip_average",
    "group_effect",
    "n_components",
    "n_copies",
    "n_directions",
    "n_synthetic",
    "n_support",
    "remove_glare",
    "weights",
)


def recipe_of(card: Mapping[str, Any], called: str = "recipe") -> Scenario:
    """Return the scenario that learns as a model did.

    Parameters
    ----------
    card : mapping
        The model's card, as `classic_eyes.persistence.read_card` reads it.
    called : str, default ``"recipe"``
        The name of the row, the same for any recipe, so that two runs can be compared.

    Returns
    -------
    Scenario
        Its features, classifier and parameters.

    Raises
    ------
    ParameterError
        For a card that does not tell, or a model of features or a classifier that have no name.

    Examples
    --------
    >>> card = {"parameters": {"features": [["hog", "lbp"], ["words"]], "classifier": "svm", "n_copies": 4}}
    >>> recipe_of(card).features
    (('hog', 'lbp'), ('words',))
    """
    told = card.get("parameters")
    if not isinstance(told, Mapping) or "features" not in told or not isinstance(told.get("classifier"), str):
        raise ParameterError("the card does not tell how the model learnt; take one that classic-eyes train wrote")
    features = tuple(tuple(entry) if isinstance(entry, list) else entry for entry in told["features"])
    _check_known("feature", Scenario("together", features).names, EXTRACTORS)
    _check_known("classifier", [told["classifier"]], CLASSIFIERS)
    changes = {key: told[key] for key in _RECIPE if key in told}
    # JSON knows no tuples, and a recipe is compared with others.
    changes = {key: tuple(value) if isinstance(value, list) else value for key, value in changes.items()}
    return Scenario("recipe", features, told["classifier"], changes, called=called)


def _check_known(what: str, given: Sequence[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name.lower(), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ParameterError(f"{what} {name!r} is not known; known are {', '.join(known)}{hint}")
    if len(set(given)) < len(given):
        raise ParameterError(f"{what} {', '.join(given)}: one is named twice; name each once")


def choose_scenarios(
    features: Sequence[str] | None = None, classifiers: Sequence[str] = (), recipes: Sequence[Scenario] = ()
) -> list[Scenario]:
    """Return the scenarios that answer a question; the Haar baseline, which costs nothing to learn, is always there.

    1. No features: the default ones together, unless there are recipes.
    2. Names: each alone, and together; as views, learnt apart, where they are given so.
    3. ``("all",)``: the whole table `SCENARIOS`; where dlib is not installed, without the feature ``ear`` and with a
       warning.

    Each with every classifier named; without any, as the table says, or with the default one.

    Parameters
    ----------
    features : sequence of str or of sequences of str, optional
        Names of `classic_eyes.features.EXTRACTORS`, or views of them, or ``all`` by itself.
    classifiers : sequence of str, default ()
        Names of `classic_eyes.training.pipelines.CLASSIFIERS`.
    recipes : sequence of Scenario, default ()
        As `recipe_of` gives them; they come first and keep their own classifiers.

    Returns
    -------
    list of Scenario
        No name twice.

    Raises
    ------
    ParameterError
        For an unknown name, listing the known ones, or a name given twice.

    Examples
    --------
    >>> [scenario.name for scenario in choose_scenarios(("hog", "lbp"))]
    ['hog svm', 'lbp svm', 'hog+lbp svm', 'Haar baseline']
    >>> [scenario.name for scenario in choose_scenarios(("profile",), ("svm", "gb", "linear", "knn"))]
    ['profile svm', 'profile gb', 'profile linear', 'profile knn', 'Haar baseline']
    """
    _check_known("classifier", classifiers, CLASSIFIERS)
    if features is not None and tuple(features) == ("all",):
        rows = _possible(SCENARIOS)
    else:
        together = Scenario("together", tuple(DEFAULT_FEATURES if features is None else features))
        wanted = [name for view in split_views(together.features) for name in view]
        _check_known("feature", wanted, [*EXTRACTORS, "all"])
        if "all" in wanted:
            raise ParameterError(f"feature 'all' stands for the whole table; give it without {', '.join(wanted)}")
        alone = [] if features is None else [Scenario("alone", (name,)) for name in wanted]
        joined = not recipes if features is None else len(wanted) > 1
        rows = alone + ([together] if joined else []) + [_BASELINE]
    return list({row.name: row for row in (*recipes, *_with_classifiers(rows, classifiers))}.values())


def _possible(rows: Sequence[Scenario]) -> list[Scenario]:
    """Leave out the feature that needs an extra, where that is not installed."""
    if find_spec("dlib") is not None:
        return list(rows)
    warnings.warn(
        "the feature ear is left out, for dlib is not installed: pip install 'classic-eyes[faces]'",
        UserWarning,
        stacklevel=3,
    )
    possible = []
    for row in rows:
        if row.features and "ear" in row.names:
            views = [tuple(name for name in view if name != "ear") for view in split_views(row.features)]
            if views == [()]:
                continue
            row = replace(row, features=tuple(view for view in views if view))
        if row.called != "all but ear":
            possible.append(row)
    return possible


def _with_classifiers(rows: list[Scenario], names: Sequence[str]) -> list[Scenario]:
    if not names:
        return rows
    chosen: list[Scenario] = []
    for row in rows:
        if row.kind in _OF_ANY_CLASSIFIER:
            # The table's own classifier answers the row's question; with another, the classifier is the question.
            kinds = ["classifier" if row.kind == "together" and name != row.classifier else row.kind for name in names]
            chosen += [replace(row, classifier=name, kind=kind) for name, kind in zip(names, kinds, strict=True)]
        elif not row.learns:
            chosen.append(row)
    return chosen


@dataclass(frozen=True)
class HaarBaseline:
    """The plain detector of the original task: open where OpenCV's cascade finds an eye at all.

    Parameters
    ----------
    cascade : str, default ``"eye_tree_eyeglasses"``
        A key of `classic_eyes.features.haar.CASCADES`; asked at scale 1.06, 0 neighbours and a least side of 4.

    References
    ----------
    Viola, Jones, CVPR 2001, doi:10.1109/CVPR.2001.990517.

    Examples
    --------
    >>> HaarBaseline().predict_proba(np.full((1, 24, 24), 128, np.uint8)).tolist()
    [[1.0, 0.0]]
    """

    cascade: str = "eye_tree_eyeglasses"

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return 0 and 1, for it knows no doubt.

        Parameters
        ----------
        images : uint8 array of shape (n, h, w)
            Grey images.

        Returns
        -------
        float64 array of shape (n, 2)
            Columns closed, open.
        """
        found = (count_hits(images, self.cascade) > 0).astype(np.float64)
        return np.column_stack([1 - found, found])


def make_judge(scenario: Scenario, parameters: Mapping[str, Any]) -> Any:
    """Return what answers in a scenario: not yet fitted if it learns.

    Parameters
    ----------
    scenario : Scenario
        One row.
    parameters : mapping
        As `Scenario.parameters` gives them.

    Returns
    -------
    object
        With ``predict_proba``.

    Raises
    ------
    ModelError
        Where the shipped model is missing.

    Examples
    --------
    >>> make_judge(SCENARIOS[-1], {})
    HaarBaseline(cascade='eye_tree_eyeglasses')
    """
    if scenario.kind == "baseline":
        return HaarBaseline()
    if scenario.kind == "shipped":
        return EyeClassifier.pretrained()
    return EyeClassifier(**parameters)

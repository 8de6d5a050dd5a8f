"""The rows of the benchmark: a literal table of scenarios, and the selection of some of them."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_eyes import EyeClassifier, load_model
from classic_eyes.errors import ParameterError
from classic_eyes.features import EXTRACTORS, count_hits
from classic_eyes.recipes import RECIPES, recipe
from classic_eyes.training.pipelines import CLASSIFIERS, split_views

__all__ = [
    "BASE",
    "KINDS",
    "SCENARIOS",
    "HaarBaseline",
    "Scenario",
    "choose_scenarios",
    "make_estimator",
    "recipe_scenario",
]

KINDS = ("together", "recipe", "alone", "ablation", "augmentation", "classifier", "shipped", "baseline")
# Kinds that compare features: if several classifiers are requested, each of them gets these rows.
_FOR_EVERY_CLASSIFIER = ("together", "alone", "ablation", "augmentation")
# Parameters of `EyeClassifier` that every scenario but a recipe starts from: a plain pipeline of one part each.
BASE: dict[str, Any] = {
    "features": ("hog", "lbp"),
    "classifier": "svm",
    "n_components": 300,
    "n_copies": 2,
    "remove_glare": False,
    "align": None,
    "n_synthetic": 0,
    "cascade": None,
    "detect_non_eyes": False,
    "size": 24,
}


@dataclass(frozen=True)
class Scenario:
    """One row of the benchmark.

    Parameters
    ----------
    kind : str
        The question it answers; one of `KINDS`.
    features : tuple of str or of tuple of str
        Names of `classic_eyes.features.EXTRACTORS`, or views of them; empty for the baseline and the shipped model.
    classifier : str or None, default ``"svm"``
        A name of `classic_eyes.training.pipelines.CLASSIFIERS`; None where nothing is trained.
    changes : mapping, optional
        Parameters of `classic_eyes.EyeClassifier` that differ from `BASE`, or from the recipe.
    label : str, default ""
        Name of the features; by default their names joined by plus signs, and views joined by slashes.
    variant : str, default ""
        Difference from the row with the same features and classifier.

    Examples
    --------
    >>> Scenario("together", ("hog", "lbp"), variant="no copies").name
    'hog+lbp svm, no copies'
    """

    kind: str
    features: tuple[Any, ...] = ()
    classifier: str | None = "svm"
    changes: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    variant: str = ""

    @property
    def name(self) -> str:
        """Features, classifier and variant; two runs are compared by it."""
        if self.kind == "recipe":
            # A recipe keeps its name when its content changes, so that runs before and after can be compared.
            return self.label
        head = self.label or "/".join("+".join(view) for view in self._views)
        return " ".join(filter(None, (head, self.classifier))) + (f", {self.variant}" if self.variant else "")

    @property
    def feature_names(self) -> list[str]:
        """Names of the features of all views, each once."""
        return list(dict.fromkeys(name for view in self._views for name in view))

    @property
    def _views(self) -> list[tuple[str, ...]]:
        return split_views(self.features) if self.features else []

    @property
    def is_trained(self) -> bool:
        """Whether it is trained on the data; False for the shipped model and the baseline."""
        return self.kind not in ("shipped", "baseline")


def recipe_scenario(name: str) -> Scenario:
    """Return the scenario of a recipe of `classic_eyes.recipes`."""
    features, classifier = (recipe(name)[key] for key in ("features", "classifier"))
    # Forms of a classifier are "metric", ("metric", {...}), and a sequence of these with one for each view.
    while not isinstance(classifier, str):
        classifier = classifier[0]
    named = tuple(tuple(each if isinstance(each, str) else each[0] for each in view) for view in split_views(features))
    return Scenario("recipe", named, classifier, label=f"recipe of {name}")


_D = BASE["features"]
_W = (("words",), ("words_tt",))
_THREE = (("hog", "lbp"), *_W)
_SEVEN = ("ear", "haar", "hog", "lbp", "ltp", "pixels", "profile")
_NO_COPIES: dict[str, Any] = {"n_copies": 0}

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("together", _D),
    *map(recipe_scenario, RECIPES),
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
    Scenario("together", (_SEVEN, *_W), label="all"),
    Scenario("ablation", (("haar", "hog", "lbp", "ltp", "pixels", "profile"), *_W), label="all but ear"),
    Scenario("ablation", (("ear", "hog", "lbp", "ltp", "pixels", "profile"), *_W), label="all but haar"),
    Scenario("ablation", (("ear", "haar", "lbp", "ltp", "pixels", "profile"), *_W), label="all but hog"),
    Scenario("ablation", (("ear", "haar", "hog", "ltp", "pixels", "profile"), *_W), label="all but lbp"),
    Scenario("ablation", (("ear", "haar", "hog", "lbp", "pixels", "profile"), *_W), label="all but ltp"),
    Scenario("ablation", (("ear", "haar", "hog", "lbp", "ltp", "profile"), *_W), label="all but pixels"),
    Scenario("ablation", (("ear", "haar", "hog", "lbp", "ltp", "pixels"), *_W), label="all but profile"),
    Scenario("ablation", (_SEVEN, ("words_tt",)), label="all but words"),
    Scenario("ablation", (_SEVEN, ("words",)), label="all but words_tt"),
    Scenario("augmentation", _D, changes=_NO_COPIES, variant="mirror images only"),
    # Its training time grows with the square of the copies; compare it with the row with mirror images only.
    Scenario("classifier", _D, "libsvm", changes=_NO_COPIES, variant="mirror images only"),
    Scenario("classifier", _D, "symmetric"),
    Scenario("classifier", _D, "metric"),
    Scenario("classifier", _D, "gb"),
    Scenario("classifier", _D, "linear"),
    Scenario("classifier", _D, "knn"),
    Scenario("shipped", classifier=None, label="shipped model"),
    Scenario("baseline", classifier=None, label="Haar baseline"),
)
_BASELINE = SCENARIOS[-1]


def _check_known(what: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name.lower(), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ParameterError(f"{what} {name!r} is not known; known are {', '.join(known)}{hint}")
    if len(set(names)) < len(names):
        raise ParameterError(f"{what} {', '.join(names)}: one is named twice; name each once")


def choose_scenarios(
    features: Sequence[Any] | None = None, classifiers: Sequence[str] = (), recipe_name: str | None = None
) -> list[Scenario]:
    """Return the scenarios for the requested features, classifiers and recipe, and the Haar baseline.

    1. No features: the default features together, unless a recipe is given.
    2. Names, or views of names: each feature alone, and all together.
    3. ``("all",)``: the whole table `SCENARIOS`. Where dlib is not installed, the feature ``ear`` is left out with a
       warning.

    Each row comes with every classifier named, or with its own one. A recipe comes first and keeps its classifier.

    Examples
    --------
    >>> [scenario.name for scenario in choose_scenarios(("hog", "lbp"))]
    ['hog svm', 'lbp svm', 'hog+lbp svm', 'Haar baseline']
    >>> [scenario.name for scenario in choose_scenarios(("profile",), ("svm", "gb", "linear", "knn"))]
    ['profile svm', 'profile gb', 'profile linear', 'profile knn', 'Haar baseline']
    """
    _check_known("classifier", classifiers, CLASSIFIERS)
    recipes = [] if recipe_name is None else [recipe_scenario(recipe_name)]
    if features is not None and tuple(features) == ("all",):
        rows = _installed(SCENARIOS)
    else:
        together = Scenario("together", tuple(BASE["features"] if features is None else features))
        names = [name for view in split_views(together.features) for name in view]
        _check_known("feature", names, [*EXTRACTORS, "all"])
        if "all" in names:
            raise ParameterError(f"feature 'all' stands for the whole table; give it without {', '.join(names)}")
        alone = [] if features is None else [Scenario("alone", (name,)) for name in names]
        joined = not recipes if features is None else len(names) > 1
        rows = alone + ([together] if joined else []) + [_BASELINE]
    return list({row.name: row for row in (*recipes, *_with_classifiers(rows, classifiers))}.values())


def _installed(rows: Sequence[Scenario]) -> list[Scenario]:
    """Return the rows without the feature ``ear`` if its extra, dlib, is not installed."""
    if find_spec("dlib") is not None:
        return list(rows)
    warnings.warn(
        "the feature ear is left out, for dlib is not installed: pip install 'classic-eyes[faces]'",
        UserWarning,
        stacklevel=3,
    )
    installed = []
    for row in rows:
        if "ear" in row.feature_names:
            views = [tuple(name for name in view if name != "ear") for view in split_views(row.features)]
            if views == [()]:
                continue
            row = replace(row, features=tuple(view for view in views if view))
        if row.label != "all but ear":
            installed.append(row)
    return installed


def _with_classifiers(rows: list[Scenario], names: Sequence[str]) -> list[Scenario]:
    if not names:
        return rows
    chosen: list[Scenario] = []
    for row in rows:
        if row.kind in _FOR_EVERY_CLASSIFIER:
            # With another classifier than the table's, a row of all features compares classifiers.
            kinds = ["classifier" if row.kind == "together" and name != row.classifier else row.kind for name in names]
            chosen += [replace(row, classifier=name, kind=kind) for name, kind in zip(names, kinds, strict=True)]
        elif not row.is_trained:
            chosen.append(row)
    return chosen


@dataclass(frozen=True)
class HaarBaseline:
    """The detector of the original task: open where OpenCV's Haar cascade finds an eye.

    `cascade` is a key of `classic_eyes.features.haar.CASCADES`.

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
        """Return probabilities of closed and open, each 0 or 1."""
        found = (count_hits(images, self.cascade) > 0).astype(np.float64)
        return np.column_stack([1 - found, found])


def make_estimator(scenario: Scenario, *, n_copies: int, n_components: int, random_state: int) -> Any:
    """Return the unfitted `EyeClassifier` of a scenario, the shipped model, or the baseline.

    A scenario's own changes take precedence over `n_copies` and `n_components`; a recipe ignores both.

    Examples
    --------
    >>> make_estimator(SCENARIOS[-1], n_copies=2, n_components=300, random_state=0)
    HaarBaseline(cascade='eye_tree_eyeglasses')
    """
    if scenario.kind == "baseline":
        return HaarBaseline()
    if scenario.kind == "shipped":
        return load_model()
    if scenario.kind == "recipe":
        name = scenario.label.removeprefix("recipe of ")
        return EyeClassifier.from_recipe(name, random_state=random_state, **scenario.changes)
    run = {"n_copies": n_copies, "n_components": n_components, "random_state": random_state}
    own = {"features": scenario.features, "classifier": scenario.classifier}
    return EyeClassifier(**{**BASE, **run, **own, **scenario.changes})

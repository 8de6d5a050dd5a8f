"""The clusterers' parameters searched by Optuna, on a criterion that needs no label."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.clustering.settings import FEATURE_SETS, Measured, Setting, measure
from classic_eyes.errors import MissingDependencyError, ParameterError
from classic_eyes.semisupervised.clusterers import CLUSTERERS
from classic_eyes.semisupervised.consensus import Consensus
from classic_eyes.semisupervised.knowledge import Knowledge
from classic_eyes.semisupervised.views import View

__all__ = ["CRITERIA", "require_optuna", "tune"]

CRITERIA = ("agreement", "silhouette")
# Those with parameters worth a search, or with none; informed is what the search is held against.
_SEARCHED = tuple(name for name in CLUSTERERS if name != "informed")


def _suggested(trial: Any) -> Setting:
    features = trial.suggest_categorical("features", ["+".join(each) for each in FEATURE_SETS])
    clusterer = trial.suggest_categorical("clusterer", list(_SEARCHED))
    parameters: dict[str, Any] = {}
    if clusterer == "agglomerative":
        parameters["linkage"] = trial.suggest_categorical("linkage", ["ward", "complete", "average"])
    if clusterer == "dbscan":
        parameters["reach"] = trial.suggest_float("reach", 0.05, 0.95)
        parameters["min_samples"] = trial.suggest_int("min_samples", 3, 30)
    if clusterer == "hdbscan":
        parameters["least_share"] = trial.suggest_float("least_share", 0.005, 0.2, log=True)
    if clusterer == "gmm":
        parameters["covariance"] = trial.suggest_categorical("covariance", ["full", "diag", "spherical"])
    if clusterer in ("gmm", "gmm_tied"):
        parameters["floor"] = trial.suggest_float("floor", 1e-7, 1e-2, log=True)
    n_components = trial.suggest_int("n_components", 2, 100, log=True)
    mirrored = trial.suggest_categorical("mirrored", [True, False])
    return Setting(tuple(features.split("+")), clusterer, n_components, mirrored, parameters)


def require_optuna() -> Any:
    """Return Optuna, or say how to get it.

    Returns
    -------
    module
        Optuna.

    Raises
    ------
    MissingDependencyError
        Where it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingDependencyError(
            "tuning needs Optuna, which is not installed; run: pip install 'classic-eyes[tune]', in a clone "
            "pip install -e '.[tune]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def tune(
    views: Mapping[tuple[str, ...], View],
    consensus: Consensus,
    knowledge: Knowledge,
    *,
    by: str = "agreement",
    n_trials: int = 40,
    random_state: int = 0,
) -> list[Measured]:
    """Search features, components, clusterer and its parameters for the greatest value of a criterion.

    Parameters
    ----------
    views : mapping of tuple of str to View
        A view for each of `FEATURE_SETS`.
    consensus : Consensus
        For the criterion ``agreement``.
    knowledge : Knowledge
        Of the same images.
    by : str, default ``"agreement"``
        ``agreement`` or ``silhouette``; neither needs a label.
    n_trials : int, default 40
        Settings tried.
    random_state : int, default 0
        Seed of the search and of the clusterers.

    Returns
    -------
    list of Measured
        All settings tried, the best first.

    Raises
    ------
    ParameterError
        For an unknown criterion.
    MissingDependencyError
        Where Optuna is not installed.

    References
    ----------
    Akiba, Sano, Yanase, Ohta, Koyama, "Optuna", KDD 2019, doi:10.1145/3292500.3330701.
    """
    if by not in CRITERIA:
        raise ParameterError(f"by is {by!r}; it must be one of {', '.join(CRITERIA)}")
    optuna = require_optuna()
    tried: list[tuple[float, Measured]] = []

    def _worth(trial: Any) -> float:
        setting = _suggested(trial)
        found = measure(
            setting, views[setting.features], consensus, knowledge, random_state=random_state, repeats=False
        )
        value = float(getattr(found, by))
        # One cluster, or noise alone, has no silhouette; it is worse than any.
        value = -1.0 if math.isnan(value) else value
        tried.append((value, found))
        return value

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=random_state))
    study.optimize(_worth, n_trials=n_trials)
    return [found for _, found in sorted(tried, key=lambda each: -each[0])]

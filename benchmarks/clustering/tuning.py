"""Search clusterers and their parameters with Optuna, by a criterion that needs no label."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.clustering.clusterers import CLUSTERERS
from benchmarks.clustering.settings import FEATURE_SETS, Measurement, Setting, measure
from classic_eyes.errors import MissingDependencyError, ParameterError
from classic_eyes.semisupervised.consensus import Consensus
from classic_eyes.semisupervised.priors import PriorScores
from classic_eyes.semisupervised.views import View

__all__ = ["CRITERIA", "require_optuna", "tune"]

CRITERIA = ("agreement", "silhouette")
# The clusterer `informed` is what the search is compared with.
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
    """Return the module ``optuna``; MissingDependencyError with the remedy if it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise MissingDependencyError(
            "--tune needs Optuna, which is not installed; run: pip install -e '.[bench]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def tune(
    views: Mapping[tuple[str, ...], View],
    consensus: Consensus,
    priors: PriorScores,
    *,
    by: str = "agreement",
    n_trials: int = 40,
    random_state: int = 0,
) -> list[Measurement]:
    """Search features, components, clusterer and its parameters; return all settings tried, the best first.

    `views` has a view for each of `FEATURE_SETS`. The criterion `by` is ``agreement`` or ``silhouette``.

    References
    ----------
    Akiba, Sano, Yanase, Ohta, Koyama, "Optuna", KDD 2019, doi:10.1145/3292500.3330701.
    """
    if by not in CRITERIA:
        raise ParameterError(f"by is {by!r}; it must be one of {', '.join(CRITERIA)}")
    optuna = require_optuna()
    tried: list[tuple[float, Measurement]] = []

    def _value(trial: Any) -> float:
        setting = _suggested(trial)
        found = measure(setting, views[setting.features], consensus, priors, random_state=random_state, repeats=False)
        value = float(getattr(found, by))
        # A single cluster, or noise alone, has no silhouette and ranks last.
        value = -1.0 if math.isnan(value) else value
        tried.append((value, found))
        return value

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=random_state))
    study.optimize(_value, n_trials=n_trials)
    return [found for _, found in sorted(tried, key=lambda each: -each[0])]

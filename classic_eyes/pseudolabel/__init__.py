"""Labels without a labeller: clusters, their consensus, which of them is open, and self-training from there."""

from .clusterers import CLUSTERERS, cluster_rows, informed_mixture
from .consensus import STARTS, VIEW_FEATURES, Consensus, Start, find_consensus
from .evaluation import evaluate_consensus, evaluate_criteria, evaluate_held_out, evaluate_measured, evaluate_trail
from .knowledge import KNOWLEDGE, Knowledge, Orientation, gather_knowledge, orient
from .learning import DOUBTFUL, LEAST_PICTURES, REFUSED, Trail, learn_labels
from .selftraining import REASONS, Round, SelfTrained, check_confident, self_train
from .settings import FEATURE_SETS, SETTINGS, Measured, Setting, measure
from .tuning import CRITERIA, require_optuna, tune
from .views import View, lay_out, make_view

__all__ = [
    "CLUSTERERS",
    "CRITERIA",
    "Consensus",
    "DOUBTFUL",
    "FEATURE_SETS",
    "KNOWLEDGE",
    "Knowledge",
    "LEAST_PICTURES",
    "Measured",
    "Orientation",
    "REASONS",
    "REFUSED",
    "Round",
    "SETTINGS",
    "STARTS",
    "SelfTrained",
    "Setting",
    "Start",
    "Trail",
    "VIEW_FEATURES",
    "View",
    "check_confident",
    "cluster_rows",
    "evaluate_consensus",
    "evaluate_criteria",
    "evaluate_held_out",
    "evaluate_measured",
    "evaluate_trail",
    "find_consensus",
    "gather_knowledge",
    "informed_mixture",
    "lay_out",
    "learn_labels",
    "make_view",
    "measure",
    "orient",
    "require_optuna",
    "self_train",
    "tune",
]

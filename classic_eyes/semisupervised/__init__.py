"""Labels without a labeller: clusters, their consensus, which of them is open, and self-training from there."""

from .clusterers import CLUSTERERS, cluster_rows, informed_mixture
from .consensus import STARTS, VIEW_FEATURES, Consensus, Start, find_consensus
from .knowledge import KNOWLEDGE, Knowledge, Orientation, gather_knowledge, orient
from .learning import DOUBTFUL, MIN_IMAGES, REFUSED, History, learn_labels
from .selftraining import REASONS, Round, SelfTrained, check_confident, self_train
from .views import View, lay_out, make_view

__all__ = [
    "CLUSTERERS",
    "Consensus",
    "DOUBTFUL",
    "KNOWLEDGE",
    "Knowledge",
    "MIN_IMAGES",
    "Orientation",
    "REASONS",
    "REFUSED",
    "Round",
    "STARTS",
    "SelfTrained",
    "Start",
    "History",
    "VIEW_FEATURES",
    "View",
    "check_confident",
    "cluster_rows",
    "find_consensus",
    "gather_knowledge",
    "informed_mixture",
    "lay_out",
    "learn_labels",
    "make_view",
    "orient",
    "self_train",
]

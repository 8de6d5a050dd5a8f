"""Labels for images without labels: priors, views, consensus clustering, cluster orientation, self-training."""

from .._utils import training_packages  # noqa: F401
from .consensus import VIEW_FEATURES, Consensus, find_consensus
from .finding import find_labels
from .history import History
from .priors import ClusterOrientation, compute_priors, orient_clusters
from .selftraining import Round, self_train
from .views import embed_2d, make_view

__all__ = [
    "ClusterOrientation",
    "Consensus",
    "History",
    "Round",
    "VIEW_FEATURES",
    "compute_priors",
    "embed_2d",
    "find_consensus",
    "find_labels",
    "make_view",
    "orient_clusters",
    "self_train",
]

"""Labels for images without labels: priors, views, consensus clustering, cluster orientation, self-training."""

from .._utils import training_packages  # noqa: F401
from .consensus import Consensus, find_consensus
from .finding import find_labels
from .history import History
from .priors import ClusterOrientation, compute_priors, orient_clusters
from .selftraining import Round, self_train
from .views import VIEW_FEATURES, embed_2d, make_view, make_views

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
    "make_views",
    "orient_clusters",
    "self_train",
]

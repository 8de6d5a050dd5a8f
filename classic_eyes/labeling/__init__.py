"""Labelling by a person: the order in which images are labelled, and an audit of given labels."""

from .._utils import training_packages  # noqa: F401
from .audit import AUDIT_FEATURES, Audit, Reviewer, audit_labels, independent_reviewer, out_of_fold_reviewer
from .priority import ORDERS, prioritize, queue_images

__all__ = [
    "AUDIT_FEATURES",
    "Audit",
    "ORDERS",
    "Reviewer",
    "audit_labels",
    "independent_reviewer",
    "out_of_fold_reviewer",
    "prioritize",
    "queue_images",
]

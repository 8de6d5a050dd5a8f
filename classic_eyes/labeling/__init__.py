"""Labelling by a person: the order in which images are labelled, and an audit of given labels."""

from .audit import Audit, Reviewer, audit_labels, independent_reviewer
from .priority import ORDERS, LabelingQueue, prioritize

__all__ = [
    "Audit",
    "LabelingQueue",
    "ORDERS",
    "Reviewer",
    "audit_labels",
    "independent_reviewer",
    "prioritize",
]

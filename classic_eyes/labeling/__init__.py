"""A person's labels: in which order to ask for them, what few of them are worth, which of them are likely wrong."""

from .audit import Audit, Witness, audit_labels, second_witness
from .evaluation import Judged, contradicted_by_most, evaluate_audit
from .few import LEARNERS, Crowd, gather_crowd, learn_from_few
from .order import ORDERS, Asking, arrange

__all__ = [
    "Asking",
    "Audit",
    "Crowd",
    "Judged",
    "LEARNERS",
    "ORDERS",
    "Witness",
    "arrange",
    "audit_labels",
    "contradicted_by_most",
    "evaluate_audit",
    "gather_crowd",
    "learn_from_few",
    "second_witness",
]

"""A person's labels: in which order to ask for them, what few of them are worth, which of them are likely wrong."""

from .audit import Audit, Witness, audit_labels, second_witness
from .order import ORDERS, Asking, arrange

__all__ = [
    "Asking",
    "Audit",
    "ORDERS",
    "Witness",
    "arrange",
    "audit_labels",
    "second_witness",
]

"""From fitted pipelines to fast answers: compiled programs, and folders scored in chunks.

What needs scikit-learn is in `compiling`, which is not imported here: answering needs none.
"""

from .folders import BACKENDS, CHUNK, Scored, quickest_backend, score_files
from .program import Program

__all__ = ["BACKENDS", "CHUNK", "Program", "Scored", "quickest_backend", "score_files"]

"""Faces in photographs: detection, eye localization, cutting of patches, and the verdict for both eyes."""

from .._utils import dependencies  # noqa: F401
from .cutting import cut_eye
from .drawing import draw_faces
from .reader import Eye, Face, FaceReader
from .verdict import VERDICTS

__all__ = ["VERDICTS", "Eye", "Face", "FaceReader", "cut_eye", "draw_faces"]

"""Whole photographs: faces, their eyes, how far those are open, and what becomes of both eyes together."""

from .drawing import draw_faces
from .points import FacePoints, find_landmark_file, open_points
from .reading import Eye, Face, FaceReader
from .verdict import VERDICTS, evidence, joint_verdict

__all__ = [
    "VERDICTS",
    "Eye",
    "Face",
    "FacePoints",
    "FaceReader",
    "draw_faces",
    "evidence",
    "find_landmark_file",
    "joint_verdict",
    "open_points",
]

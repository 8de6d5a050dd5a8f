"""What the service computes: patches in batches, and the faces of a photograph."""

import os
from importlib.util import find_spec
from typing import Any

from batches import batched
from fastapi import HTTPException

from classic_eyes import load_model
from classic_eyes.errors import ImageError
from classic_eyes.faces import Eye, FaceReader
from classic_eyes.images import read_images
from classic_eyes.inference.novelty import verdicts

MAX_PATCH_PIXELS, MAX_PHOTOGRAPH_PIXELS = 1_000_000, 25_000_000

MODEL = load_model(os.environ.get("CLASSIC_EYES_MODEL", "default"))
MODEL.verdict([[[0]]])  # a model without non-eye detection is refused now, not with the first request
READER = FaceReader(MODEL) if find_spec("dlib") else None


@batched
def classify(files: list[bytes]) -> list[dict[str, Any]]:
    """Return probability, verdict and novelty of each patch, or the reason why there are none."""
    images, errors = read_images(files, size=MODEL.size, max_pixels=MAX_PATCH_PIXELS)
    good = images[[error is None for error in errors]]
    if not len(good):
        return [{"error": error} for error in errors]
    # Further digits depend on the batch, and the last of these may.
    opened, novelty = MODEL.predict_proba(good)[:, 1].round(6), MODEL.novelty_score(good).round(6)
    states = verdicts(opened, novelty, unsure=MODEL.program.unsure)
    columns = zip(opened.tolist(), states, novelty.tolist(), strict=True)
    rows = ({"open": share, "verdict": state, "novelty": new} for share, state, new in columns)
    return [next(rows) if error is None else {"error": error} for error in errors]


def read_faces(file: bytes) -> list[dict[str, Any]]:
    """Return the faces of a photograph from left to right, and the probability that each eye is open."""
    assert READER is not None  # the application has looked
    try:
        faces = READER.read(file, max_pixels=MAX_PHOTOGRAPH_PIXELS)
    except ImageError as error:
        raise HTTPException(422, str(error)) from error
    return [{"box": face.box, "verdict": face.verdict, "eyes": [_row(eye) for eye in face.eyes]} for face in faces]


def _row(eye: Eye) -> dict[str, Any]:
    return {"name": eye.name, "box": eye.box, "open": round(eye.probability, 6), "hidden": eye.hidden}

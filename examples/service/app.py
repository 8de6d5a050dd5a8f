"""Images in, JSON out: ``uvicorn app:app --limit-concurrency 1000``. The README tells what it accepts."""

import logging
import os
from importlib.util import find_spec
from typing import Any

from anyio import CapacityLimiter, to_thread
from batches import batched
from bodies import files_of
from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException

from classic_eyes import __version__, load_model
from classic_eyes.cli.stats import Stats, read_reference
from classic_eyes.errors import ImageError
from classic_eyes.faces import FaceReader
from classic_eyes.images import read_images, read_photograph
from classic_eyes.inference import Scored
from classic_eyes.inference.novelty import verdicts

MAX_PATCH_PIXELS, MAX_PHOTOGRAPH_PIXELS = 1_000_000, 25_000_000
AT_A_TIME = CapacityLimiter(64)  # requests whose bodies are in memory; others wait, unread
ONE_PHOTOGRAPH = CapacityLimiter(1)  # at a time: it takes a core and some 200 MB

MODEL = load_model(os.environ.get("CLASSIC_EYES_MODEL", "default"))
MODEL.verdict([[[0]]])  # a model without non-eye detection is refused now, not with the first request
DIGEST = MODEL.fingerprint
READER = FaceReader(MODEL) if find_spec("dlib") else None
REFERENCE = os.environ.get("CLASSIC_EYES_REFERENCE")  # a file that predict --stats or /stats wrote
STATS = Stats(MODEL, 0.5, read_reference(REFERENCE) if REFERENCE else None)
LOG = logging.getLogger("uvicorn.error")

# The pages of the interface load scripts from another server.
app = FastAPI(title="classic_eyes", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)


@app.exception_handler(HTTPException)
async def refuse(request: Request, error: HTTPException) -> Response:
    """Log what is refused, and why."""
    LOG.warning("refused %s %.99r: %s %s", request.method, request.url.path, error.status_code, error.detail)
    return await http_exception_handler(request, error)


@batched
def classify(files: list[bytes]) -> list[dict[str, Any]]:
    """Return probability, verdict and novelty of each patch, or the reason why there are none."""
    images, errors = read_images(files, size=MODEL.size, max_pixels=MAX_PATCH_PIXELS)
    good = images[[error is None for error in errors]]
    if not len(good):
        return [{"error": error} for error in errors]
    opened, novelty = MODEL.predict_proba(good)[:, 1].round(6), MODEL.novelty_score(good).round(6)
    states = verdicts(opened, novelty, unsure=MODEL.program.unsure)
    columns = zip(opened.tolist(), states, novelty.tolist(), strict=True)
    rows = ({"open": share, "verdict": state, "novelty": new} for share, state, new in columns)
    return [next(rows) if error is None else {"error": error} for error in errors]


def read_faces(file: bytes) -> list[dict[str, Any]]:
    """Return the faces of a photograph from left to right, and the probability that each eye is open."""
    try:
        faces = READER.read(read_photograph(file, max_pixels=MAX_PHOTOGRAPH_PIXELS))
    except ImageError as error:
        raise HTTPException(422, f"the photograph cannot be read: {error}") from error
    keys = {"name": "name", "box": "box", "open": "probability", "hidden": "hidden"}
    eyes = [[{key: getattr(eye, of) for key, of in keys.items()} for eye in face.eyes] for face in faces]
    return [{"box": face.box, "verdict": face.verdict, "eyes": pair} for face, pair in zip(faces, eyes, strict=True)]


@app.post("/patches")
async def patches(request: Request) -> dict[str, Any]:
    """Classify one eye, the body of the request, or several, the files of a form."""
    async with AT_A_TIME:
        rows = await classify(await files_of(request))
    for row in rows:
        STATS.add(Scored(row.get("open"), row.get("error"), row.get("novelty")))
    reasons = [row["error"] for row in rows if "error" in row]
    if len(reasons) == len(rows):
        raise HTTPException(422, f"no image can be read: {reasons[0]}")
    for reason in reasons:
        LOG.warning("refused a file of a form: %s", reason)
    return {"patches": rows}


@app.post("/photographs")
async def photographs(request: Request) -> dict[str, Any]:
    """Find the faces of a photograph, the first file of the request, and classify their eyes."""
    if READER is None:
        raise HTTPException(501, "photographs need the package dlib")
    async with AT_A_TIME:
        return {"faces": await to_thread.run_sync(read_faces, (await files_of(request))[0], limiter=ONE_PHOTOGRAPH)}


@app.get("/stats")
async def stats() -> dict[str, Any]:
    """Return what ``predict --stats`` writes, for all patches since the start."""
    return STATS.to_dict()


@app.get("/health")
async def health() -> dict[str, str]:
    """Return which model answers."""
    return {"status": "ok", "version": __version__, "sha256": DIGEST}

"""Images in, JSON out: ``uvicorn app:app --limit-concurrency 64``. The README tells what it accepts."""

import os
from importlib.util import find_spec
from typing import Any

from anyio import CapacityLimiter, to_thread
from batches import batched
from fastapi import FastAPI, HTTPException, Request
from starlette.datastructures import UploadFile

from classic_eyes import __version__, load_model
from classic_eyes.errors import ImageError
from classic_eyes.faces import FaceReader
from classic_eyes.images import read_images, read_photograph
from classic_eyes.inference.novelty import verdicts

MAX_BYTES, MAX_IMAGES = 10_000_000, 256  # of a request
MAX_PATCH_PIXELS, MAX_PHOTOGRAPH_PIXELS = 1_000_000, 25_000_000

MODEL = load_model(os.environ.get("CLASSIC_EYES_MODEL", "default"))
MODEL.verdict([[[0]]])  # a model without non-eye detection is refused now, not with the first request
DIGEST = MODEL.fingerprint
READER = FaceReader(MODEL) if find_spec("dlib") else None
ONE_PHOTOGRAPH = CapacityLimiter(1)  # at a time: it takes a core and some 200 MB

app = FastAPI(title="classic_eyes", version=__version__)


async def files_of(request: Request) -> list[bytes]:
    """Return the image that is the body of a request, or the files of a form; read at most `MAX_BYTES`."""
    receive, n_bytes = request.receive, 0

    async def limited() -> Any:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        if n_bytes > MAX_BYTES or message["type"] == "http.disconnect":
            raise HTTPException(413, f"the request has more than {MAX_BYTES:,} bytes, or ended early")
        return message

    request = Request(request.scope, limited)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("image/") or kind == "application/octet-stream":
        return [await request.body()]
    if kind != "multipart/form-data":
        raise HTTPException(415, f"content type {kind[:60]!r}; allowed is image/... or multipart/form-data")
    async with request.form(max_files=MAX_IMAGES, max_fields=0) as form:
        files = [await part.read() for _, part in form.multi_items() if isinstance(part, UploadFile)]
    if not files:
        raise HTTPException(400, "the form has no file")
    return files


@batched
def classify(files: list[bytes]) -> list[dict[str, Any]]:
    """Return probability and verdict of each patch, or the reason why there is none."""
    images, errors = read_images(files, size=MODEL.size, max_pixels=MAX_PATCH_PIXELS)
    good = images[[error is None for error in errors]]
    if not len(good):
        return [{"error": error} for error in errors]
    opened, novelty = MODEL.predict_proba(good)[:, 1], MODEL.novelty_score(good)
    states = verdicts(opened, novelty, unsure=MODEL.program.unsure)
    rows = iter([{"open": share, "verdict": state} for share, state in zip(opened.tolist(), states, strict=True)])
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
    rows = await classify(await files_of(request))
    if all("error" in row for row in rows):
        raise HTTPException(422, f"no image can be read: {rows[0]['error']}")
    return {"patches": rows}


@app.post("/photographs")
async def photographs(request: Request) -> dict[str, Any]:
    """Find the faces of a photograph, the first file of the request, and classify their eyes."""
    if READER is None:
        raise HTTPException(501, "photographs need the package dlib")
    return {"faces": await to_thread.run_sync(read_faces, (await files_of(request))[0], limiter=ONE_PHOTOGRAPH)}


@app.get("/health")
async def health() -> dict[str, str]:
    """Return which model answers."""
    return {"status": "ok", "version": __version__, "sha256": DIGEST}

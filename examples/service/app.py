"""Images in, JSON out: ``uvicorn app:app --limit-concurrency 1000``. The README states what it accepts."""

import logging
import os
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from anyio import CapacityLimiter, Lock, fail_after, to_thread
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from classic_eyes import __version__, load_model
from classic_eyes.cli.stats import Stats
from classic_eyes.errors import ClassicEyesError, ImageError
from classic_eyes.faces import Eye, FaceReader
from classic_eyes.inference import Scored, score_files
from classic_eyes.inference.novelty import verdicts

MAX_BYTES, MAX_SECONDS = 10_000_000, 20  # of a request
MAX_PATCH_PIXELS, MAX_PHOTOGRAPH_PIXELS = 1_000_000, 25_000_000
IN_MEMORY, ONE_PHOTOGRAPH = CapacityLimiter(64), CapacityLimiter(1)  # a photograph takes a core and some 200 MB
WAITING: list[tuple[bytearray, list[Scored]]] = []  # patches, and where the answer of each goes
PREDICTION, LOG = Lock(), logging.getLogger("uvicorn.error")
try:
    MODEL = load_model(os.environ.get("CLASSIC_EYES_MODEL") or "default")
    MODEL.verdict([[[0]]])  # a model without non-eye detection is refused now, not with the first request
    STATS = Stats(MODEL, 0.5, os.environ.get("CLASSIC_EYES_REFERENCE") or None)  # what /stats or --stats wrote
except ClassicEyesError as error:
    raise SystemExit(f"the service cannot start: {error}") from None
READER = FaceReader(MODEL) if find_spec("dlib") else None
app = FastAPI(openapi_url=None)  # the pages that describe the interface would load scripts from another server


@app.exception_handler(HTTPException)
@app.exception_handler(ImageError)
async def refuse(request: Request, error: Any) -> Response:
    status, reason = getattr(error, "status_code", 422), getattr(error, "detail", str(error))
    LOG.warning("refused %s %.99r: %s %s", request.method, request.url.path, status, reason)
    return JSONResponse({"detail": reason}, status, getattr(error, "headers", None))


async def body_of(request: Request) -> bytearray:
    body = bytearray()
    try:
        with fail_after(MAX_SECONDS):
            async for block in request.stream():
                body += block
                if len(body) > MAX_BYTES:
                    raise HTTPException(413, f"the request has more than {MAX_BYTES:,} bytes")
    except (TimeoutError, ClientDisconnect) as error:
        what = "ended early" if isinstance(error, ClientDisconnect) else f"took more than {MAX_SECONDS} seconds to send"
        raise HTTPException(408, f"the request {what}", {"connection": "close"}) from None
    return body


@app.post("/patches")
async def patch(request: Request) -> dict[str, Any]:
    async with IN_MEMORY:
        WAITING.append((await body_of(request), answer := list[Scored]()))
        async with PREDICTION:  # of all patches that wait: a batch costs less for each
            if not answer:
                (files, answers), WAITING[:] = zip(*WAITING, strict=True), []
                scored = score_files(files, MODEL.program, novelty=True, max_pixels=MAX_PATCH_PIXELS)
                for into, each in zip(answers, await to_thread.run_sync(list, scored), strict=True):
                    into.append(each)
    STATS.add(answer[0])
    opened, reason, novelty, _ = answer[0]
    if opened is None or novelty is None:
        raise ImageError(reason)
    (verdict,) = verdicts(np.array([opened]), np.array([novelty]), unsure=MODEL.program.unsure)
    return {"open": round(opened, 6), "verdict": verdict, "novelty": round(novelty, 6)}


@app.post("/photographs")
async def photograph(request: Request) -> dict[str, Any]:
    if READER is None:
        raise HTTPException(501, "photographs need dlib, the extra faces")
    async with IN_MEMORY:
        read = partial(READER.read, await body_of(request), max_pixels=MAX_PHOTOGRAPH_PIXELS)
        faces = await to_thread.run_sync(read, limiter=ONE_PHOTOGRAPH)
    return {"faces": [{"box": face.box, "verdict": face.verdict, "eyes": [*map(row, face.eyes)]} for face in faces]}


def row(eye: Eye) -> dict[str, Any]:
    return {"name": eye.name, "box": eye.box, "open": round(eye.probability, 6), "hidden": eye.hidden}


@app.get("/stats")
async def stats() -> dict[str, Any]:
    return STATS.to_dict()


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok", "version": __version__, "sha256": MODEL.fingerprint}

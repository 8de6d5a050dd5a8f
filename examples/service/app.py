"""Images in, JSON out: ``uvicorn app:app --limit-concurrency 1000``. The README tells what it accepts."""

import logging
import os
from typing import Any

from anyio import CapacityLimiter, to_thread
from bodies import files_of
from eyes import MODEL, READER, classify, read_faces
from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException

from classic_eyes import __version__
from classic_eyes.cli.stats import Stats, read_reference
from classic_eyes.inference import Scored

AT_A_TIME = CapacityLimiter(64)  # requests whose bodies are in memory; others wait
ONE_PHOTOGRAPH = CapacityLimiter(1)  # at a time: it takes a core and some 200 MB

DIGEST = MODEL.fingerprint
REFERENCE = os.environ.get("CLASSIC_EYES_REFERENCE")  # a file that /stats or predict --stats wrote
STATS = Stats(MODEL, 0.5, read_reference(REFERENCE) if REFERENCE else None)
LOG = logging.getLogger("uvicorn.error")

# The pages of the interface would load scripts from another server.
app = FastAPI(title="classic_eyes", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)


@app.exception_handler(HTTPException)
async def refuse(request: Request, error: HTTPException) -> Response:
    """Log what is refused, and why."""
    LOG.warning("refused %s %.99r: %s %s", request.method, request.url.path, error.status_code, error.detail)
    return await http_exception_handler(request, error)


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
    """Find the faces of a photograph and classify their eyes."""
    if READER is None:
        raise HTTPException(501, "photographs need the package dlib")
    async with AT_A_TIME:
        files = await files_of(request)
        if len(files) > 1:
            raise HTTPException(400, f"{len(files)} files; allowed is one photograph a request")
        return {"faces": await to_thread.run_sync(read_faces, files[0], limiter=ONE_PHOTOGRAPH)}


@app.get("/stats")
async def stats() -> dict[str, Any]:
    """Return what ``predict --stats`` writes, for all patches since the start."""
    return STATS.to_dict()


@app.get("/health")
async def health() -> dict[str, str]:
    """Return which model answers."""
    return {"status": "ok", "version": __version__, "sha256": DIGEST}

"""Read what a request sends, within limits of size, number and time."""

from typing import Any

from anyio import fail_after
from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile

MAX_BYTES, MAX_IMAGES, MAX_SECONDS = 10_000_000, 256, 20  # of a request


async def files_of(request: Request) -> list[bytes]:
    """Return the image that is the body of a request, or the files of a form."""
    try:
        with fail_after(MAX_SECONDS):
            return await _read(_limited(request))
    except TimeoutError:
        reason = f"the request took more than {MAX_SECONDS} seconds to send"
        raise HTTPException(408, reason, {"connection": "close"}) from None


def _limited(request: Request) -> Request:
    """Return a request that ends after `MAX_BYTES`, whatever its headers state."""
    receive, n_bytes = request.receive, 0

    async def limited() -> Any:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        if n_bytes > MAX_BYTES:
            raise HTTPException(413, f"the request has more than {MAX_BYTES:,} bytes")
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "the request ended early")
        return message

    return Request(request.scope, limited)


async def _read(request: Request) -> list[bytes]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("image/") or kind == "application/octet-stream":
        return [await request.body()]
    if kind != "multipart/form-data":
        allowed = "image/..., application/octet-stream or multipart/form-data"
        raise HTTPException(415, f"content type {kind[:60]!r}; allowed is {allowed}")
    async with request.form(max_files=MAX_IMAGES, max_fields=0) as form:
        files = [await part.read() for _, part in form.multi_items() if isinstance(part, UploadFile)]
    if not files:
        raise HTTPException(400, "the form has no file")
    return files

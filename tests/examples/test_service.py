"""The service of examples/service: predictions of the library, and hostile requests refused in one line."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import pytest

from classic_eyes import load_model
from classic_eyes.images import read_images
from classic_eyes.synthetic import make_eyes

from ..conftest import ROOT, main, run

pytest.importorskip("fastapi", reason="fastapi is not installed; pip install 'classic-eyes[service]'")
testclient = pytest.importorskip("fastapi.testclient", reason="httpx is not installed")

FOLDER = ROOT / "examples" / "service"
MODEL = load_model()
EYES = [cv2.imencode(".png", image)[1].tobytes() for image in make_eyes(12, random_state=3).images]


def load(name):
    spec = importlib.util.spec_from_file_location(f"service_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


app = load("app")


@pytest.fixture(scope="module")
def client():
    with testclient.TestClient(app.app, raise_server_exceptions=True) as client:
        yield client


def bomb(width, height):
    """A PNG of a few bytes that states many pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 16), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_the_application_is_one_file_of_under_100_lines():
    assert {path.name for path in FOLDER.glob("*.py")} == {"app.py", "load_test.py"}
    assert len((FOLDER / "app.py").read_text(encoding="utf-8").splitlines()) < 100


def test_one_patch_is_predicted_as_by_the_library(client):
    for content in EYES:
        answer = client.post("/patches", content=content)
        assert answer.status_code == 200
        images, _ = read_images([content], size=MODEL.size)
        expected = {"open": round(MODEL.predict_proba(images)[0, 1], 6), "verdict": MODEL.verdict(images)[0]}
        expected["novelty"] = round(MODEL.novelty_score(images)[0], 6)
        assert answer.json() == expected


def test_health_names_the_model(client):
    answer = client.get("/health").json()
    assert answer == {"status": "ok", "version": app.__version__, "sha256": MODEL.fingerprint}


def test_faces_of_a_photograph(client):
    pytest.importorskip("dlib")
    photograph = (ROOT / "examples" / "photographs" / "collins.jpg").read_bytes()
    (face,) = client.post("/photographs", content=photograph).json()["faces"]
    assert face["verdict"] == "open"
    assert [eye["name"] for eye in face["eyes"]] == ["right", "left"]
    assert all(eye["open"] > 0.5 and eye["hidden"] is None for eye in face["eyes"])
    nobody = (ROOT / "examples" / "photographs" / "wall.jpg").read_bytes()
    assert client.post("/photographs", content=nobody).json() == {"faces": []}


def test_photographs_without_dlib_are_refused(client, monkeypatch):
    monkeypatch.setattr(app, "READER", None)
    answer = client.post("/photographs", content=EYES[0])
    assert (answer.status_code, answer.json()["detail"]) == (501, "photographs need dlib, the extra faces")


HOSTILE = {
    "empty": (b"", 422, "empty file"),
    "text": (b"hello", 422, "text, not an image"),
    "form": (b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n' + EYES[0] + b"--x--", 422, "not an image"),
    "random bytes": (bytes(range(256)) * 9, 422, "not an image OpenCV can read"),
    "truncated": (EYES[0][:-40], 422, "PNG: cut off, its end is missing"),
    "bomb": (bomb(30_000, 30_000), 422, "30000 x 30000 pixels"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(90), 422, "HEIC"),
    "too large": (bytes(10_000_001), 413, "more than 10,000,000 bytes"),
}


@pytest.mark.parametrize("path", ["/patches", "/photographs"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_requests_are_refused_in_one_line(client, kind, path, caplog):
    content, status, reason = HOSTILE[kind]
    answer = client.post(path, content=content)
    (record,) = (record for record in caplog.records if record.name == "uvicorn.error")
    assert record.getMessage() == f"refused POST '{path}': {status} {answer.json()['detail']}"
    assert answer.status_code == status
    detail = answer.json()["detail"]
    if path == "/patches" or status != 422:
        assert reason in detail
    assert "\n" not in detail
    assert len(detail) < 200
    # The service goes on.
    assert client.post("/patches", content=EYES[0]).status_code == 200


def test_a_photograph_of_too_many_pixels_is_refused(client):
    answer = client.post("/photographs", content=bomb(5001, 5000))
    assert (answer.status_code, "at most 25,000,000" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize("path", ["/", "/patches", "/nothing", "/docs", "/redoc", "/openapi.json"])
def test_other_paths_and_methods_are_refused(client, path):
    assert client.get(path).status_code in (404, 405)


def ask(messages):
    """Send the messages of a client to the application itself; return its status and how many were read."""
    sent, read = [], []

    async def receive():
        read.append(next(messages))
        return read[-1]

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/patches", "raw_path": b"/patches", "query_string": b""}
    scope |= {"headers": [], "http_version": "1.1", "scheme": "http", "root_path": "", "server": ("a", 80)}
    request = app.app({**scope, "client": ("a", 1), "asgi": {"version": "3.0"}}, receive, send)
    # In a thread of its own: Playwright leaves a running loop in the thread of the tests.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, request).result()
    return sent[0]["status"], len(read)


def endless():
    while True:
        yield {"type": "http.request", "body": bytes(1_000_000), "more_body": True}


def test_an_endless_body_is_not_read_to_its_end():
    assert ask(endless()) == (413, 11)


def test_a_client_that_leaves_ends_no_more_than_its_request():
    half = {"type": "http.request", "body": EYES[0][:99], "more_body": True}
    assert ask(iter([half, {"type": "http.disconnect"}])) == (408, 2)


class _Held:
    """The messages of a client that sends half of an image and then nothing, and holds its connection."""

    def __init__(self):
        self._half = iter([{"type": "http.request", "body": EYES[0][:99], "more_body": True}])

    async def __call__(self):
        for message in self._half:
            return message
        await asyncio.sleep(60)
        return None


async def answer_to(receive, path="/patches"):
    """Return status and headers of the application for a request of these messages."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST" if path == "/patches" else "GET", "path": path, "raw_path": path.encode()}
    scope |= {"query_string": b"", "headers": [], "http_version": "1.1", "scheme": "http"}
    await app.app({**scope, "root_path": "", "server": ("a", 80), "client": ("a", 1)}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


def test_half_sent_requests_end_and_neither_block_the_health_check_nor_the_requests_after_them(monkeypatch):
    monkeypatch.setattr(app, "MAX_SECONDS", 0.5)

    async def whole():
        return {"type": "http.request", "body": EYES[0], "more_body": False}

    async def all_of_them():
        held = [asyncio.create_task(answer_to(_Held())) for _ in range(app.IN_MEMORY.total_tokens)]
        await asyncio.sleep(0.1)
        assert app.IN_MEMORY.available_tokens == 0
        healthy = await asyncio.wait_for(answer_to(whole, "/health"), 0.2)
        good = await answer_to(whole)
        return healthy, good, await asyncio.gather(*held)

    with ThreadPoolExecutor(1) as pool:
        healthy, good, held = pool.submit(asyncio.run, all_of_them()).result()
    assert (healthy[0], good[0]) == (200, 200)
    assert {status for status, _ in held} == {408}
    assert all(headers[b"connection"] == b"close" for _, headers in held)


def test_statistics_are_those_of_the_command_line(client, monkeypatch, tmp_path):
    monkeypatch.setattr(app, "STATS", app.Stats(MODEL, 0.5, None))
    assert client.get("/stats").json()["n"] == 0
    for content in (*EYES, b"text", b""):
        client.post("/patches", content=content)
    found = client.get("/stats").json()
    folder = tmp_path / "eyes"
    folder.mkdir()
    for number, content in enumerate([*EYES, b"text", b""]):
        (folder / f"{number}.png").write_bytes(content)
    assert main("predict", folder, "--stats", tmp_path / "s.json") == 1
    expected = json.loads((tmp_path / "s.json").read_text())
    for each in (found, expected):
        del each["date"]
        # One image alone and in a batch differ in the sixth digit.
        for moments in each["novelty"].values():
            moments.update({key: pytest.approx(moments[key], abs=1e-4) for key in ("mean", "deviation")})
    assert found == expected
    assert (found["n"], found["failed"]) == (12, 2)
    # It is the reference of the next start.
    (tmp_path / "reference.json").write_bytes(client.get("/stats").content)
    reference = str(tmp_path / "reference.json")
    monkeypatch.setattr(app, "STATS", app.Stats(MODEL, 0.5, reference))
    client.post("/patches", content=EYES[0])
    assert client.get("/stats").json()["n"] == 1
    client.post("/patches", content=EYES[0])
    assert client.get("/stats").json()["reference"] == reference


def test_patches_that_arrive_during_a_prediction_are_predicted_in_one_batch(monkeypatch):
    batches = []

    def noted(files, *arguments, **named):
        batches.append(list(files))
        return app_score_files(files, *arguments, **named)

    app_score_files = app.score_files
    monkeypatch.setattr(app, "score_files", noted)

    async def all_of_them():
        return await asyncio.gather(*(app.patch(_Whole(content)) for content in EYES))

    with ThreadPoolExecutor(1) as pool:
        rows = pool.submit(asyncio.run, all_of_them()).result()
    images, _ = read_images(EYES, size=MODEL.size)
    assert [row["open"] for row in rows] == pytest.approx(MODEL.predict_proba(images)[:, 1].tolist(), abs=2e-6)
    assert sorted(map(bytes, sum(batches, []))) == sorted(EYES)  # noqa: RUF017
    assert len(batches) <= 2


class _Whole:
    """A request whose body arrives at once."""

    def __init__(self, content):
        self._content = content

    async def stream(self):
        yield self._content


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("CLASSIC_EYES_MODEL", "nothing", "model 'nothing': no file of this name"),
        ("CLASSIC_EYES_REFERENCE", "no.json", "reference 'no.json' cannot be read: No such file or directory"),
    ],
)
def test_a_start_that_fails_says_why_in_one_line(monkeypatch, name, value, reason):
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as found:
        load("app")
    assert str(found.value).startswith("the service cannot start: ")
    assert reason in str(found.value)
    assert "\n" not in str(found.value)


def test_load_test_measures_a_running_service(tmp_path):
    done = run("--seconds", "0.5", "--clients", "2", program=(str(FOLDER / "load_test.py"),), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    header, _, row = (line.strip("|").split("|") for line in done.stdout.strip().splitlines()[:3])
    assert [cell.strip() for cell in header][:3] == ["clients", "requests a second", "p95"]
    assert int(row[0]) == 2
    assert float(row[1].replace(",", "")) > 5


def test_the_image_of_the_container_runs_without_root_and_has_a_health_check():
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    words = [line.split()[0] for line in lines if line and not line.startswith((" ", "#"))]
    assert words[0] == "FROM"
    assert {"HEALTHCHECK", "USER", "CMD"} <= set(words)
    user = next(line.split()[1] for line in lines if line.startswith("USER"))
    assert user not in ("root", "0")
    assert words.index("USER") < words.index("CMD")
    assert f'"classic-eyes-predict[faces]=={app.__version__}"' in "\n".join(lines)
    (copied,) = (line.split()[1:-1] for line in lines if line.startswith("COPY"))
    assert set(copied) == {path.name for path in FOLDER.glob("*.py")} - {"load_test.py"}

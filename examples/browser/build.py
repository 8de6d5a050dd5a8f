"""Write eyes.html: page, model and onnxruntime-web in one file, which a browser opens without a server."""

from __future__ import annotations

import argparse
import base64
import json
import sys
import tempfile
from pathlib import Path

import onnx

from classic_eyes import load_model
from classic_eyes._utils.files import write_whole

HERE = Path(__file__).resolve().parent
RUNTIME = {
    "ort": "ort.wasm.min.js",
    "glue": "ort-wasm-simd-threaded.mjs",
    "wasm": "ort-wasm-simd-threaded.wasm",
}


def build(model: str, runtime: Path) -> str:
    """Return the page."""
    files = {name: (runtime / file).read_bytes() for name, file in RUNTIME.items()}
    predictor = load_model(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "eyes.onnx"
        predictor.export_onnx(path, novelty=predictor.program.novelty is not None)
        files["model"] = path.read_bytes()
    recorded = {each.key: each.value for each in onnx.load_model_from_string(files["model"]).metadata_props}
    check: dict[str, object] = {"images": recorded["classic_eyes.check.images"]}
    for name in ("probability", "novelty"):
        check[name] = json.loads(recorded.get(f"classic_eyes.check.{name}", "null"))
    about = {"size": predictor.size, "unsure": predictor.program.unsure, "check": check}

    def data(name: str) -> str:
        return f'<script type="text/plain" id="{name}">{base64.b64encode(files[name]).decode()}</script>'

    parts = {
        "<!-- style.css -->": f"<style>\n{_read('style.css')}</style>",
        "<!-- data -->": "\n".join(
            [
                *(data(name) for name in ("model", "glue", "wasm")),
                f'<script type="application/json" id="about">{json.dumps(about)}</script>',
                f"<script>{files['ort'].decode()}</script>",
            ]
        ),
        "<!-- eyes.js -->": f"<script>\n{_read('eyes.js')}</script>",
    }
    page = _read("index.html")
    for place, part in parts.items():
        page = page.replace(place, part)
    return page


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def main() -> int:
    """Parse the arguments and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default", help="a shipped model or a file; default: default")
    parser.add_argument(
        "--runtime",
        type=Path,
        default=HERE / "node_modules" / "onnxruntime-web" / "dist",
        help="folder with the files of onnxruntime-web; default: where npm install puts them",
    )
    parser.add_argument("--out", type=Path, default=HERE / "eyes.html", help="the page; default: beside this script")
    arguments = parser.parse_args()
    missing = [name for name in RUNTIME.values() if not (arguments.runtime / name).is_file()]
    if missing:
        print(f"{arguments.runtime} has no {missing[0]}; run: npm install", file=sys.stderr)
        return 2
    write_whole(arguments.out, build(arguments.model, arguments.runtime).encode())
    print(f"wrote {arguments.out}: {arguments.out.stat().st_size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure time and memory of one call on a million patches, for docs/deploy.md.

    python tools/measure_million.py [--models NAME ...] [--images N]

Each row is a process of its own. The array of synthetic eyes, 24 x 24, is made before the memory is read first.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser

from classic_eyes._utils.files import SHIPPED_MODELS
from classic_eyes.cli.arguments import positive_integer
from classic_eyes.cli.tables import markdown

_CODE = """
import hashlib, json, os, sys, time
import numpy as np
from classic_eyes import load_model
from classic_eyes._utils.resources import memory_of_tree_mb, peak_memory_mb
from classic_eyes.synthetic import make_eyes

model, n_jobs, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
eyes = make_eyes(2000, random_state=0).images
images = np.empty((n, 24, 24), np.uint8)
for start in range(0, n, len(eyes)):
    images[start : start + len(eyes)] = eyes[: n - start]
model = load_model(model, n_jobs=n_jobs)
model.predict_proba(images[:3000])
before, began = memory_of_tree_mb(os.getpid()), time.perf_counter()
found = model.predict_proba(images)
seconds = time.perf_counter() - began
digest = hashlib.sha256(found.tobytes()).hexdigest()
print(json.dumps([before, memory_of_tree_mb(os.getpid()), peak_memory_mb(), seconds, digest]))
"""


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=positive_integer, default=1_000_000, metavar="N", help="default: 1000000")
    parser.add_argument("--models", nargs="+", default=SHIPPED_MODELS, metavar="NAME", help="default: those that ship")
    arguments = parser.parse_args(argv)
    n = arguments.images
    rows = [["one call", "images a second", "seconds", "memory before", "peak", "after"]]
    for model in arguments.models:
        digests = set()
        for n_jobs in (1, 2):
            command = [sys.executable, "-c", _CODE, model, str(n_jobs), str(n)]
            done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
            before, after, peak, seconds, digest = json.loads(done.stdout)
            digests.add(digest)
            memory = (f"{value:,.0f} MB" for value in (before, peak, after))
            rows.append([f"{model}, n_jobs={n_jobs}", f"{n / seconds:,.0f}", f"{seconds:.0f}", *memory])
        if len(digests) > 1:
            raise SystemExit(f"{model}: the predictions depend on n_jobs")
    print(*markdown(rows), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

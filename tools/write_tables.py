"""Write the numbers of the documents from the model cards and from docs/results.

    python tools/write_tables.py                # all documents
    python tools/write_tables.py limits audit   # the same, after running the commands of these two result files again

A result file holds its command after ``$``, remarks after ``#``, and what the command printed. In a document, the lines
between ``<!-- table: NAME N -->`` and ``<!-- end -->`` are the N-th table of docs/results/NAME.txt, or a table made of
the cards; ``| first; second`` after N chooses columns. A number before ``<!-- NAME N | row | column -->`` is that cell.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from classic_eyes._utils.files import SHIPPED_MODELS, sha256, shipped_model
from classic_eyes.cli.tables import markdown
from classic_eyes.persistence.card import read_card
from classic_eyes.recipes import RECIPES

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
# What the site makes of code and cards is not written here.
_MADE_BY_THE_SITE = {"_build", "api", "commands", "gallery", "models", "programs"}
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"))
    if not _MADE_BY_THE_SITE & set(path.relative_to(ROOT).parts) and "node_modules" not in path.parts
)
_TABLE = re.compile(r"(<!-- table: (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_NUMBER = re.compile(r"(\d[\d.,]*\d|\d)(%?)(<!-- ([^|\n]+?) \| ([^|\n]+?) \| ([^|\n]+?) -->)")
Table = list[list[str]]


def tables_in(text: str) -> list[Table]:
    """Return the Markdown tables, and those of aligned columns, of a result file."""
    found: list[Table] = []
    before = ""
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        else:
            cells = re.split(r"\s{2,}", line.strip()) if re.search(r"\S\s{2,}\S", line) else []
        if cells:
            if not before:
                found.append([])
            if not all(set(cell) <= {"-"} and cell for cell in cells):
                found[-1].append(cells)
        before = line if cells else ""
    return found


def result(name: str) -> str:
    """Return the text of a result file."""
    return (RESULTS / f"{name}.txt").read_text(encoding="utf-8")


def commands_of(text: str) -> list[str]:
    """Return the commands of a result file."""
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


def models_of(text: str) -> dict[str, str]:
    """Return the shipped models that a result file is about, with the start of their SHA-256."""
    return dict(re.findall(r"^# model (\w+) (\w+)$", text, flags=re.MULTILINE))


def fingerprint(model: str) -> str:
    """Return the start of the SHA-256 of a shipped model."""
    return sha256(shipped_model(model))[:12]


# -- cards ---------------------------------------------------------------------------------------------------------


def results_of(model: str) -> dict[str, Any]:
    """Return the results of a card by the last part of the name of the data."""
    return {name.rsplit("/", 1)[-1]: part for name, part in read_card(shipped_model(model))["results"].items()}


def _interval(entry: dict[str, float | None]) -> str:
    if entry["low"] is None or entry["low"] != entry["low"]:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} ({entry['low']:.3f}-{entry['high']:.3f})"


_METRICS = {"accuracy": "accuracy", "eer": "equal error rate", "calibration_error": "calibration error"}


def _row(name: str, part: dict[str, Any]) -> list[str]:
    return [name, f"{part['n']:,}", f"{part['n_groups']:,}", *(_interval(part[metric]) for metric in _METRICS)]


def _cards() -> Table:
    rows = [["model and images", "images", "people or faces", *_METRICS.values()]]
    for model in SHIPPED_MODELS:
        results = results_of(model)
        rows += [_row(f"`{model}` on {name}", results[name]) for name in ("eyes24", "mrl", "all")]
    return rows


def _card(model: str) -> Table:
    parts = results_of(model)
    return [["images", "n", "people or faces", *_METRICS.values()], *(_row(name, part) for name, part in parts.items())]


def left_out(model: str) -> dict[str, dict[str, float]]:
    """Return the results of a card on sources that were left out of training."""
    return read_card(shipped_model(model)).get("sources_left_out", {}).get("results", {})


def _left_out() -> Table:
    models = [model for model in SHIPPED_MODELS if left_out(model)]
    sources = list(left_out(models[0]))
    rows = [["accuracy / equal error rate", *sources, "mean"]]
    for model in models:
        found = left_out(model)
        pairs = [(found[source]["accuracy"], found[source]["eer"]) for source in sources]
        pairs.append(tuple(sum(values) / len(sources) for values in zip(*pairs, strict=True)))
        rows.append([f"`{model}`", *(f"{accuracy:.3f} / {eer:.3f}" for accuracy, eer in pairs)])
    return rows


def _sources(model: str) -> Table:
    card = read_card(shipped_model(model))
    rows = [["what", "reference", "licence"]]
    return rows + [[source["data"], source["reference"], source["licence"]] for source in card["sources"]]


def _recipes() -> Table:
    rows = [["recipe", "first view", "later views, on the aligned eye", "later views run on"]]
    for name, recipe in RECIPES.items():
        n_views = len(recipe["features"])
        sizes = [recipe["size"]] * n_views if isinstance(recipe["size"], int) else list(recipe["size"])
        views = []
        for view, size in zip(recipe["features"], sizes, strict=True):
            features = ", ".join(f"`{each if isinstance(each, str) else each[0]}`" for each in view)
            views.append(f"{features} at {size} pixels")
        share = "all images" if recipe["cascade"] is None else f"the {recipe['cascade']:.0%} least certain images"
        rows.append([f"`{name}`", views[0], "; ".join(views[1:]), share])
    return rows


def _scenarios(name: str, title: str, label: Callable[[str], str | None]) -> Table:
    """Return a row a scenario of a benchmark that has a label: quality, where all raters agree too, and cost."""
    quality, more, cost = tables_in(result(name))
    costs = {row[0]: dict(zip(cost[0], row, strict=True)) for row in cost[1:]}
    rows = [
        [
            title,
            "accuracy",
            "where five raters agree",
            "equal error rate",
            "numbers an image",
            "x decode",
            "training, s",
        ]
    ]
    for number in range(1, len(quality), 2):
        shown = label(quality[number][0])
        if shown is None:
            continue
        # ".859" is written "0.859" in documents.
        texts = (quality[number][1], quality[number + 1][1], more[number][2])
        found = costs[quality[number][0]]
        rows.append([shown, *(re.sub(r"(?<!\d)\.", "0.", text) for text in texts)])
        rows[-1] += [found["features"], found["x decode"], found["train s"]]
    return rows


def _feature(scenario: str) -> str:
    if " svm" not in scenario:
        return "OpenCV's eye cascade alone"
    names = scenario.removesuffix(" svm").split("+")
    return f"`{names[0]}`" if len(names) == 1 else "all of them in one view"


def _classifier(scenario: str) -> str | None:
    features, _, classifier = scenario.rpartition(" ")
    return f"`{classifier}`" if features == "hog+lbp" else None


def _summary() -> Table:
    eyes24, mrl = (results_of("default")[name]["accuracy"] for name in ("eyes24", "mrl"))
    mean = _left_out()[1][-1].split(" / ")[0]
    per_second = {row[0]: row[2] for row in tables_in(result("speed"))[0]}
    one = {row[0]: row[1].removesuffix(" us") for row in tables_in(result("speed"))[0]}
    blinks = tables_in(result("blinks"))[0][2]
    found, wrong = (
        cell(result("photographs-folder"), 1, "test", column).split(" (")[0]
        for column in ("photographs with closed eyes reported", "others reported")
    )
    return [
        ["what", "number", "command"],
        ["accuracy on eye patches of web photographs", _interval(eyes24), "`classic-eyes info default`"],
        ["accuracy on infrared eye patches", _interval(mrl), "`classic-eyes info default`"],
        [
            "accuracy on a source unlike all training data, mean of six sources",
            mean,
            "`python bench.py leave-source-out` ([benchmark](docs/benchmark.md))",
        ],
        [
            "accuracy on web photographs, model trained **without any label**",
            cell(result("no-labels"), 4, "mean", "held-out groups"),
            "`python bench.py cluster` ([no labels](docs/guides/no-labels.md))",
        ],
        [
            "recall and precision of blinks and long closures in video",
            f"{blinks[2]} and {blinks[1]}",
            "`python bench.py video` ([video](docs/guides/video.md))",
        ],
        [
            "photographs with closed eyes: found, and false alarms",
            f"{found}, {wrong}",
            "[photographs](docs/guides/photographs.md#measurements)",
        ],
        [
            "images a second, folder to CSV file, two cores",
            f"{per_second['default: folder to CSV, 2 jobs']} (`fast`: {per_second['fast: folder to CSV, 2 jobs']})",
            "`python bench.py speed` ([performance](docs/performance.md))",
        ],
        [
            "time for one image in a running program",
            f"{int(one['default: one image in a running program'].replace(',', '')) / 1000:.1f} ms",
            "`python bench.py speed`",
        ],
    ]


MADE: dict[str, Callable[[], Table]] = {
    "cards": _cards,
    "classifiers": partial(_scenarios, "classifiers", "classifier", _classifier),
    "features": partial(_scenarios, "features", "features", _feature),
    "left-out": _left_out,
    "recipes": _recipes,
    "summary": _summary,
    **{f"card {model}": partial(_card, model) for model in SHIPPED_MODELS},
    **{f"sources {model}": partial(_sources, model) for model in SHIPPED_MODELS},
}


# -- documents -----------------------------------------------------------------------------------------------------


def table(name: str) -> Table:
    """Return a table by its name in a document."""
    name, _, columns = (part.strip() for part in name.partition(" | "))
    if name in MADE:
        rows = MADE[name]()
    else:
        file, _, number = name.partition(" ")
        rows = tables_in(result(file))[int(number or 1) - 1]
    if columns:
        chosen = [rows[0].index(column.strip()) for column in columns.split(";")]
        rows = [[row[each] for each in chosen] for row in rows]
    return rows


def cell(text: str, number: int, row: str, column: str) -> str:
    """Return a cell of a result file."""
    rows = tables_in(text)[number - 1]
    (found,) = (each for each in rows[1:] if each[0] == row)
    return found[rows[0].index(column)]


def value(name: str, row: str, column: str) -> float:
    """Return the number that a comment in a document names."""
    file, _, number = name.partition(" ")
    if file in SHIPPED_MODELS:
        part = (left_out(file) if number == "left-out" else results_of(file))[row][column]
        return float(part["value"] if isinstance(part, dict) else part)
    text = cell(result(file), int(number or 1), row, column)
    return float(text.split()[0].replace(",", ""))


def _rounded(shown: str, percent: str, exact: float) -> str:
    """Round to the digits that are shown; whole numbers to their last digit that is not 0."""
    exact = exact * 100 if percent else exact
    if "." in shown:
        return f"{exact:.{len(shown.partition('.')[2])}f}"
    digits = shown.replace(",", "")
    zeros = min(len(digits) - len(digits.rstrip("0")), len(digits) - 1)
    return f"{round(exact, -zeros):,.0f}"


def rewrite(text: str) -> str:
    """Return a document with its tables and numbers as the cards and results have them."""

    def _table(match: re.Match[str]) -> str:
        return match[1] + "".join(f"{line}\n" for line in markdown(table(match[2]))) + match[4]

    def _number(match: re.Match[str]) -> str:
        shown = _rounded(match[1], match[2], value(match[4], match[5], match[6]))
        return shown + match[2] + match[3]

    return _NUMBER.sub(_number, _TABLE.sub(_table, text))


def run_again(name: str) -> None:
    """Run the commands of a result file, and replace what they printed."""
    old = result(name)
    lines = [f"$ {command}" for command in commands_of(old)]
    lines += [line for line in old.splitlines() if line.startswith("# ") and not line.startswith("# model ")]
    lines += [f"# model {model} {fingerprint(model)}" for model in models_of(old)]
    for command in commands_of(old):
        words = [sys.executable if word == "python" else word for word in shlex.split(command)]
        lines += ["", subprocess.run(words, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()]
    (RESULTS / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Run commands again if they are named, and rewrite the documents."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = sorted(path.stem for path in RESULTS.glob("*.txt"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"results to measure again, of {', '.join(known)}")
    names = parser.parse_args().names
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"no results {', '.join(unknown)}; known are {', '.join(known)}")
    for name in names:
        run_again(name)
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        new = rewrite(text)
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

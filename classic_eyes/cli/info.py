"""Describe a model file, without running any code of it."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from .._utils.files import SHIPPED_MODELS, present_models, read_whole, sha256, shipped_model
from ..errors import ModelError
from ..persistence.card import card_path
from ..persistence.describing import describe_program, describe_training, own_card
from ..persistence.estimators import ENDINGS, describe_skops
from ..persistence.npz import kind_of, npz_path, read_npz
from .rows import open_output, utf8_name
from .tables import interval

__all__ = ["add_arguments", "describe_model", "info_text", "work"]

_KINDS = {
    "npz": "compiled model: arrays, cannot run code",
    "skops": "skops file: data and names of types, read without trust",
    "joblib": "joblib file: can run any code when it is read",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes info``."""
    parser.add_argument(
        "file",
        metavar="FILE",
        help=f"a model, NAME.npz, NAME.skops or NAME.joblib, or the name of a shipped one: {', '.join(SHIPPED_MODELS)}",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes info``."""
    about = describe_model(arguments.file)
    text = json.dumps(about, indent=2) if arguments.format == "json" else info_text(about)
    with open_output(None) as file:
        file.write(f"{text}\n")
    return 0


def describe_model(file: str) -> dict[str, Any]:
    """Return the description of a model file or a shipped model; ``card`` is None where no card is beside it.

    A joblib file is not unpickled, and no object of a skops file is built.
    """
    path = _find(file)
    if path.suffix not in (".npz", *ENDINGS):
        raise ModelError(f"model file {str(path)!r} ends in {path.suffix!r}; allowed are .npz, .skops and .joblib")
    digest, size = sha256(path), path.stat().st_size
    about: dict[str, Any] = {"file": utf8_name(str(path)), "megabytes": round(size / 1e6, 2), "sha256": digest}
    about["shipped"] = next((name for name, own in present_models().items() if sha256(own) == digest), None)
    about |= _describe_npz(path) if path.suffix == ".npz" else _describe_estimator(path)
    about["card"], is_of_this_file = own_card(path, path.name, digest)
    if about["card"] is not None:
        about["card_is_of_this_file"] = is_of_this_file
    return about


def _find(file: str) -> Path:
    if file in SHIPPED_MODELS and not os.path.exists(file):
        return shipped_model(file)
    if os.path.isdir(file):
        raise ModelError(f"FILE {file!r} is a folder; name a model in it, NAME.npz, NAME.skops or NAME.joblib")
    if not os.path.exists(file):
        raise ModelError(
            f"FILE {file!r}: no model file of this name; allowed is a .npz, .skops or .joblib file that classic-eyes "
            f"train wrote, or one of {', '.join(SHIPPED_MODELS)}"
        )
    return Path(file)


def _describe_npz(path: Path) -> dict[str, Any]:
    program, about = read_npz(path)
    return {"kind": "npz", "format": about["format"], "versions": about["versions"], **describe_program(program)}


def _describe_estimator(path: Path) -> dict[str, Any]:
    kind = kind_of(read_whole(path))
    if path.suffix == ".skops":
        about = {"kind": "skops", **describe_skops(path)}
    elif kind != "joblib":
        reasons = {"empty": "is empty", "npz": "is a compiled model; name it NAME.npz"}
        reason = reasons.get(str(kind), "is a skops file; name it NAME.skops" if kind else "is no model file")
        raise ModelError(f"{str(path)!r} {reason}")
    else:
        about = {"kind": "joblib"}
    beside = npz_path(path)
    return {**about, "compiled": str(beside) if beside.exists() else None}


def info_text(about: dict[str, Any]) -> str:
    """Return the description as lines of text."""
    lines = [
        ("file", about["file"]),
        ("kind", _KINDS[about["kind"]]),
        ("size", f"{about['megabytes']:.2f} MB"),
        ("sha256", about["sha256"]),
        ("shipped", f"yes, as {about['shipped']}" if about["shipped"] else "no"),
    ]
    lines += _npz_lines(about) if about["kind"] == "npz" else _estimator_lines(about)
    card = about["card"]
    if card is None:
        lines.append(("card", "none beside the file"))
    else:
        path = str(card_path(about["file"]))
        lines.append(("card", path + ("" if about["card_is_of_this_file"] else ", which is of another file")))
        lines += _card_lines(card, describe_training(card, path))
    width = max(len(title) for title, _ in lines)
    return "\n".join(f"{title:<{width}}  {' '.join(text.split())}" for title, text in lines)


def _npz_lines(about: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [
        ("format", str(about["format"])),
        ("made with", ", ".join(f"{name} {number}" for name, number in about["versions"].items())),
        ("images", f"{about['size']} x {about['size']}"),
        ("glare", "removed" if about["remove_glare"] else "not removed"),
    ]
    for number, view in enumerate(about["views"], start=1):
        text = f"{' + '.join(view['features'])}: {view['n_features']:,} features, {view['n_components']:,} components, "
        text += f"{view['n_support_vectors']:,} support vectors"
        flags = [flag for flag in ("symmetric", "aligned") if view[flag]]
        lines.append((f"view {number}", ", ".join([text, *flags])))
    if about["cascade_threshold"] is not None:
        limit = f"{about['cascade_threshold']:.3f}"
        lines.append(("cascade", f"later views run where the first view's decision value is within {limit} of 0"))
    slope, intercept = about["calibration"]["slope"], about["calibration"]["intercept"]
    return [
        *lines,
        ("flip", "average over the image and its mirror image" if about["flip_average"] else "no average"),
        ("calibration", f"log odds of open = {slope:.4f} x decision value {intercept:+.4f}"),
        ("unsure", f"log odds within {about['unsure']:.2f} of the threshold"),
        ("non-eyes", "detected (predict --verdict)" if about["detects_non_eyes"] else "not detected"),
        ("check", "the recorded predictions are reproduced"),
    ]


def _estimator_lines(about: dict[str, Any]) -> list[tuple[str, str]]:
    lines = []
    if "types" in about:
        lines.append(("types", ", ".join(name.rpartition(".")[2] for name in about["types"])))
        lines.append(("refused", ", ".join(about["refused"]) or "none"))
    why = (about["card"] or {}).get("not_compiled") or "no file beside it"
    return [*lines, ("compiled", about["compiled"] or f"no: {why}")]


def _card_lines(card: dict[str, Any], training: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [(key.replace("_", " "), str(card[key])) for key in ("what", "not_for", "command") if key in card]
    for source in training["trained_on"]:
        groups = f" of {source['groups']:,} groups" if source["groups"] else ""
        lines.append(("data", f"{source['path']}: {source['images']:,} images{groups}"))
    if training["parameters"]:
        lines.append(("parameters", ", ".join(f"{name}={value!r}" for name, value in training["parameters"].items())))
    for name, accuracy in training["accuracy"].items():
        lines.append(("accuracy", f"{name}: {interval(accuracy)} on {accuracy['n']:,} images"))
    if training["protocol"] is not None:
        lines.append(("protocol", training["protocol"]))
    return lines

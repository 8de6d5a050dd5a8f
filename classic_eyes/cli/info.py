"""Say what a model file is, without running any code of it."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from .._utils.shipped import SHIPPED_MODELS, shipped_model
from ..errors import ModelError
from ..inference.program import Block
from ..persistence import (
    ENDINGS,
    card_path,
    compiled_path,
    describe_skops,
    read_card,
    read_compiled,
    read_header,
    read_whole,
    sha256,
    told_by_content,
)
from .rows import open_output

__all__ = ["add_arguments", "describe_model", "info_text", "work"]

_KINDS = {
    "compiled": "compiled model: arrays, can run no code",
    "skops": "skops file: data and names of types, read without trust",
    "joblib": "joblib file: can run any code when it is read",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``classic-eyes info``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a model, NAME.npz, NAME.skops or NAME.joblib, or the name of one that ships: "
        f"{', '.join(SHIPPED_MODELS)}",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def describe_model(file: str) -> dict[str, Any]:
    """Say what a model file is; nothing of a joblib file is unpickled, nothing of a skops file made.

    Parameters
    ----------
    file : str
        A ``.npz``, ``.skops`` or ``.joblib`` file, or a name in ``SHIPPED_MODELS`` that no file has.

    Returns
    -------
    dict
        ``file``, ``megabytes``, ``sha256``, ``kind`` (``compiled``, ``skops`` or ``joblib``), ``model_sha256``
        (of the estimator's file), ``shipped`` (a name or None), ``card`` (None where none lies beside the file) and
        ``card_is_of_this_model``; of a compiled one format, versions, views, cascade (the first
        view's margin below which the others are asked, or None), calibration and that its recorded
        answers are reproduced; of the others ``compiled``, the file of its compiled form, or ``not_compiled``, why
        there is none; of a skops file also ``types``, and ``refused``, those of them that no model has.

    Raises
    ------
    ModelError
        For a file that is missing, not a model, damaged, of a newer format, or of another ending.
    """
    path = _find(file)
    if path.suffix not in (".npz", *ENDINGS):
        raise ModelError(
            f"model file {str(path)!r} ends in {path.suffix!r}; allowed are .npz, .skops and .joblib, as train wrote"
        )
    found = told_by_content(read_whole(path))
    if path.suffix == ".joblib" and found != "joblib":
        what = {"empty": "is empty", "compiled": "is a compiled model; name it NAME.npz"}.get(
            str(found), "is a skops file; name it NAME.skops" if found else "is no model file at all"
        )
        raise ModelError(f"{str(path)!r} {what}")
    digest, size = sha256(path), path.stat().st_size
    about: dict[str, Any] = {"file": str(path), "megabytes": round(size / 1e6, 2), "sha256": digest}
    if path.suffix == ".npz":
        about |= _compiled(path)
        return about | _card_of(path, about["model_sha256"])
    about |= _estimator(path, digest) | _card_of(path, digest)
    if about["compiled"] is None and about["card"] is not None and about["card_is_of_this_model"]:
        about["not_compiled"] = about["card"].get("not_compiled") or about["not_compiled"]
    return about


def _find(file: str) -> Path:
    if file in SHIPPED_MODELS and not os.path.exists(file):
        return shipped_model(file, ".npz")
    if not os.path.exists(file):
        raise ModelError(
            f"FILE {file!r}: no model file of this name; allowed is a .npz, .skops or .joblib file that classic-eyes "
            f"train wrote, or one of {', '.join(SHIPPED_MODELS)}"
        )
    return Path(file)


def _shipped_name(digest: str | None) -> str | None:
    return next((name for name, known in SHIPPED_MODELS.items() if known == digest), None)


def _compiled(path: Path) -> dict[str, Any]:
    # Arithmetic on arrays is all that reading it does; what comes back has reproduced its recorded answers.
    program, about = read_compiled(path)
    views = [
        {
            "features": [_described(block) for block in view.blocks if not block.mirrored],
            "numbers": sum(len(block.weights) for block in view.blocks),
            "components": len(view.support),
            "support_vectors": len(view.dual),
            "mirror": view.mirror,
            "aligned": view.aligned,
        }
        for view in program.views
    ]
    return {
        "kind": "compiled",
        "format": about["format"],
        "versions": about["versions"],
        "model_sha256": about.get("model_sha256"),
        "shipped": _shipped_name(about.get("model_sha256")),
        "size": program.size,
        "views": views,
        "cascade": None if program.cascade is None else program.cascade.threshold,
        "flip_average": program.flip_average,
        "remove_glare": program.remove_glare,
        "calibration": {"slope": program.slope, "intercept": program.intercept},
        "unsure": program.unsure,
        "novelty": program.novelty is not None,
        "recorded_answers": "reproduced",
    }


def _described(block: Block) -> str:
    numbers = (f"{name}={value}" for name, value in block.settings.items() if not isinstance(value, np.ndarray))
    return f"{block.descriptor}({', '.join(numbers)})"


def _estimator(path: Path, digest: str) -> dict[str, Any]:
    about: dict[str, Any] = {"kind": path.suffix[1:], "model_sha256": digest, "shipped": _shipped_name(digest)}
    if path.suffix == ".skops":
        about |= describe_skops(path)
    beside = compiled_path(path)
    about["compiled"], about["not_compiled"] = None, None
    try:
        if read_header(beside).get("model_sha256") == digest:
            about["compiled"] = str(beside)
        else:
            about["not_compiled"] = f"{str(beside)!r} is that of another model"
    except ModelError as error:
        if beside.exists():
            about["not_compiled"] = str(error)
    return about


def _card_of(path: Path, digest: str | None) -> dict[str, Any]:
    if not card_path(path).exists():
        return {"card": None}
    card = read_card(path)
    return {"card": card, "card_is_of_this_model": card.get("model_sha256") == digest}


# -- as text --


def _views_lines(about: dict[str, Any]) -> list[tuple[str, str]]:
    lines = []
    for number, view in enumerate(about["views"], start=1):
        machine = "support vectors, mirror machine" if view["mirror"] else "support vectors"
        lines.append(
            (
                f"view {number}",
                f"{' + '.join(view['features'])}: {view['numbers']:,} features, "
                f"{view['components']:,} components, {view['support_vectors']:,} {machine}"
                + (", shown eyes aligned" if view["aligned"] else ""),
            )
        )
    return lines


def _interval(entry: dict[str, Any]) -> str:
    if entry["low"] is None or entry["high"] is None:
        return f"{entry['value']:.4f}"
    return f"{entry['value']:.4f} ({entry['low']:.3f}-{entry['high']:.3f})"


def _card_lines(card: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [(key.replace("_", " "), str(card[key])) for key in ("what", "not_for", "command") if key in card]
    for part in card.get("data") or ():
        groups = f" of {part['groups']:,} groups" if part.get("groups") else ""
        lines.append(("data", f"{part['path']}: {part['images']:,} images{groups}"))
    if card.get("parameters"):
        lines.append(("parameters", ", ".join(f"{name}={value!r}" for name, value in card["parameters"].items())))
    for name, part in (card.get("results") or {}).items():
        lines.append(("accuracy", f"{name}: {_interval(part['accuracy'])} on {part['n']:,} images"))
    if "protocol" in card:
        lines.append(("judged by", str(card["protocol"])))
    return lines


def info_text(about: dict[str, Any]) -> str:
    """Lay out what `describe_model` gave for the terminal.

    Parameters
    ----------
    about : dict
        As `describe_model` gave it.

    Returns
    -------
    str
        Lines of text.

    Raises
    ------
    ModelError
        If the card is not like one that ``classic-eyes train`` writes.
    """
    compiled = about["kind"] == "compiled"
    lines = [("file", about["file"]), ("kind", _KINDS[about["kind"]]), ("size", f"{about['megabytes']:.2f} MB")]
    lines.append(("sha256", about["sha256"]))
    lines.append(("ships", f"yes, as {about['shipped']}" if about["shipped"] else "no"))
    if compiled:
        lines.append(("format", str(about["format"])))
        lines.append(("made with", ", ".join(f"{name} {number}" for name, number in about["versions"].items())))
        lines.append(("made from", str(about["model_sha256"] or "a model that was not saved")))
        lines.append(("images", f"{about['size']} x {about['size']}"))
        lines.append(("glare", "taken out first" if about["remove_glare"] else "left as it is"))
        lines += _views_lines(about)
        if about["cascade"] is not None:
            asked = f"the others are asked where the first view's margin is within {about['cascade']:.3f} of 0"
            lines.append(("cascade", asked))
        lines.append(("flip", "averaged over both mirror images" if about["flip_average"] else "asked once"))
        slope, intercept = about["calibration"]["slope"], about["calibration"]["intercept"]
        lines.append(("calibration", f"log odds of open = {slope:.4f} x margin {intercept:+.4f}"))
        lines.append(("unsure", f"within {about['unsure']:.2f} of the threshold in log odds, the least sure twentieth"))
        lines.append(("no eye", "can be told (predict --verdict)" if about["novelty"] else "cannot be told"))
        lines.append(("answers", "those recorded in the file are reproduced here"))
    else:
        if about.get("types"):
            lines.append(("types", ", ".join(name.rpartition(".")[2] for name in about["types"])))
            lines.append(("refused", ", ".join(about["refused"]) or "none: all of them are of this library"))
        lines.append(("compiled", about["compiled"] or f"no: {about['not_compiled'] or 'none lies beside it'}"))
    if about["card"] is None:
        lines.append(("card", "none lies beside it"))
    else:
        card = str(card_path(about["file"]))
        of_another = "" if about["card_is_of_this_model"] else ", which is of another model"
        lines.append(("card", card + of_another))
        try:
            lines += _card_lines(about["card"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the card {card!r} is none that classic-eyes train wrote; remove it or copy it again"
            ) from error
    width = max(len(title) for title, _ in lines)
    return "\n".join(f"{title:<{width}}  {' '.join(text.split())}" for title, text in lines)


def work(arguments: Namespace) -> int:
    """Run ``classic-eyes info``.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_arguments` declares them.

    Returns
    -------
    int
        0: it is said.
    """
    about = describe_model(arguments.file)
    text = json.dumps(about, indent=2) if arguments.format == "json" else info_text(about)
    with open_output(None) as file:
        file.write(f"{text}\n")
    return 0

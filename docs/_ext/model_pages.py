"""Pages of the model cards, from ``models/*.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rst import code, escape, heading, table

from classic_eyes._utils.files import SHIPPED_MODELS

__all__ = ["model_pages"]

MODELS = Path(__file__).resolve().parents[2] / "models"
METRICS = {
    "accuracy": "accuracy",
    "eer": "equal error rate",
    "auc": "ROC AUC",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "selective_accuracy": "accuracy on the surest 95%",
}


def model_pages() -> dict[str, str]:
    """Return the text of each page by file name."""
    cards = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in MODELS.glob("*.json")}
    pages = {f"{name}.rst": model_page(cards[name]) for name in SHIPPED_MODELS}
    others = sorted(name for name, card in cards.items() if "kind" in card)
    pages |= {f"{name}.rst": part_page(name, cards[name]) for name in others}
    names = [*SHIPPED_MODELS, *others]
    index = [
        heading("Cards of the trained files"),
        "Everything that the card of each file in ``models/`` holds, written when this site was built. "
        ":doc:`/model-cards` is the summary.\n",
        ".. toctree::\n   :maxdepth: 1\n",
        *(f"   {name}" for name in names),
    ]
    return {**pages, "index.rst": "\n".join(index) + "\n"}


def model_page(card: dict[str, Any]) -> str:
    parts = [
        heading(f"Model {card['name']}"),
        escape(card["what"]) + ".\n",
        f"**Not for:** {escape(card['not_for'])}\n",
        heading("Results", "-"),
        escape(card["protocol"][:1].upper() + card["protocol"][1:]) + ".\n",
    ]
    for name, part in card["results"].items():
        (no_closed, wrong_open), (wrong_closed, no_open) = part["confusion"]
        parts += [
            heading(name.rsplit("/", 1)[-1], "~"),
            f"{part['n']:,} images of {part['n_groups']:,} people or faces. Of {no_closed + wrong_open:,} closed eyes "
            f"{wrong_open:,} are predicted open, of {no_open + wrong_closed:,} open eyes {wrong_closed:,} closed.\n",
            table(
                ["metric", "value", "95% interval"],
                [[label, f"{part[key]['value']:.4f}", interval(part[key])] for key, label in METRICS.items()],
            ),
        ]
    parts += [
        heading("Training data", "-"),
        table(
            ["what", "reference", "licence"],
            [[escape(source[key]) for key in ("data", "reference", "licence")] for source in card["sources"]],
        ),
        table(
            ["folder", "images", "open", "closed", "people or faces"],
            [
                [
                    escape(part["path"].rsplit("/", 1)[-1]),
                    *(f"{part[k]:,}" for k in ("images", "open", "closed", "groups")),
                ]
                for part in card["data"]
            ],
        ),
        heading("Limits", "-"),
        *(f"- {escape(limit)}" for limit in card["limits"]),
        "",
        heading("How it was made", "-"),
        code(card["command"].replace(" ../", " \\\n    ../").replace(" --recipe", " \\\n    --recipe"), "bash"),
        f"{card['features']:,} features, {card['components']:,} components, {card['support_vectors']:,} support "
        f"vectors, {card['synthetic_eyes']:,} synthetic eyes among the training images.\n",
        code(json.dumps(card["parameters"], indent=2), "json"),
        versions(card),
    ]
    return "\n".join(parts)


def part_page(name: str, card: dict[str, Any]) -> str:
    parts = [
        heading(name),
        escape(card["kind"][:1].upper() + card["kind"][1:]) + ".\n",
        f"Trained on {escape(card['trained_on'])}.\n",
        code(card["command"], "bash"),
        heading("Evaluation", "-"),
    ]
    parts += [*nested(card["evaluation"]), "", versions(card)]
    return "\n".join(parts)


def nested(values: dict[str, Any]) -> list[str]:
    lines = []
    for key, value in values.items():
        if isinstance(value, dict):
            lines += ["", f"{escape(key.replace('_', ' '))}:", "", *nested(value)]
        else:
            lines.append(
                f"- {escape(key.replace('_', ' '))}: {f'``{value}``' if key == 'command' else escape(str(value))}"
            )
    return lines


def interval(value: dict[str, float | None]) -> str:
    return "--" if value["low"] is None else f"{value['low']:.3f}-{value['high']:.3f}"


def versions(card: dict[str, Any]) -> str:
    return "Made with " + ", ".join(f"{escape(name)} {each}" for name, each in card["versions"].items()) + ".\n"

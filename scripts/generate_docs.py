"""Write the generated documentation: docs/settings.md, docs/models.md, docs/prompts.md and docs/record.schema.json.

Run it after a change of the settings, the catalogue, the vocabulary of prompts or the record:
`python -m scripts.generate_docs`. A test fails when they are stale.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pipeline.catalogue import ModelCard, Phase, get_card, model_names
from pipeline.command_line import SECTIONS
from pipeline.engines.motion.grammar.guide import prompt_guide
from pipeline.memory.forecast import forecast
from pipeline.memory.ladder import descend
from pipeline.motion_plan import MotionPlan
from pipeline.options import Option, default_text, options, range_text
from pipeline.paths import PRESETS, PROJECT
from pipeline.records import RunRecord
from pipeline.resolve import resolve
from pipeline.settings import Settings, make_settings, preset_names

DOCS = PROJECT / "docs"

INTRODUCTION = """# Settings

Every setting of a run. On the command line a setting is `--NAME VALUE`; in a preset, the record and the API it stands
in its section. This page is generated from `pipeline/settings.py`: change it there, then run
`python -m scripts.generate_docs`.
"""

PLAN = """
## Motion plan: animate.motion.plan

The embedded engine renders a plan. It is read from the prompt (see [prompts.md](prompts.md)), shown on the page,
written in the record, and can be given as JSON: `--animate.motion.plan '{"camera": {"zoom": 1.3}}'`, or as the name of
a file.
"""


def settings_page() -> str:
    """The text of docs/settings.md."""
    lines = [INTRODUCTION]
    for section, title in SECTIONS.items():
        lines += [f"\n## {title[:1].upper()}{title[1:]}\n", *_table(o for o in options() if o.section == section)]
    lines += [PLAN, *_table(options(MotionPlan))]
    lines += ["\n## Presets\n", "A preset holds only what differs from the defaults above.\n"]
    for name in preset_names():
        lines += [f"`{name}`:\n", "```yaml", (PRESETS / f"{name}.yaml").read_text(encoding="utf-8").strip(), "```\n"]
    return "\n".join(lines).rstrip() + "\n"


MODELS = """# Models

The engines beside the embedded one, from `configs/models/*.yaml`. `python -m pipeline models download NAME` gets one;
`--animate.engine NAME`, or the page, uses it. GPU memory is the forecast for the standard preset with a 16:9 image:
first with everything on the GPU, then on the lowest rung of the memory ladder that leaves the picture as it is (weights
in main memory, decoding in tiles). This page is generated: run `python -m scripts.generate_docs`.

| engine | what for | download | standard preset | GPU memory, GB | licence | seen to run with |
|---|---|---|---|---|---|---|
"""

YOUR_OWN = """
## A model of your own

A file in `configs/models` with a known `family` is an engine: its name is the file's. Copy the card nearest to it and
change repository, licence, size, rules and defaults; the figures under `memory` come from
`python -m benchmarks.memory_model` or from a relative of the same size.
"""


def models_page() -> str:
    """The text of docs/models.md."""
    return MODELS + "".join(f"{_model_row(get_card(name))}\n" for name in model_names()) + YOUR_OWN


def _model_row(card: ModelCard) -> str:
    asked = make_settings({"animate": {"engine": card.name}, "runtime": {"allow_downgrades": False}, "seed": 0})
    used = resolve(asked, 1920, 1080)[0]
    prepare, animate = used.prepare, used.animate
    whole, least = forecast(used, card, "cuda").gpu_bytes, forecast(_exact_bottom(used, card), card, "cuda").gpu_bytes
    standard = (
        f"{prepare.width} x {prepare.height}, {animate.num_frames} frames at {float(used.encode.fps):g} fps, "
        f"{animate.num_inference_steps} steps"
    )
    cells = [
        f"`{card.name}`",
        f"{card.title}: {card.summary}",
        f"{card.total_bytes / 1e9:.1f} GB" + (", token needed" if card.gated else ""),
        standard,
        f"{whole / 1e9:.1f}, {least / 1e9:.1f}",
        f"[{card.licence}]({card.licence_url})",
        "published weights" if card.ran_on_real_weights else "random weights only",
    ]
    return f"| {' | '.join(cells)} |"


def _exact_bottom(settings: Settings, card: ModelCard) -> Settings:
    """The settings on the lowest rung that leaves the picture as it is."""
    for phase in Phase:
        while (step := descend(settings, card, "cuda", phase)) is not None:
            settings = step[1]
    return settings


def _table(rows: Iterator[Option]) -> Iterator[str]:
    yield "| name | values | default | meaning |"
    yield "|---|---|---|---|"
    for option in rows:
        default = default_text(option)
        shown = f"`{default}`" if default else ""
        yield f"| `{option.name}` | {range_text(option)} | {shown} | {option.help} |"


def record_schema() -> str:
    """The text of docs/record.schema.json."""
    return json.dumps(RunRecord.model_json_schema(mode="serialization"), indent=2) + "\n"


def pages() -> dict[Path, str]:
    """Every generated file with the text that it should hold."""
    return {
        DOCS / "settings.md": settings_page(),
        DOCS / "models.md": models_page(),
        DOCS / "prompts.md": prompt_guide(),
        DOCS / "record.schema.json": record_schema(),
    }


def main() -> None:
    """Write all generated files."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Write the generated documentation: docs/settings.md, docs/prompts.md and docs/record.schema.json.

Run it after a change of the settings, the vocabulary of prompts or the record: `python -m scripts.generate_docs`.
A test fails when they are stale.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pipeline.command_line import SECTIONS
from pipeline.engines.motion.grammar.guide import prompt_guide
from pipeline.motion_plan import MotionPlan
from pipeline.options import Option, default_text, options, range_text
from pipeline.paths import PRESETS, PROJECT
from pipeline.records import RunRecord
from pipeline.settings import preset_names

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
        DOCS / "prompts.md": prompt_guide(),
        DOCS / "record.schema.json": record_schema(),
    }


def main() -> None:
    """Write all generated files."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

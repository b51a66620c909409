"""The languages of the page. The program speaks English; the browser puts Chinese in its place (app/languages.js).

`zh-CN.json` holds what each English text is in Chinese. {0}, {1} ... stand for what varies; a slot is itself translated
where that can be, and {0:text} is left as it is: names, paths, what users have typed.
"""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent

CHINESE = HERE / "i18n" / "zh-CN.json"

PICKER = """<select id="language" translate="no" aria-label="Language / 语言">
<option value="en" lang="en">English</option><option value="zh-CN" lang="zh-CN">中文</option></select>"""
"""The choice of the language, which app/languages.js listens to."""


def read_texts(path: Path) -> dict[str, str]:
    """The texts of a language by their English."""
    texts: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return texts


def script() -> str:
    """A function of JavaScript that lets the page be shown in every language."""
    code = (HERE / "languages.js").read_text(encoding="utf-8")
    return f"() => ({code})({json.dumps(read_texts(CHINESE), ensure_ascii=False)})"

"""The page in Chinese: every text has its Chinese, and in a browser nothing English is left."""

import re
from functools import reduce
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.languages import CHINESE, read_texts
from app.texts import EXAMPLE_PHOTOS, Example
from pipeline.engines.motion.prompt import read_prompt
from pipeline.paths import PROJECT
from pipeline.run import execute, submit
from pipeline.settings import make_settings
from scripts.page_texts import page_texts, python_texts
from tests.browser import Server, generate, open_advanced, open_motion, opened, set_small, settle, upload

TEXTS = read_texts(CHINESE)

SLOT = re.compile(r"\{(\d+)(?::text)?\}")
HAN = "[\u4e00-\u9fff]"
CODE = re.compile(r"`[^`]*`")

WITHOUT_WORDS = {
    "{0} of {1}", "{0} by {1}%", "{0} ({1})", "{0} (config.json)", "images: {0}.",
    "`python -m pipeline models download {0}`",
}  # fmt: skip
"""Texts that hold nothing to translate beside their slots."""

TERMS = {
    "seed": "种子", "frame rate": "帧率", "guidance scale": "引导系数", "key frames": "关键帧", "licence": "许可证",
    "negative prompt": "负面提示词", "optical flow": "光流", "depth map": "深度图", "driving video": "驱动视频",
    "parallax": "视差", "super-resolution": "超分辨率", "trash": "回收站", "embedded engine": "内置引擎",
    "LoRA": "LoRA",
}  # fmt: skip
"""Terms that have one Chinese word each, wherever they stand."""

NAMES = {
    "Florence", "base", "Phi", "mini", "instruct",
    "Image", "Video", "Linux", "MIT", "Apache", "Stable", "Diffusion", "XT", "Wan", "LTX", "distilled", "CogVideoX",
    "I2V", "FramePack", "HunyuanVideo", "I2VGen", "XL", "FLF2V", "VACE", "TI2V", "A14B", "SVD", "ControlNet", "LoRA",
    "IP", "Adapter", "Lanczos", "SIFT", "FILM", "RIFE", "film", "rife", "OpenPose", "DWPose", "canny", "euler",
    "ddim", "dpmpp", "unipc", "Hugging", "Face", "OpenCV", "NVIDIA", "GPU", "CPU", "cpu", "cuda", "PyTorch", "Python",
    "Gradio", "gradio", "mp4", "webm", "gif", "WebP", "VP9", "CRF", "PNG", "JPG", "JPEG", "WEBP", "HEIC", "AVIF",
    "TIFF", "BMP", "GIF", "JSON", "PSNR", "SSIM", "dB", "Delta", "GB", "MB", "kB", "float32", "float16", "bfloat16",
    "float8", "int8", "nf4", "x264", "safetensors", "pth", "git", "the", "river",
}  # fmt: skip
"""Names and units, which Chinese writes as they are. "the river" is an example of what has to be typed in English."""


def test_every_text_of_the_page_has_its_chinese_and_none_is_left_over() -> None:
    found = page_texts()
    missing = [f"{found[text]}: {text}" for text in found if text not in TEXTS]
    unused = [text for text in TEXTS if text not in found]
    assert (missing, unused) == ([], []), "run `python -m scripts.page_texts`, and see docs/decisions/0013"


def test_chinese_says_the_same_in_chinese() -> None:
    wrong = {english: fault for english, chinese in TEXTS.items() if (fault := fault_of(english, chinese))}
    assert wrong == {}


def fault_of(english: str, chinese: str) -> str:
    """What is wrong with the Chinese of a text; empty where nothing is."""
    prose = SLOT.sub("", CODE.sub("", chinese))
    if set(SLOT.findall(english)) != set(SLOT.findall(chinese)):
        return "other slots"
    if [SLOT.sub("", code) for code in CODE.findall(chinese)] != [SLOT.sub("", code) for code in CODE.findall(english)]:
        return "other code"
    if english not in WITHOUT_WORDS and not re.search(HAN, chinese):
        return "no Chinese"
    if re.search(f"{HAN}[,;:?!()]|[,;:?!()]{HAN}", prose):
        return "punctuation that is not full-width"
    terms = [term for term, word in TERMS.items() if re.search(rf"\b{term}\b", english, re.I) and word not in chinese]
    return f"other words for {terms}" if terms else ""


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('"""A module."""\ndef f():\n    """What it does."""\n', []),
        ("say(f\"{n} frame{'s' if n > 1 else ''} left\")", ["{0} frames left", "{0} frame left"]),
        ("say(f\"<b title='A name'>Two words</b>, {a}{b} are here\")", ["Two words", "{0} are here", "A name"]),
        ('say("It is " + name + " again.")', ["It is {0} again."]),
        ("say(f\"made of {name or 'no name'}\")", ["made of {0}", "no name"]),
        ('LOG.info("Nobody reads this")\nx: "list[int]" = run("a.b", elem_id="one two")', []),
    ],
)
def test_texts_are_found_where_they_are_written(source: str, texts: list[str]) -> None:
    assert list(python_texts(source)) == texts


@pytest.mark.browser
@pytest.mark.slow
def test_every_text_is_translated_wherever_it_stands(browser: Browser, server: Server) -> None:
    english = [SLOT.sub("7", text) for text in TEXTS]
    with opened(browser, server, locale="zh-CN") as page:
        shown = page.evaluate(SHOW, english)
    words = re.compile("[A-Za-z]{2,}")
    left = {
        text: each
        for text, chinese, each in zip(english, TEXTS.values(), shown, strict=True)
        if set(words.findall(each)) - set(words.findall(SLOT.sub("7", chinese)))
    }
    assert left == {}


SHOW = """async texts => {
    const place = document.createElement('div');
    for (const text of texts) place.appendChild(document.createElement('p')).textContent = text;
    document.body.append(place);
    await new Promise(done => setTimeout(done));
    const shown = [...place.children].map(each => each.textContent);
    place.remove();
    return shown;
}"""
"""What becomes of texts that are put on the page."""


PROMPT = "zoom in, stars twinkling, prompt"
"""Words that the page also says of itself, and that must not be translated."""

CAPTIONS = "a cup on a table", "a cup from above"


@pytest.mark.browser
@pytest.mark.slow
def test_the_whole_page_is_in_chinese_and_back_in_english(browser: Browser, server: Server, coffee: Path) -> None:
    make_transition(coffee, server.outputs)
    with opened(browser, server, locale="zh-CN", viewport={"width": 1440, "height": 1000}) as page:
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        page.click("#generate")
        expect(page.locator("#error .alert")).to_contain_text("还没有照片")
        upload(page, coffee)
        page.fill("#prompt textarea", PROMPT)
        open_motion(page)
        open_advanced(page)
        set_small(page)
        generate(page)
        assert_chinese(page, coffee.name, *CAPTIONS)
        expect(page.locator("#prompt textarea")).to_have_value(PROMPT)
        expect(page.locator("#result .record")).to_contain_text(PROMPT)
        expect(page.locator("#result .record")).to_contain_text(coffee.name)
        assert server.records()[-1]["requested"]["animate"]["engine"] == "motion"

        for tab in page.get_by_role("tab").all()[1:]:
            tab.click()
            settle(page)
            fill_tab(page)
            assert_chinese(page, coffee.name, *CAPTIONS)

        page.select_option("#language", "en")
        expect(page.get_by_role("tab").first).to_have_text("Animate")
        assert [text for text in said(page) if re.search(HAN, text)] == []
        page.reload()
        expect(page.get_by_role("tab").first).to_have_text("Animate")


def make_transition(photo: Path, outputs: Path) -> None:
    """Leave a transition between two views of a photo, every stage of which went its way without a model."""
    views = photo.with_name("first_view.png"), photo.with_name("last_view.png")
    with Image.open(photo) as whole:
        for view, (left, top) in zip(views, ((0, 0), (60, 40)), strict=True):
            whole.crop((left, top, left + 450, top + 300)).save(view)
    settings = make_settings(
        {
            "prepare": {"width": 96},
            "caption": {"text0": CAPTIONS[0], "text1": CAPTIONS[1]},
            "transition": {"engine": "keyframes", "num_frames": 6},
        }
    )
    assert execute(submit(views, settings, outputs), views, outputs).error is None


def fill_tab(page: Page) -> None:
    """Let a tab show what it has: its advanced settings, an example, a run."""
    for opening in page.locator("#passage-advanced > button, #history-gallery .run").locator("visible=true").all():
        opening.click()
        settle(page)
    example = page.locator("#passage-examples button").locator("visible=true")
    if example.count():
        example.first.click()
        page.click("#passage-engine input")
        page.locator("[role=listbox] [role=option]").nth(1).click()
        settle(page)


def assert_chinese(page: Page, *own: str) -> None:
    """Nothing on the page is in Latin letters but names, and the user's `own` words."""
    settle(page)
    texts = [reduce(lambda text, words: text.replace(words, ""), (PROMPT, *own), text) for text in said(page)]
    left = {text: words for text in texts if (words := latin(text))}
    assert left == {}


def latin(text: str) -> set[str]:
    """The words of a text in Latin letters that are no names: known ones, or those of settings, files and commits."""
    plain = re.sub(r"https?://\S+|\b[0-9a-f]{12}\b|/[\w./-]+|\S+\.\w+ or \S+\.\w+|[\w.-]+(?:[._/][\w-]+)+", "", text)
    return {word for word in re.findall(r"[A-Za-z][A-Za-z0-9]+", plain) if word not in NAMES}


def said(page: Page) -> list[str]:
    """Every text and attribute that is there to be read, and what the fields of dropdowns show."""
    texts: list[str] = page.evaluate(SAID)
    return texts


SAID = """() => {
    const kept = node => node.closest('[translate]')?.getAttribute('translate') === 'no';
    const filter = node => node.nodeType === 1
        ? (node.matches('script, style') ? 2 : kept(node) ? 3 : 1)
        : (kept(node.parentElement) || node.parentElement.closest('pre, code, textarea') ? 2 : 1);
    const nodes = document.createTreeWalker(document.body, 5, filter);
    const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').get;
    const found = [];
    while (nodes.nextNode()) {
        const node = nodes.currentNode;
        if (node.nodeType === 3) found.push(node.data);
        else for (const name of ['placeholder', 'title', 'aria-label', 'alt', 'data-ask', 'data-busy'])
            found.push(node.getAttribute(name) || '');
        if (node.nodeName === 'INPUT' && node.getAttribute('role') === 'combobox') found.push(value.call(node));
    }
    return [...new Set(found.map(text => text.trim()).filter(Boolean))];
}"""


@pytest.mark.parametrize("example", EXAMPLE_PHOTOS, ids=lambda example: example.file)
def test_the_prompt_of_an_example_asks_for_the_same_in_chinese(example: Example) -> None:
    assert read_prompt(TEXTS[example.prompt]).plan == read_prompt(example.prompt).plan


def test_both_readmes_say_the_same() -> None:
    english, chinese = ((PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
    assert re.findall(r"^#+", prose_of(english), re.M) == re.findall(r"^#+", prose_of(chinese), re.M)
    assert commands(english) == commands(chinese)
    assert links(english) - {"README.zh-CN.md"} == links(chinese) - {"README.md"}
    assert english.count("\n|") == chinese.count("\n|"), "rows of tables"


BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)


def prose_of(text: str) -> str:
    """A document without its blocks of code."""
    return BLOCK.sub("", text)


def commands(text: str) -> list[list[str]]:
    """What is to be typed: blocks of code without comments, and code within sentences."""
    blocks = [re.sub(r"\s*#.*", "", code).split() for kind, code in BLOCK.findall(text) if kind]
    return [*blocks, sorted(set(re.findall(r"`([^`\n]+)`", prose_of(text))))]


def links(text: str) -> set[str]:
    """Where a document leads, other than to its own parts."""
    return {link for link in re.findall(r"\]\(([^)]+)\)", prose_of(text)) if not link.startswith("#")}

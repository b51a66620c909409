"""The grammar of prompts: what each prompt makes of a plan, and what holds for every text."""

import random
from math import cos, radians, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engines.motion.grammar.lexicon import inflections, lexicon, one_edit_apart
from pipeline.engines.motion.grammar.words import Entry, vocabulary
from pipeline.engines.motion.prompt import describe_plan, read_prompt
from pipeline.motion_plan import Camera, Easing, MotionPlan, Region, RegionKind

# A plan in short: "still" or what the camera does; a thing, with > where it goes, ~slow or ~fast, @ for swirls.
PROMPTS = [
    # The three prompts that the program was asked for, and their like in Chinese.
    ("Ocean waves gently moving", "still water ~slow"),
    ("Leaves falling gently from the tree", "still falling_leaves ~slow"),
    ("The stars are twinkling and clouds swirling in the night sky", "still stars clouds @"),
    ("海浪轻轻涌动", "still water ~slow"),
    ("树叶从树上缓缓飘落", "still falling_leaves ~slow"),
    ("夜空中星星闪烁云朵旋转", "still stars clouds @"),
    # The camera: in and out.
    ("zoom in", "in"),
    ("Zooms in.", "in"),
    ("zooming out", "out"),
    ("zoom slowly out", "out"),
    ("zoom the camera out", "out"),
    ("push in on the lighthouse", "in"),
    ("pull back", "out"),
    ("dolly forward", "in"),
    ("dolly out", "out"),
    ("the camera moves closer", "in"),
    ("camera moves forward", "in"),
    ("Gentle Ken Burns effect moving from left to right", "in right"),
    ("镜头推进", "in"),
    ("镜头慢慢拉远", "out"),
    ("画面放大", "in"),
    ("慢推", "in"),
    ("推近", "in"),
    # The camera: eight ways.
    ("pan left", "left"),
    ("pan to the right", "right"),
    ("tilt up", "up"),
    ("tilts down slowly", "down"),
    ("pan left and up", "left up"),
    ("pan towards the lower right", "right down"),
    ("pan diagonally up left", "left up"),
    ("panning from left to right", "right"),
    ("a pan from the right", "left"),
    ("dolly left", "left"),
    ("truck right", "right"),
    ("track left", "left"),
    ("pedestal down", "down"),
    ("camera slides right by 30%", "right"),
    ("slow drift to the left", "left"),
    ("rise up slowly", "up"),
    ("move the camera up", "up"),
    ("scroll left", "left"),
    ("pan horizontally to the left", "left"),
    ("camera moves up and to the right", "right up"),
    ("left", "left"),
    ("镜头向左平移", "left"),
    ("镜头从左到右缓慢移动", "right"),
    ("镜头左移", "left"),
    ("右摇", "right"),
    ("镜头上移", "up"),
    ("向右下方平移", "right down"),
    # The subject is the picture: the camera goes the other way.
    ("the picture moves left", "right"),
    ("the image scrolls to the right", "left"),
    ("画面向右移动", "left"),
    ("move the picture up", "down"),
    # Turns: of the picture, or of the camera.
    ("rotate 15 degrees clockwise", "clockwise"),
    ("rotate counter-clockwise", "anticlockwise"),
    ("spin left", "anticlockwise"),
    ("turn to the right", "clockwise"),
    ("camera rolls clockwise", "anticlockwise"),
    ("rotate the picture 90°", "clockwise"),
    ("tilt 10 degrees clockwise", "clockwise"),
    ("顺时针旋转十五度", "clockwise"),
    ("画面逆时针转动", "anticlockwise"),
    # Dolly zoom, sway, still.
    ("dolly zoom", "dolly_in"),
    ("vertigo effect", "dolly_in"),
    ("dolly zoom out", "dolly_out"),
    ("希区柯克变焦", "dolly_in"),
    ("handheld camera", "sway"),
    ("shaky cam", "sway"),
    ("手持镜头，轻微晃动", "sway"),
    ("static shot", "still"),
    ("still camera", "still"),
    ("locked-off", "still"),
    ("no camera movement", "still"),
    ("the camera does not move", "still"),
    ("定格", "still"),
    ("固定镜头", "still"),
    ("镜头不动", "still"),
    # What needs depth becomes what a still can do.
    ("orbit around the subject", "right"),
    ("arc shot to the left", "left"),
    ("crane up", "up"),
    ("boom down", "down"),
    ("subtle parallax", "right"),
    ("drone shot flying over the forest", "in"),
    ("镜头环绕", "right"),
    # Fades and loops; the picture still lives.
    ("fade in", "in fade_in"),
    ("fade to black", "in fade_out"),
    ("fade to white at the end, still camera", "still fade_out #ffffff"),
    ("fade in from red, no zoom", "still fade_in #ff0000"),
    ("fade in and out", "in fade_in fade_out"),
    ("zoom out then fade to #00ff00", "out fade_out #00ff00"),
    ("渐黑", "in fade_out"),
    ("慢慢拉远，最后淡出到白色", "out fade_out #ffffff"),
    ("淡入", "in fade_in"),
    ("seamless loop of the waterfall", "still water >down loop"),
    ("cinemagraph of waves", "still water loop"),
    ("海浪，无缝循环", "still water loop"),
    # Several movements.
    ("slowly zoom in while panning left quickly", "in left"),
    ("zoom in and pan left", "in left"),
    ("pull back, tilt up, rotate clockwise", "out up clockwise"),
    ("镜头缓慢推进并向左平移", "in left"),
    ("镜头推进，同时顺时针旋转", "in clockwise"),
    ("zoom in then pan left", "in left"),
    ("zoom in and then zoom out", "in loop"),
    ("zoom in and out", "in loop"),
    ("pan left then right", "left loop"),
    ("candle flickering, slow zoom in", "in fire"),
    ("The river flows down while the camera tilts up", "up water >down"),
    ("the camera pans left over the sea and the clouds drift right", "left clouds >right"),
    ("让照片里的海水动起来，镜头保持不动", "still water"),
    ("camera缓慢zoom in，海浪拍打礁石", "in water"),
    ("鏡頭緩慢推進，雲朵向右飄動，樹葉飄落", "in clouds >right falling_leaves"),
    # Negations.
    ("do not zoom, pan left", "left"),
    ("no zoom", "still"),
    ("pan right without zooming", "right"),
    ("without camera movement, clouds drifting left", "still clouds >left"),
    ("the clouds are not moving, waves crash", "still water"),
    ("the clouds stand still, the waves crash", "still water"),
    ("不要缩放，向右平移", "right"),
    ("don't move the camera, just the fountain", "still water >up"),
    # Things that flow.
    ("waves", "still water"),
    ("the sea", "still water"),
    ("smoke rises to the left", "still smoke >up >left"),
    ("the water is still", "still"),
    ("nothing should move", "still"),
    ("the sky turns red", "in"),
    ("镜头左右摇晃", "sway"),
    ("镜头上下移动", "up loop"),
    ("river flowing to the left quickly", "still water >left ~fast"),
    ("waterfall", "still water >down"),
    ("瀑布飞流直下，水雾弥漫", "still water >down clouds"),
    ("stormy sea", "still water"),
    ("whirlpool swirling", "still water @"),
    ("clouds drift from left to right", "still clouds >right"),
    ("fog rolling in from the right", "still clouds >left"),
    ("云海翻涌，延时摄影", "still clouds ~fast"),
    ("smoke rising", "still smoke >up"),
    ("steam rises slowly from the coffee cup", "still smoke >up ~slow"),
    ("the fire flickers", "still fire"),
    ("篝火燃烧", "still fire"),
    ("trees swaying in the wind", "still leaves"),
    ("leaves rustle", "still leaves"),
    ("falling petals", "still falling_leaves"),
    ("花瓣纷飞", "still falling_leaves"),
    ("grass swaying in the breeze, camera still", "still grass"),
    ("the wind blows across the wheat field", "still grass"),
    ("微风吹过，麦浪起伏", "still grass"),
    ("hair blowing in the wind", "still hair"),
    ("女孩的长发随风飘动", "still hair"),
    ("stars twinkle very slowly", "still stars ~slow"),
    ("the milky way", "still stars"),
    ("a flag waving", "still drift"),
    ("flowing to the left", "still drift >left"),
    ("A cat under swirling clouds", "still clouds @"),
    ("clouds and smoke drift left", "still clouds >left smoke >left"),
    ("the sea and the sky moving", "still water clouds"),
    ("Waves, gentle; clouds, fast; no zoom", "still water ~slow clouds ~fast"),
    # Nothing that this engine does.
    ("", "in"),
    ("a cat on a sofa", "in"),
    ("masterpiece, 4k, cinematic --ar 16:9", "in"),
    ("A truck driving left", "in"),
    ("Make my baby smile and wave", "in"),
    ("snow falling", "in"),
    ("tears falling down", "in"),
    ("planning a trip", "in"),
    ("烟花绽放，人群欢呼", "in"),
    ("火车开过", "in"),
    ("rain pouring down, birds flying left, hair flowing", "still hair"),
]


def in_short(plan: MotionPlan) -> set[str]:
    """The kinds and signs of a plan, as the table above writes them."""
    camera = plan.camera
    words = {
        "in": camera.zoom > 1, "out": camera.zoom < 1, "left": camera.pan_x < 0, "right": camera.pan_x > 0,
        "up": camera.pan_y < 0, "down": camera.pan_y > 0,
        "clockwise": camera.roll > 0, "anticlockwise": camera.roll < 0,
        "dolly_in": camera.dolly_zoom > 0, "dolly_out": camera.dolly_zoom < 0, "sway": camera.sway > 0,
    }  # fmt: skip
    short = {word for word, holds in words.items() if holds} or {"still"}
    for region in plan.regions:
        short.add(region.kind.value)
        if region.direction is not None:
            x, y = round(cos(radians(region.direction))), round(sin(radians(region.direction)))
            ways = (("right", x > 0), ("left", x < 0), ("up", y > 0), ("down", y < 0))
            short |= {f">{way}" for way, there in ways if there}
        short |= {"~slow"} if region.speed < 1 else {"~fast"} if region.speed > 1 else set()
        short |= {"@"} if region.swirl else set()
    short |= {word for word, part in (("fade_in", plan.fade_in), ("fade_out", plan.fade_out)) if part}
    short |= {plan.fade_colour} - {"#000000"} | ({"loop"} if plan.loop else set())
    return short


@pytest.mark.parametrize(("prompt", "short"), PROMPTS, ids=[prompt or "empty" for prompt, _ in PROMPTS])
def test_prompt_gives_the_plan(prompt: str, short: str) -> None:
    """Every prompt of the table gives these movements in these directions, and no other."""
    assert in_short(read_prompt(prompt).plan) == set(short.split())


@pytest.mark.parametrize(
    ("prompt", "zoom"),
    [
        ("zoom in", 1.25), ("slowly zoom in", 1.125), ("zoom in quickly", 1.6), ("zoom in 2x", 2.0), ("放大两倍", 2.0),
        ("zoom in by 20 percent", 1.2), ("zoom in to 150%", 1.5), ("zoom out", 0.8), ("zoom out 50%", 0.5),
        ("放大百分之二十", 1.2), ("zoom in 1.3", 1.3), ("zoom in 100x", 4.0), ("zoom in twice", 2.0), ("", 1.15),
    ],
)  # fmt: skip
def test_zoom_amounts(prompt: str, zoom: float) -> None:
    """Amounts are the documented ones, or the one the prompt names, within the bounds of a plan."""
    assert read_prompt(prompt).plan.camera.zoom == pytest.approx(zoom)


def test_words_of_pace_belong_to_the_nearest_verb() -> None:
    """ "slowly zoom in while panning left quickly": each movement keeps its own pace."""
    camera = read_prompt("slowly zoom in while panning left quickly").plan.camera
    assert camera.zoom == pytest.approx(1.125)
    assert camera.pan_x == pytest.approx(-0.48)
    regions = read_prompt("waves move slowly and clouds drift quickly to the left").plan.regions
    assert [(region.kind, region.speed > 1) for region in regions] == [
        (RegionKind.WATER, False),
        (RegionKind.CLOUDS, True),
    ]


@pytest.mark.parametrize(
    ("prompt", "x", "y"),
    [
        ("zoom in towards the upper left", 0.2, 0.2),
        ("zoom in on the bottom right corner", 0.8, 0.8),
        ("zoom in to the left", 0.2, 0.5),
        ("zoom out from the top", 0.5, 0.2),
        ("zoom in on the cat on the right", 0.8, 0.5),
        ("zoom into the center", 0.5, 0.5),
        ("向右上角推进", 0.8, 0.2),
    ],
)
def test_zoom_goes_towards_the_place_named(prompt: str, x: float, y: float) -> None:
    """A direction beside a zoom is where it goes to, not a pan."""
    camera = read_prompt(prompt).plan.camera
    assert (camera.zoom_x, camera.zoom_y, camera.pan_x, camera.pan_y) == (x, y, 0, 0)


def test_degrees_sway_fade_and_easing() -> None:
    """The other amounts: degrees, a shake that is quicker than a sway, a slow fade that is long, the named easing."""
    assert read_prompt("rotate 15 degrees clockwise").plan.camera.roll == 15
    assert read_prompt("逆时针旋转三十度").plan.camera.roll == -30
    sway, shake = (read_prompt(prompt).plan.camera for prompt in ("handheld", "shaky camera"))
    assert shake.sway > sway.sway
    assert shake.sway_rate > sway.sway_rate
    assert read_prompt("slowly fade out").plan.fade_out > read_prompt("fade out").plan.fade_out
    assert read_prompt("linear zoom out").plan.camera.easing is Easing.LINEAR
    assert read_prompt("镜头匀速推进").plan.camera.easing is Easing.LINEAR
    assert read_prompt("zoom in, decelerating").plan.camera.easing is Easing.EASE_OUT
    assert read_prompt("smoothly zoom in").plan.camera.easing is Easing.EASE_IN_OUT


def test_unknown_words_are_named_back_as_written() -> None:
    """In order, as the user wrote them, Chinese in runs; mood is recognised and said once."""
    assert read_prompt("Zoom in on the Zeppelin and Grandpa's gramophone").unknown == (
        "Zeppelin",
        "Grandpa's",
        "gramophone",
    )
    assert read_prompt("镜头推进，霓虹闪耀夜").unknown == ("霓虹",)
    moody = read_prompt("cinematic, peaceful, beautiful, 8k, zoom in")
    assert moody.unknown == ()
    assert sum("mood" in note for note in moody.notes) == 1
    assert ("zoom in", "zoom in") in moody.understood


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("", "empty"),
        ("a cat on a sofa", "'cat', 'sofa'"),
        ("zomm in", "Read 'zomm' as 'zoom'"),
        ("zoom in then pan left", "happens together"),
        ("a woman walking", "'walking'"),
        ("zoom in 100x", "stops at 4"),
        ("pan", "goes right"),
        ("waves, clouds, smoke, fire, stars", "first 4"),
        ("fade in from red and fade out to blue", "one fade colour"),
        ("static camera, zoom in", "it moves"),
        ("zoom in for 5 seconds", "length"),
    ],
)
def test_notes_say_what_was_done_instead(prompt: str, words: str) -> None:
    """Every departure from the prompt is told in a sentence."""
    notes = read_prompt(prompt).notes
    assert any(words in note for note in notes)
    assert all(note.endswith(".") for note in notes)


def test_misspellings_are_mended_only_where_no_other_word_is_meant() -> None:
    """One edit away is read as the word; words of their own are not."""
    plan = read_prompt("slwoly zooom in, cloouds driftng left").plan
    assert in_short(plan) == {"in", "clouds", ">left"}
    for word in ("glass", "planning", "stairs", "crowds", "storms", "flare"):
        reading = read_prompt(f"zoom in, {word}")
        assert reading.unknown == (word,)
        assert in_short(reading.plan) == {"in"}
    assert one_edit_apart("zomm", "zoom")
    assert one_edit_apart("slwoly", "slowly")
    assert not one_edit_apart("zoom", "zoom")
    assert not one_edit_apart("zmmo", "zoom")


def test_inflections() -> None:
    """Regular English endings."""
    assert {"zooms", "zooming", "zoomed"} <= inflections("zoom")
    assert {"pans", "panning", "panned"} <= inflections("pan")
    assert {"rotates", "rotating", "rotated"} <= inflections("rotate")
    assert {"crashes", "flies"} <= inflections("crash") | inflections("fly")


def test_vocabulary_gives_every_phrase_one_meaning() -> None:
    """A phrase in two places of the file would silently hide one of them; every compound is made of known phrases."""
    words = vocabulary()
    seen: dict[str, Entry] = {}
    for entry in words.entries():
        for phrase in entry.en + entry.zh:
            assert phrase not in seen, phrase
            seen[phrase] = entry
    for compound in words.compounds:
        assert not set(compound.words) & set(seen)
        assert set(compound.means) <= set(seen)
    assert set(words.misspellings.of) <= set(lexicon().bases)
    assert not set(words.misspellings.words_of_their_own) & set(words.misspellings.of)
    assert len(words.traditional) == len(words.simplified)


def _plain(plan: MotionPlan) -> tuple[Camera, set[Region], MotionPlan]:
    """A plan for comparison where the order of the regions does not count."""
    return plan.camera, set(plan.regions), plan.model_copy(update={"regions": ()})


PROMPT = st.sampled_from([prompt for prompt, _ in PROMPTS if prompt])
UNKNOWN = st.sampled_from(["xylophone", "Zürich", "qwrtp", "gramophone", "квартира", "鑫鑫", "ありがとう"])


@given(PROMPT, UNKNOWN, st.integers(0, 40))
def test_unknown_words_never_change_the_plan(prompt: str, word: str, place: int) -> None:
    """Between clauses, at the start or at the end."""
    places = [i for i, character in enumerate(prompt) if character in ",，;"] + [len(prompt)]
    i = places[place % len(places)]
    assert read_prompt(f"{prompt[:i]} {word} {prompt[i:]}").plan == read_prompt(prompt).plan
    assert read_prompt(f"{word} {prompt}").plan == read_prompt(prompt).plan
    assert word in read_prompt(f"{word} {prompt}").unknown


@given(PROMPT)
def test_case_and_punctuation_do_not_matter(prompt: str) -> None:
    """Upper case, marks at the end, wide forms and more space read the same."""
    plan = read_prompt(prompt).plan
    wide = prompt.translate({i: i + 0xFEE0 for i in range(0x21, 0x7F) if chr(i) != "°"})
    for other in (prompt.upper(), f"  {prompt}!!", f"{prompt}。", prompt.replace(" ", "   "), wide):
        assert read_prompt(other).plan == plan


CLAUSES = ["slowly zoom in", "pan left", "tilt up by 10%", "rotate 20 degrees clockwise", "waves crash gently",
           "clouds drift to the right", "smoke rises", "海浪轻轻涌动", "fade to white", "树叶飘落"]  # fmt: skip


@given(st.lists(st.sampled_from(CLAUSES), min_size=1, max_size=4, unique=True), st.randoms(use_true_random=False))
def test_order_of_independent_clauses_does_not_matter(clauses: list[str], chance: random.Random) -> None:
    """Clauses that stand alone mean the same in any order."""
    shuffled = chance.sample(clauses, len(clauses))
    assert _plain(read_prompt("; ".join(clauses)).plan) == _plain(read_prompt("; ".join(shuffled)).plan)


@given(st.text(max_size=2000))
@settings(max_examples=150)
def test_any_text_gives_a_valid_plan(text: str) -> None:
    """No text raises, and reading twice gives the same."""
    reading = read_prompt(text)
    assert MotionPlan.model_validate(reading.plan.model_dump()) == reading.plan
    assert read_prompt(text) == reading
    assert describe_plan(reading.plan)


ANY_WORDS = st.lists(
    st.sampled_from(sorted({phrase for entry in vocabulary().entries() for phrase in entry.en + entry.zh})), max_size=30
)


@given(ANY_WORDS, st.sampled_from([" ", ", ", " and ", "，", ""]))
@settings(max_examples=200)
def test_any_words_of_the_vocabulary_give_a_valid_plan(words: list[str], joint: str) -> None:
    """However they are put together."""
    reading = read_prompt(joint.join(words))
    assert len(reading.plan.regions) <= 4
    assert all(meaning for _, meaning in reading.understood)


@pytest.mark.parametrize(
    "text",
    ["水" * 2000, "zoom " * 400, "a" * 2000, "1" * 2000, "很" * 2000, "ﷺ" * 2000, "-" * 2000,
                                  "zoom in and " * 160, "百分之" * 600, "一" * 2000 + "度"])  # fmt: skip
def test_long_prompts(text: str) -> None:
    """Repetition is read like anything else."""
    assert isinstance(read_prompt(text).plan, MotionPlan)


cameras = st.builds(
    Camera,
    zoom=st.one_of(st.just(1.0), st.floats(0.3, 0.95), st.floats(1.05, 3.9)).map(lambda v: round(v, 2)),
    zoom_x=st.sampled_from([0.2, 0.5, 0.8]),
    zoom_y=st.sampled_from([0.2, 0.5, 0.8]),
    pan_x=st.sampled_from([-0.5, -0.125, 0, 0.2]),
    pan_y=st.sampled_from([-0.3, 0, 0.05]),
    roll=st.sampled_from([-90, -5.5, 0, 10]),
    dolly_zoom=st.sampled_from([-0.5, 0, 0.25]),
    sway=st.sampled_from([0, 0.01, 0.05]),
    sway_rate=st.sampled_from([0.5, 1.5]),
)
regions = st.builds(
    Region,
    kind=st.sampled_from(RegionKind),
    direction=st.sampled_from([0, 45, 90, 135, 180, 225, 270, 315]),
    speed=st.sampled_from([0.5, 1.0, 2.0]),
    swirl=st.booleans(),
)
plans = st.builds(
    MotionPlan,
    camera=cameras,
    regions=st.lists(regions, max_size=4, unique_by=lambda region: region.kind.value[-6:]).map(tuple),
    fade_in=st.sampled_from([0, 0.2]),
    fade_out=st.sampled_from([0, 0.5]),
    fade_colour=st.sampled_from(["#000000", "#ff0000"]),
    loop=st.booleans(),
)


@given(plans)
@settings(max_examples=200)
def test_a_description_reads_as_the_same_plan(plan: MotionPlan) -> None:
    """describe_plan speaks the grammar: kinds, signs, directions and amounts come back."""
    sentence = describe_plan(plan)
    again = read_prompt(sentence).plan
    if not (plan.fade_in or plan.fade_out):
        plan = plan.model_copy(update={"fade_colour": "#000000"})
    assert in_short(again) == in_short(plan), sentence
    assert again.camera.zoom == pytest.approx(plan.camera.zoom, rel=0.01), sentence
    assert (again.camera.pan_x, again.camera.pan_y) == pytest.approx((plan.camera.pan_x, plan.camera.pan_y), abs=0.01)
    assert again.camera.roll == pytest.approx(plan.camera.roll)
    assert set(again.regions) == set(plan.regions), sentence


def test_descriptions_read_well() -> None:
    """One or two plain sentences."""
    plan = read_prompt("zoom in while panning left, water flows right").plan
    assert describe_plan(plan) == "Zooms in to 1.25x while panning left by 20%; water flows right."
    assert describe_plan(MotionPlan()) == "The camera stands still."

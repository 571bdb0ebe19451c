"""The pages: a replay is the search, nothing is loaded or run, and people can use them."""

import dataclasses
import hashlib
import html.parser
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import chromium
import cli
import common
import pages
import rstar
import show
from scripted import TWO, ScriptedPolicy, ScriptedPPM

ROOT = Path(__file__).parent.parent
TEMPLATES = ("replay.html", "rounds.html")

# What would run or end the script element if it were anything but text.
HOSTILE = (
    "</script><script>window.hacked = 1</script><!-- <script> \u2028 \u2029 & &lt; \\"
    "<img src=x onerror=window.hacked=2> \"'><b>bold</b> @DATA@ $& ${1} \x00 \\u003c"
)


# --------------------------------------------------------------------------------------------------
# Searches of every shape, without models: what is proposed, fails and is scored follows a hash.


def dice(*things) -> int:
    return int(hashlib.sha256(repr(things).encode()).hexdigest()[:8], 16)


class DicePolicy:
    tokens = 0
    longest = 4096

    def __init__(self, variety):
        self.variety = variety

    def prompt(self, question):
        return f"[{question}]"

    def __call__(self, texts, k, stops, limit, temperature=0.0, seeds=None):
        if stops == (rstar.END_OF_ANSWER,):
            return [[f"It is \\boxed{{{dice(text) % 3}}}.{rstar.END_OF_ANSWER}"] for text in texts]
        return [[self.step(text, i, seed) for i in range(k)] for text, seed in zip(texts, seeds)]

    def step(self, text, i, seed):
        depth = text.count(rstar.BETWEEN)
        number = dice(text, i, seed) % self.variety
        if depth > 3 or dice("end", text, i) % 7 == 0:
            return f"# the answer\nprint({number})\n{rstar.END_OF_CODE}"
        return f"# Step {depth + 1}: take {number}\nn{depth} = {number}\n{rstar.END_OF_STEP}"


class DicePPM:
    def score(self, paths):
        return [dice(path) / 2**31 - 1 for path in paths]


class DiceVerifier:
    """Of five candidates two raise, or as many as `failing` says."""

    failing = 2

    def __init__(self, timeout):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def run_batch(self, codes):
        return [self.result(code) for code in codes]

    def result(self, code):
        if dice(code) % 5 < self.failing:
            return SimpleNamespace(ok=False, output="", error="ValueError: dice")
        return SimpleNamespace(ok=True, output="7" if "print" in code else "", error="")


def grow(seed=0, ppm=True, reference=None, variety=6, choices=None, **numbers) -> dict:
    """The record of a tree; `choices` collects what UCT compared, select by select."""
    config = rstar.Config(seed=seed, **(dict(rollouts=12, candidates=4) | numbers))

    def rule(child, parent_visits, c):
        value = rstar.uct(child, parent_visits, c)
        # `max` asks for the siblings in their order, so the first of them begins a new choice.
        first = child is child.parent.open_children[0]
        if choices is not None and first:
            choices.append([])
        if choices is not None:
            choices[-1].append([child.number, value if value != float("inf") else None])
        return value

    problem = (seed, f"question {seed}", reference)
    models = (DicePolicy(variety), DicePPM() if ppm else None)
    ((_, root),) = rstar.search_each([problem], *models, config, rule=rule)
    names = dict(policy="dice", ppm="dice" if ppm else "none", version=2)
    return json.loads(rstar.tree_to_line(root, seed, dataclasses.asdict(config) | names))


@pytest.fixture
def dice_verifier(monkeypatch):
    monkeypatch.setattr(rstar, "Verifier", DiceVerifier)


@pytest.fixture
def large_tree(monkeypatch):
    monkeypatch.setattr(rstar, "Verifier", DiceVerifier)
    monkeypatch.setattr(DiceVerifier, "failing", 1)
    tree = grow(rollouts=90, candidates=12, variety=12)
    assert len(tree["nodes"]) > 1000
    return tree


def step(parent, text, **fields) -> dict:
    node = dict(parent=parent, text=text, visits=1, q=0.5, ppm=0.5, error="", answer=None)
    return node | dict(right=None, copies=1) | fields


def hostile_tree() -> dict:
    """A tree whose every text is hostile."""
    printing = f"# {HOSTILE}\nprint(1)\n<end_of_code>\n<output>{HOSTILE}<end_of_output>\n<answer>"
    nodes = [
        step(None, HOSTILE, ppm=None, q=0.25),
        step(0, f"# {HOSTILE}\n{HOSTILE}", visits=0, q=0.0, ppm=None, error=HOSTILE),
        step(0, printing + HOSTILE, visits=2, q=0.75, answer=HOSTILE, ppm=0.5),
    ]
    events = [["expand", 0, 1, 2], ["back_up", 2, 0.25]]
    settings = dict(c=2.0, depth=16, expansions=1, policy=HOSTILE, ppm=HOSTILE)
    tree = dict(index=0, question=HOSTILE, reference=HOSTILE, settings=settings, nodes=nodes)
    return tree | dict(events=events, closed=True, chosen=HOSTILE)


def write_run(out: Path, rounds=4, hostile="") -> Path:
    """What evolve.sh leaves behind, as far as the page of its rounds reads it."""
    out.mkdir()
    questions = [f"question {number} {hostile}" for number in range(6)]
    lines = [dict(question=question, answer="1", steps=2) for question in questions]
    write_lines(out / "problems.train", lines)
    for round_ in range(1, rounds + 1):
        trees = [grow(seed, reference="1") for seed in WITH_ANSWER]
        for number, tree in enumerate(trees):
            tree["question"] = questions[number]
            # One problem more is solved by each round.
            for node in tree["nodes"]:
                right = number < round_ and node["answer"] is not None
                node["right"] = right if node["answer"] is not None else None
        write_lines(out / f"trees.r{round_}.jsonl", trees)
        results = {method: [[True, 90.0]] * (5 + round_) + [[False, 90.0]] for method in METHODS}
        for count in (1, 2, 4):
            results[show.with_trajectories(count)] = [[True, 20.0 * count], [False, 20.0 * count]]
        for problems in ("standard", "dev"):
            path = out / f"eval.{problems}-r{round_}.json"
            path.write_text(json.dumps(dict(settings={}, outcomes=results)))
    if rounds == 4:
        metrics = dict(steps_right=3, steps_n=4, answers_right=2, answers_n=4)
        (out / "pairs.json").write_text(json.dumps({str(r): metrics for r in range(1, 5)}))
    return out


METHODS = [show.TREE_SEARCH, show.GREEDY, show.MAJORITY]
WITH_ANSWER = (1, 2, 7, 8, 9, 14)  # seeds of trees in which a trajectory ends


def write_lines(path: Path, records: list[dict]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


# --------------------------------------------------------------------------------------------------
# The files.


class Scripts(html.parser.HTMLParser):
    """The texts of all script elements, as a browser's parser finds them."""

    def __init__(self, text):
        super().__init__()
        self.texts = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.inside = tag == "script"
        if self.inside:
            self.texts.append("")

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.texts[-1] += data


@pytest.mark.parametrize("template", TEMPLATES)
def test_data_comes_back_as_it_was_and_stays_in_its_element(template):
    data = {HOSTILE: [HOSTILE, 1, None]}
    before = Scripts((ROOT / template).read_text())
    after = Scripts(pages.fill(template, data))
    assert len(after.texts) == len(before.texts) == 2
    assert json.loads(after.texts[0]) == data
    assert after.texts[1] == before.texts[1]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_page_loads_nothing(template):
    text = (ROOT / template).read_text()
    namespaces = re.findall(r"http://www\.w3\.org/(?:1999/xhtml|2000/svg)", text)
    assert text.count("//www") == len(namespaces)
    assert not re.findall(r"https:|src=|url\(|@import|<link|fetch\(|XMLHttp|import\(", text)
    assert "default-src 'none'" in text
    assert "innerHTML" not in text and "insertAdjacent" not in text


def test_the_answer_of_a_tree_is_the_one_that_a_search_chooses(dice_verifier):
    for seed in range(30):
        for ppm in (True, False):
            record = grow(seed, ppm)
            chosen = rstar.choose(rstar.terminals(rstar.record_to_tree(record)))
            number = pages.best_terminal(record["nodes"])
            assert number == (chosen and chosen.number)


def test_with_a_reference_it_is_the_right_trajectory_with_the_highest_mean_q():
    nodes = [
        step(None, "question"),
        step(0, "a", q=0.5),
        step(0, "b", q=-0.5),
        step(1, "c", q=0.5, answer="1", right=True, ppm=0.1),
        step(2, "d", q=1.0, answer="1", right=True, ppm=0.2),
        step(0, "e", q=-1.0, answer="2", right=False, ppm=0.9),
    ]
    assert pages.best_terminal(nodes) == 3
    nodes[3].update(right=False)
    assert pages.best_terminal(nodes) == 4
    nodes[4].update(right=False)
    assert pages.best_terminal(nodes) == 5


def data_of(page: Path):
    return json.loads(Scripts(page.read_text()).texts[0])


def test_the_first_trees_of_a_file_or_the_one_with_an_index_are_replayed(tmp_path, dice_verifier):
    trees = write_lines(tmp_path / "trees.jsonl", [grow(seed, rollouts=1) for seed in range(30)])
    page = tmp_path / "tree.html"
    assert show.main(["trees", str(trees), "--page", str(page)]) == 0
    assert [tree["index"] for tree in data_of(page)] == list(range(20))
    assert show.main(["trees", str(trees), "--page", str(page), "--index", "27"]) == 0
    assert [tree["index"] for tree in data_of(page)] == [27]


@pytest.mark.parametrize(
    "arguments, line",
    [
        ("trees nowhere --page a.html", "nowhere: there is no such file"),
        ("trees trees.jsonl --page a.html --index 7", "no tree has the index 7; there are 0 to 1"),
        (
            "trees trees.jsonl --page no/a.html",
            "no/a.html: cannot be written: there is no folder no",
        ),
        ("trees trees.jsonl --page trees.jsonl", "give one that ends in .html"),
        ("trees trees.jsonl --page folder.html", "folder.html: cannot be written: not a regular"),
        ("trees notes.txt --page a.html", "notes.txt, line 1: not a tree of rstar.py"),
        ("trees old.jsonl --page a.html", "old.jsonl, line 1: not a tree of rstar.py: it has no"),
        ("trees trees.jsonl", "--page"),
        ("rounds nowhere --page a.html", "nowhere/problems.train: there is no such file"),
        ("rounds . --page notes.txt", "give one that ends in .html"),
    ],
)
def test_a_mistake_gets_one_line_and_costs_no_file(
    tmp_path, monkeypatch, capsys, dice_verifier, arguments, line
):
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "trees.jsonl", [grow(seed) for seed in range(2)])
    write_lines(tmp_path / "old.jsonl", [dict(grow(0), events=None)])
    old = json.loads((tmp_path / "old.jsonl").read_text())
    del old["events"]
    write_lines(tmp_path / "old.jsonl", [old])
    (tmp_path / "notes.txt").write_text("notes\n")
    (tmp_path / "folder.html").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert show.main(arguments.split()) == 2
    printed = capsys.readouterr().err
    assert line in printed and printed.startswith("show: ") and printed.count("\n") == 1
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


@pytest.fixture
def scripted_models(monkeypatch):
    scores = {"n1 = 1": 0.5, "n1 = 2": -0.5, "print(n1)": 0.2, "print(n1 )": 0.9}
    models = (ScriptedPolicy(TWO), ScriptedPPM(scores))
    monkeypatch.setattr(cli, "load_models", lambda *names: models)


def test_a_search_from_the_command_line_leaves_its_page(tmp_path, capsys, scripted_models):
    page = tmp_path / "tree.html"
    command = ["--problem", "a question", "--candidates", "2", "--rollouts", "3"]
    assert cli.main([*command, "--page", str(page)]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines()[-1] == "Answer: 2"
    assert f"rstar: {page} replays the search" in output.err
    (tree,) = data_of(page)
    assert tree["question"] == "a question"
    assert tree["nodes"][tree["chosen"]]["answer"] == "2"


def test_of_several_trees_only_that_of_the_answer_has_a_chosen_trajectory(
    tmp_path, capsys, scripted_models
):
    page = tmp_path / "tree.html"
    command = ["--problem", "q", "--candidates", "2", "--rollouts", "1", "--searches", "2"]
    assert cli.main([*command, "--page", str(page)]) == 0
    trees = data_of(page)
    assert len(trees) == 2
    assert sum(tree["chosen"] is not None for tree in trees) == 1


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["--problem", "q", "--page", ""], "--page is empty"),
        (["--problem", "q", "--page", "tree.txt"], "give one that ends in .html"),
        (["--problem", "q", "--page", "no/tree.html"], "there is no folder no"),
        (["--problem", "q", "--page", str(common.HERE / "rounds.html")], "the template of such"),
        (["--problems", "q", "--trees", "t", "--page", "a.html"], "--page needs --problem or"),
    ],
)
def test_a_page_that_cannot_be_is_refused_before_the_search(capsys, arguments, line):
    assert cli.main(arguments) == 2
    assert line in capsys.readouterr().err


def test_a_complete_run_has_all_sections(tmp_path, dice_verifier):
    out = write_run(tmp_path / "run")
    page = tmp_path / "rounds.html"
    assert show.main(["rounds", str(out), "--page", str(page)]) == 0
    data = data_of(page)
    assert [section["title"] for section in data["sections"]] == [
        "Answers on standard problems",
        "Test-time scaling: standard problems",
        "Test-time scaling: dev problems",
        "Coverage of the training problems",
        "Pair accuracy of the PPM",
    ]
    search = data["sections"][0]["charts"][0]
    assert [(point["x"], point["right"], point["n"]) for point in search["points"]] == [
        (1, 6, 7),
        (2, 7, 8),
        (3, 8, 9),
        (4, 9, 10),
    ]
    assert search["paper"][-1] == dict(x=4, percent=89.4)
    assert data["missing"] == []
    assert [solved["count"] for solved in data["solved"]] == [1, 1, 1, 1]


def test_a_run_in_its_first_round_lacks_what_is_not_measured(tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    write_lines(out / "problems.train", [dict(question="a", answer="1")])
    (out / "trees.r1.jsonl").touch()
    page = tmp_path / "rounds.html"
    assert show.main(["rounds", str(out), "--page", str(page)]) == 0
    data = data_of(page)
    assert (data["sections"], data["solved"], data["tiles"]) == ([], [], [])
    assert len(data["missing"]) == 4
    assert not (tmp_path / "rounds.trees.html").exists()


def test_the_replays_of_a_run_are_few_and_small(tmp_path, dice_verifier, monkeypatch):
    monkeypatch.setattr(pages, "SOLVED_PER_ROUND", 1)
    out = write_run(tmp_path / "run")
    big = [grow(number, reference="1", rollouts=60, candidates=12) for number in range(6)]
    for number, tree in enumerate(big):
        tree["question"] = f"question {number} "
        tree["nodes"][-1].update(answer="1", right=True)
    assert len(big[0]["nodes"]) > pages.LARGEST_TREE
    write_lines(out / "trees.r1.jsonl", big)
    pages.write_rounds(out, tmp_path / "rounds.html")
    data = data_of(tmp_path / "rounds.html")
    assert data["solved"][0]["count"] == 6
    for round_ in data["solved"]:
        assert len(round_["problems"]) <= 1
    trees = data_of(tmp_path / "rounds.trees.html") if data["solved"][0]["problems"] else []
    assert all(len(tree["nodes"]) <= pages.LARGEST_TREE for tree in trees)


def test_the_replay_in_the_repository_is_current():
    page = ROOT / "docs" / "tree.html"
    assert page.read_text() == pages.fill("replay.html", data_of(page))
    assert page.stat().st_size < 200_000


def test_pages_need_no_torch():
    code = "import sys, pages; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# --------------------------------------------------------------------------------------------------
# In a browser.

browsing = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.PROGRAM is None, reason="Chromium is not installed"),
]


def in_browser(test):
    for mark in browsing:
        test = mark(test)
    return test


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    browser = chromium.Chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def browser(started):
    """The browser; its console must stay free of errors."""
    started.errors.clear()
    yield started
    assert started.errors == []


@pytest.fixture
def replay(tmp_path):
    """Writes a page that replays some records, and returns its path."""

    def write(*records):
        pages.write_replay(tmp_path / "tree.html", list(records))
        return tmp_path / "tree.html"

    return write


ALL_FRAMES = """
    trees.map((tree) => {
        prepare(tree);
        const choices = [];
        let restarts = 0;
        for (const frame of replay(tree)) {
            restarts += frame.note !== "";
            for (const level of frame.levels) {
                choices.push(level.rows.filter((row) => row.open).map((row) => [row.child,
                    row.uct === Infinity ? null : row.uct]));
            }
        }
        return {choices, restarts, N: tree.last.N, q: tree.last.q, closed: tree.last.closed[0],
            otherRule: tree.otherRule};
    })
"""


@pytest.mark.slow
@in_browser
def test_a_replay_is_the_search_that_was_recorded(browser, replay, dice_verifier):
    """N and q at the end, and every UCT on the way, are those of rstar.py."""
    kinds = [
        dict(ppm=ppm, reference=reference, expansions=expansions, candidates=candidates, variety=v)
        for ppm in (True, False)
        for reference in (None, "1")
        for expansions in (1, 3)
        for candidates, v in ((2, 3), (4, 6))
    ]
    searches = []
    for seed in range(20):
        for kind in kinds:
            choices = []
            searches.append((choices, grow(seed, choices=choices, **kind)))
    browser.open(replay(*(record for _, record in searches)))
    shown = browser.run(ALL_FRAMES)
    # Rare, and the hardest to replay: a step closes without a value, and a rollout starts over.
    assert sum(replayed["restarts"] for replayed in shown)
    for (choices, record), replayed in zip(searches, shown):
        nodes = record["nodes"]
        assert replayed["N"] == [node["visits"] for node in nodes]
        assert replayed["q"] == pytest.approx([node["q"] for node in nodes], abs=1e-12)
        assert replayed["closed"] == record["closed"]
        assert not replayed["otherRule"]
        assert len(replayed["choices"]) == len(choices)
        for here, there in zip(replayed["choices"], choices):
            assert [number for number, _ in here] == [number for number, _ in there]
            assert [uct or 0 for _, uct in here] == pytest.approx([uct or 0 for _, uct in there])


@in_browser
def test_a_tree_that_was_edited_is_shown_at_its_end_only(browser, replay, dice_verifier):
    record = grow()
    record["nodes"][1]["visits"] += 1
    browser.open(replay(record))
    assert "do not add up" in browser.run("byId('warning').textContent")
    assert browser.run("tree.frames.length") == 1
    assert browser.run("frameAt(tree, 0).N[1]") == record["nodes"][1]["visits"]


@in_browser
def test_settings_of_any_kind_break_nothing(browser, tmp_path, dice_verifier):
    """A file of trees says nothing of the types within its settings."""
    odd = dict.fromkeys(("policy", "ppm", "rollouts", "candidates", "c", "depth"), [HOSTILE, 1])
    record = dict(grow(1), settings=odd, chosen=99)
    trees = write_lines(tmp_path / "trees.jsonl", [record, dict(record, settings={"c": None})])
    pages.replay_of_file(trees, None, tmp_path / "tree.html")
    browser.open(tmp_path / "tree.html")
    for number in (0, 1):
        browser.run(f"showTree({number})")
        browser.run("tree.frames.forEach((frame, i) => show(i))")
    assert browser.run("document.images.length") == 0


@in_browser
def test_a_tree_without_events_or_settings_is_shown(browser, replay, dice_verifier):
    record = grow()
    browser.open(replay(dict(record, settings={})))
    assert "does not say with which c" in browser.run("byId('warning').textContent")
    browser.run("tree.frames.forEach((frame, i) => show(i))")
    assert "NaN" not in browser.run("document.body.innerText")
    browser.open(replay(dict(record, events=[])))
    assert "do not add up" in browser.run("byId('warning').textContent")
    assert browser.run("document.querySelectorAll('.node.gone').length") == 0


@in_browser
def test_another_rule_of_selection_is_named(browser, replay, monkeypatch):
    monkeypatch.setattr(rstar, "Verifier", DiceVerifier)
    monkeypatch.setattr(rstar, "uct", lambda child, parent_visits, c: -child.number)
    browser.open(replay(grow(1, variety=12, candidates=8)))
    assert "had another rule" in browser.run("byId('warning').textContent")


@in_browser
def test_hostile_text_is_shown_as_text(browser, replay):
    record = hostile_tree()
    browser.open(replay(record))
    shown = ""
    for frame in range(browser.run("tree.frames.length")):
        for number in range(3):
            browser.run(f"show({frame}); choose({number})")
            shown += browser.run("document.body.textContent")
    assert browser.run("window.hacked") is None
    assert browser.run("document.images.length + document.querySelectorAll('b').length") == 0
    assert browser.run("document.scripts.length") == 2
    assert "<img src=x onerror=window.hacked=2>" in shown


@in_browser
def test_hostile_questions_of_a_run_are_shown_as_text(browser, tmp_path, dice_verifier):
    pages.write_rounds(write_run(tmp_path / "run", hostile=HOSTILE), tmp_path / "rounds.html")
    for name in ("rounds.html", "rounds.trees.html"):
        browser.open(tmp_path / name)
        assert browser.run("window.hacked") is None
        assert browser.run("document.images.length") == 0
        assert "<img src=x onerror=window.hacked=2>" in browser.run("document.body.textContent")


def place(browser) -> int:
    return browser.run("Number(byId('slider').value)")


@in_browser
def test_the_buttons_and_the_slider_move_through_the_search(browser, replay, dice_verifier):
    browser.open(replay(grow()))
    last = browser.run("tree.frames.length - 1")
    assert place(browser) == last
    browser.click("#back")
    assert place(browser) == last - 1
    browser.click("#forward")
    assert place(browser) == last
    browser.click("#slider")
    middle = place(browser)
    assert 0 < middle < last
    assert "Rollout" in browser.run("byId('where').textContent")
    browser.click("#next-rollout")
    starts = browser.run("rolloutStarts()")
    assert place(browser) == min(start for start in [*starts, last] if start > middle)
    browser.click("#last-rollout")
    assert place(browser) == max(start for start in [0, *starts] if start <= middle)


@in_browser
def test_the_keys_move_through_the_search_and_the_nodes(browser, replay, dice_verifier):
    browser.open(replay(grow()))
    last = browser.run("tree.frames.length - 1")
    for key, there in (("Home", 0), ("ArrowRight", 1), ("ArrowLeft", 0), ("End", last)):
        browser.press(key)
        assert place(browser) == there
    browser.press("ArrowLeft", shift=True)
    assert place(browser) == browser.run("rolloutStarts().pop()")
    browser.click("[data-node='0']")
    browser.press("ArrowDown")
    assert browser.run("document.activeElement.dataset.node") == "1"
    assert browser.run("picked") == 1


@pytest.mark.slow
@in_browser
def test_play_runs_to_the_end_and_space_pauses(browser, replay, dice_verifier):
    browser.open(replay(grow(rollouts=1)))
    last = browser.run("tree.frames.length - 1")
    browser.press(" ")
    browser.wait_for("byId('play').getAttribute('aria-label') === 'pause'")
    assert place(browser) < last
    browser.press(" ")
    assert browser.run("timer") is None
    browser.run(f"show({last - 1})")
    browser.click("#play")
    browser.wait_for(f"Number(byId('slider').value) === {last}")
    browser.wait_for("byId('play').getAttribute('aria-label') === 'play'")


@in_browser
def test_a_click_shows_the_step(browser, replay, dice_verifier):
    record = grow()
    failed = next(i for i, node in enumerate(record["nodes"]) if node["error"])
    browser.open(replay(record))
    browser.click(f"[data-node='{failed}'] .shape")
    text = browser.run("byId('step').innerText")
    assert "Not valid: ValueError: dice" in text
    assert record["nodes"][failed]["text"].splitlines()[1] in text
    # The step stays picked while the search moves on.
    browser.click("#back")
    assert browser.run("picked") == failed
    browser.click("#unpin")
    assert browser.run("pinned") is None


@in_browser
def test_a_link_opens_a_tree_at_a_moment(browser, replay, dice_verifier):
    browser.open(replay(grow(0), grow(1), grow(2)), fragment="#tree=2&at=3&theme=dark")
    assert browser.run("tree.index") == 2
    assert place(browser) == 3
    assert browser.run("document.documentElement.style.colorScheme") == "dark"


@in_browser
def test_what_a_round_solved_links_to_its_replay(browser, tmp_path, dice_verifier):
    pages.write_rounds(write_run(tmp_path / "run"), tmp_path / "rounds.html")
    browser.open(tmp_path / "rounds.html")
    links = "[...document.querySelectorAll('#solved a')]"
    texts = browser.run(f"{links}.map((link) => link.textContent)")
    targets = browser.run(f"{links}.map((link) => link.getAttribute('href'))")
    assert len(texts) == 4
    for text, target in zip(texts, targets):
        name, fragment = target.split("#")
        browser.open(tmp_path / name, fragment=f"#{fragment}")
        assert browser.run("tree.question") == text


@in_browser
def test_the_legend_names_only_what_a_chart_shows(browser, tmp_path, dice_verifier):
    out = write_run(tmp_path / "run")
    pages.write_rounds(out, tmp_path / "rounds.html")
    browser.open(tmp_path / "rounds.html")
    assert browser.run("document.querySelectorAll('.key').length") == 3
    # Greedy decoding alone, as with --methods greedy: there is no tree search to compare with.
    for path in out.glob("eval.*.json"):
        greedy = {show.GREEDY: json.loads(path.read_text())["outcomes"][show.GREEDY]}
        path.write_text(json.dumps(dict(settings={}, outcomes=greedy)))
    pages.write_rounds(out, tmp_path / "rounds.html")
    browser.open(tmp_path / "rounds.html")
    assert browser.run("document.querySelectorAll('.key').length") == 2
    assert "to compare" not in browser.run("document.body.innerText")


@pytest.mark.slow
@in_browser
def test_a_thousand_nodes_take_less_than_two_seconds(browser, replay, large_tree):
    browser.open(replay(large_tree))
    assert browser.run("document.querySelectorAll('[data-node]').length") > 1000
    assert browser.run("tree.differs") is False
    browser.run("new Promise(requestAnimationFrame)")
    rendered = browser.seconds()
    assert rendered < 2
    # Moving through the search is smooth: ten frames a second.
    browser.run("for (let i = 0; i < 20; i++) show(i * 5)")
    assert browser.seconds() - rendered < 2


# Relative luminance and contrast as WCAG 2 defines them, of all text that is drawn. The canvas
# turns whatever CSS calls a colour into red, green and blue.
CONTRASTS = """
(() => {
    const pen = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = (colour) => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        return [...pen.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (colour) => {
        const parts = rgba(colour).slice(0, 3).map((part) => part / 255).map((part) =>
            part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const contrast = (a, b) => {
        const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
        return (high + 0.05) / (low + 0.05);
    };
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (rgba(colour)[3] === 255) return colour;
        }
    };
    const results = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((child) =>
            child.nodeType === 3 && child.textContent.trim());
        const style = getComputedStyle(element);
        if (!own || !element.getClientRects().length || style.visibility === "hidden") continue;
        const inSvg = element instanceof SVGElement;
        if (inSvg && element.tagName !== "text") continue;
        let ground = behind(element);
        // The number in a node stands on the node's own colour.
        const shape = element.parentElement.querySelector(":scope > .shape");
        if (inSvg && shape && !element.classList.length) ground = getComputedStyle(shape).fill;
        const ratio = contrast(inSvg ? style.fill : style.color, ground);
        results.push([ratio, element.tagName + "." + element.getAttribute("class"),
            element.textContent.slice(0, 30)]);
    }
    const shapes = ".node:not(.gone) .shape, .dot, .here, .diamond";
    for (const shape of document.querySelectorAll(shapes)) {
        const style = getComputedStyle(shape);
        const line = shape.matches(".dot") ? style.fill : style.stroke;
        results.push([1.5 * contrast(line, behind(shape)), "shape", shape.getAttribute("class")]);
    }
    return results;
})()
"""


@pytest.mark.slow
@in_browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_enough_contrast(browser, replay, tmp_path, dice_verifier, theme):
    """4.5 for all text and, since 3 is enough for a line, 3 for all shapes (WCAG 2, level AA)."""
    browser.open(replay(grow(reference="1", variety=9)), theme=theme)
    ratios = []
    for frame in range(browser.run("tree.frames.length")):
        browser.run(f"show({frame})")
        ratios += browser.run(CONTRASTS)
    # Every value of Q between the ends of the scale.
    for tenth in range(-10, 11):
        browser.run(f"view.items[0].shape.style.fill = colour({tenth / 10})")
        ratios += browser.run(CONTRASTS)
    pages.write_rounds(write_run(tmp_path / "run", rounds=3), tmp_path / "rounds.html")
    browser.open(tmp_path / "rounds.html", theme=theme)
    ratios += browser.run(CONTRASTS)
    assert len(ratios) > 500
    assert min(ratios)[0] >= 4.5, min(ratios)


@pytest.mark.slow
@in_browser
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_a_page_is_as_wide_as_the_screen(browser, replay, tmp_path, dice_verifier, width):
    record = grow(variety=9, candidates=8)
    record["question"] = f"{'word ' * 90}{'x' * 300}"
    record["nodes"][0]["text"] = record["question"]
    record["nodes"][1]["text"] = f"# {'y' * 300}\nn0 = {'1' * 300}\n<end_of_step>"
    browser.open(replay(record), width=width, height=740)
    for frame in range(browser.run("tree.frames.length")):
        browser.run(f"show({frame})")
        assert browser.run("document.documentElement.scrollWidth") <= width
    pages.write_rounds(write_run(tmp_path / "run", hostile="z" * 300), tmp_path / "rounds.html")
    browser.open(tmp_path / "rounds.html", width=width, height=740)
    assert browser.run("document.documentElement.scrollWidth") <= width


@in_browser
def test_buttons_can_be_hit_with_a_finger(browser, replay, dice_verifier):
    browser.open(replay(grow()), width=360, height=740)
    sizes = browser.run(
        "[...document.querySelectorAll('#controls button, #zoom button, header button')]"
        ".map((button) => button.getBoundingClientRect()).map((box) => [box.width, box.height])"
    )
    assert min(min(size) for size in sizes) >= 24  # WCAG 2.2, level AA


# --------------------------------------------------------------------------------------------------
# Bars: what shows while a search or a training runs.

LONG_WORK = """
import common, time
with common.progress_bar(1500, "tree") as bar:
    for done in range(1500):
        time.sleep(0.001)
        bar.set_postfix_str(f"solved {done}, trajectories {9 * done}, 1234 tokens/s", refresh=False)
        bar.update()
"""


@pytest.mark.slow
def test_a_log_gets_a_line_now_and_then():
    run = subprocess.run(
        [sys.executable, "-c", LONG_WORK], cwd=ROOT, stderr=subprocess.PIPE, timeout=60, check=True
    )
    assert b"\r" not in run.stderr
    first, last = run.stderr.decode().splitlines()
    assert "solved" in first
    assert last.startswith("1500/1500 trees") and "solved 1499, trajectories 13491" in last


@pytest.mark.slow
def test_a_bar_fits_into_80_columns(monkeypatch):
    pty = pytest.importorskip("pty")
    command = f"stty cols 80 rows 24; exec {sys.executable} -c '{LONG_WORK}' 2>&1"
    chunks = []

    def read(descriptor):
        chunks.append(os.read(descriptor, 1 << 16))
        return chunks[-1]

    monkeypatch.chdir(ROOT)
    pty.spawn(["bash", "-c", command], read)
    lines = [line for line in re.split("[\r\n]+", b"".join(chunks).decode()) if line]
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith("1500/1500 trees")
    assert lines[-1].rstrip().endswith("left, solved 1499, trajectories 13491, 1234 tokens/s")

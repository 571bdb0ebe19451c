"""The search: selection, back-up, expansion, many trees side by side; against values worked out by hand."""
import dataclasses
import json
import math

import pytest

import rstar
from rstar import Config, Node, UserError, back_up, choose, nodes, search, select, terminals, uct
from scripted import TWO, ScriptedPPM, ScriptedPolicy
from verifier import Verifier

SMALL = Config(rollouts=4, candidates=2)


def numbers(root):
    return {node.text.split("\n")[1] if node.parent else "root": (node.visits, round(node.q, 6)) for node in nodes(root)}


def test_uct_by_hand():
    child = Node("", visits=4, q=1.)
    assert uct(child, 9, 2.) == pytest.approx(0.25 + 2 * math.sqrt(math.log(9) / 4))       # 0.25 + 2 * 0.74115
    assert uct(child, 9, 2.) == pytest.approx(1.732303, abs=1e-6)


def test_uct_of_an_unvisited_child_is_infinite():
    assert uct(Node(""), 5, 2.) == math.inf


def test_select_takes_the_first_in_a_tie_and_never_an_invalid_one():
    parent = Node("", visits=2)
    parent.children = [Node("raises", error="ValueError"), Node("a", visits=1, q=.5), Node("b", visits=1, q=.5)]
    assert select(parent, 2.).text == "a"


def test_back_up_adds_value_and_visit_on_the_whole_path():
    root = Node("question")
    step = Node("a", root, 1)
    other, last = Node("b", root, 2), Node("c", step, 3)
    back_up(last, 1.)
    back_up(last, -.5)
    assert [(n.visits, n.q) for n in (root, step, other, last)] == [(2, .5), (2, .5), (0, 0.), (2, .5)]
    assert root.events == [["back_up", 3, 1.], ["back_up", 3, -.5]]


def test_terminal_guided_search_by_hand():
    # Rollout 1 ends at the wrong 1, rollout 2 at the right 2. Then UCT is -1 + 2 sqrt(ln 2) = 0.67 against
    # 1 + 2 sqrt(ln 2) = 2.67, and -1 + 2 sqrt(ln 3) = 1.10 against 1 + 2 sqrt(ln 3 / 2) = 2.48.
    root, = search(["q"], ScriptedPolicy(TWO), references=["2"], config=SMALL)
    assert numbers(root) == {"root": (4, 2.), "n1 = 1": (1, -1.), "n1 = 2": (3, 3.), "print(n1)": (1, -1.), "print(n1 )": (3, 3.)}
    assert root.events == [["expand", 0, 1, 2], ["expand", 1, 3, 1], ["back_up", 3, -1.], ["expand", 2, 4, 1],
                           ["back_up", 4, 1.], ["back_up", 4, 1.], ["back_up", 4, 1.]]


def test_ppm_augmented_search_by_hand():
    # Each new node starts with its score as a first visit. Rollouts 1-3 go to n1 = 1 (in the third 0.3 + 2 sqrt(ln 2 / 3)
    # = 1.26 against -0.5 + 2 sqrt(ln 2) = 1.17), the fourth to n1 = 2 (0.275 + 1.05 against -0.5 + 2.10).
    ppm = ScriptedPPM({"n1 = 1": .5, "n1 = 2": -.5, "print(n1)": .2, "print(n1 )": .9})
    root, = search(["q"], ScriptedPolicy(TWO), ppm, config=SMALL)
    assert numbers(root) == {"root": (4, 1.5), "n1 = 1": (4, 1.1), "n1 = 2": (2, .4), "print(n1)": (4, .8), "print(n1 )": (2, 1.8)}
    assert choose(terminals(root)).answer == "2"


def test_with_a_reference_the_ppm_starts_and_the_reference_decides():
    ppm = ScriptedPPM({"n1 = 1": .5, "n1 = 2": -.5, "print(n1)": .2, "print(n1 )": .9})
    root, = search(["q"], ScriptedPolicy(TWO), ppm, ["2"], dataclasses.replace(SMALL, rollouts=1))
    assert numbers(root)["n1 = 1"] == (2, -.5) and numbers(root)["root"] == (1, -1.)


def test_without_reference_and_ppm_agreement_decides():
    script = {"": ["n1 = 1", "n1 = 2", "n1 = 1.0"], "n1 = 1": ["print(n1)"], "n1 = 2": ["print(n1)"], "n1 = 1.0": ["print(n1)"]}
    root, = search(["q"], ScriptedPolicy(script), config=Config(rollouts=3, candidates=3))
    values = [event[2] for event in root.events if event[0] == "back_up"]
    assert values == [1., 0., pytest.approx(1 / 3)]       # 1 of 1, 1 of 2, 2 of 3 agree
    assert choose(terminals(root)).answer == "1"


def test_same_code_is_one_node_and_its_copies_are_counted():
    root, = search(["q"], ScriptedPolicy(TWO), references=["2"], config=dataclasses.replace(SMALL, candidates=5))
    assert [(child.text.split("\n")[1], child.copies) for child in root.children] == [("n1 = 1", 3), ("n1 = 2", 2)]


def test_a_step_that_raises_is_kept_with_its_error_and_never_selected():
    script = {"": ["n1 = 1 / 0", "n1 = 2"], "n1 = 2": ["print(n1)"]}
    root, = search(["q"], ScriptedPolicy(script), references=["2"], config=SMALL)
    bad, good = root.children
    assert "ZeroDivisionError" in bad.error and bad.visits == 0 and not bad.expansions and good.visits == 4


def test_words_like_error_in_the_output_do_not_matter():
    script = {"": ["print('Standard error: 3')"]}
    root, = search(["q"], ScriptedPolicy(script), references=["Standard error: 3"], config=SMALL)
    assert not root.children[0].error and "Standard error: 3" in root.children[0].text


def test_a_step_runs_with_the_code_of_its_whole_path():
    script = {"": ["n1 = 20"], "n1 = 20": ["n2 = n1 + 3"], "n1 = 20;n2 = n1 + 3": ["print(n2 * 2)"]}
    root, = search(["q"], ScriptedPolicy(script), references=["46"], config=SMALL)
    assert [end.answer for end in terminals(root)] == ["46"] and terminals(root)[0].right


def test_a_dead_end_counts_as_wrong_and_is_not_expanded_again():
    script = {"": ["n1 = 1"], "n1 = 1": ["print(1 / 0)"]}
    policy = ScriptedPolicy(script)
    root, = search(["q"], policy, references=["1"], config=dataclasses.replace(SMALL, expansions=1))
    assert root.q == -4. and root.visits == 4 and len(policy.calls) == 2 and not terminals(root)


def test_what_has_led_to_dead_ends_only_is_expanded_anew():
    # Each expansion of the root gives one candidate: 0 and 0.0 cannot be divided by, 4 can. Rollouts 1 and 2 end dead.
    script = {"": ["n1 = 0", "n1 = 0.0", "n1 = 4"], **{f"n1 = {n}": ["print(8 // n1)"] for n in ("0", "0.0", "4")}}
    config = dataclasses.replace(SMALL, candidates=1)
    root, = search(["q"], ScriptedPolicy(script), references=["2"], config=config)
    assert root.events == [["expand", 0, 1, 1], ["expand", 1, 2, 1], ["back_up", 1, -1.], ["expand", 0, 3, 1], ["expand", 3, 4, 1],
                           ["back_up", 3, -1.], ["expand", 0, 5, 1], ["expand", 5, 6, 1], ["back_up", 6, 1.], ["back_up", 6, 1.]]
    assert [child.dead for child in root.children] == [True, True, False] and root.expansions == 3
    twice, = search(["q"], ScriptedPolicy(script), references=["2"], config=dataclasses.replace(config, expansions=2))
    assert twice.dead and twice.q == -4. and not terminals(twice)
    again = rstar.line_to_tree(rstar.tree_to_line(root, 0, {}))[0]
    assert again.expansions == 3 and [child.dead for child in again.children] == [True, True, False]


def test_a_candidate_that_an_earlier_expansion_made_is_the_same_node():
    script = {"": ["n1 = 0", "n1 = 1"], "n1 = 0": ["print(1 / n1)"], "n1 = 1": ["print(1 / (n1 - 1))"]}
    root, = search(["q"], ScriptedPolicy(script), references=["1"], config=SMALL)
    assert [child.copies for child in root.children] == [3, 3] and root.expansions == 3


def test_no_path_is_deeper_than_depth():
    script = {";".join(["n = 1"] * i): ["n = 1"] for i in range(9)}
    root, = search(["q"], ScriptedPolicy(script), references=["1"], config=dataclasses.replace(SMALL, depth=3))
    assert max(len(node.steps) for node in nodes(root)) == 3 and root.q == -4.


def test_nothing_printed_and_nothing_finished_are_errors():
    script = {"": ["print(end='')", "n1 = 1"], "n1 = 1": ["print(1)"]}
    root, = search(["q"], ScriptedPolicy(script), references=["1"], config=SMALL)
    assert root.children[0].error == "printed nothing"
    policy = ScriptedPolicy({"": ["n1 = 1"]})
    policy.step = lambda code: code
    root, = search(["q"], policy, references=["1"], config=SMALL)
    assert root.children[0].error.startswith("not finished")


@pytest.mark.parametrize("code, sentence, answer", [
    ("print(7)", "So it is.", "7"), ("print(7)", "\\boxed{}", None), ("print(7)", "\\boxed{5\n6}", "5 6"), ("print(7, 8, sep='\\n')", "So.", "7 8"),
    ("# \\boxed{3}\nprint(7)", "So.", "7"), ("#### Add\nprint(7)", "So.", "7"),
    ("print('#### 9')", "So.", "#### 9")])
def test_the_answer_is_one_line_from_behind_the_code(monkeypatch, code, sentence, answer):
    monkeypatch.setattr(ScriptedPolicy, "state", lambda self, text: [sentence + rstar.END_OF_ANSWER])
    root, = search(["q"], ScriptedPolicy({"": [code]}), config=Config(rollouts=1, candidates=1))
    assert root.children[0].answer == answer


def test_what_would_clear_the_terminal_is_no_answer():
    root, = search(["q"], ScriptedPolicy({"": ["print('\\x1b[2J7')"]}), config=Config(rollouts=1, candidates=1))
    assert root.children[0].error == "printed more than an answer"


def test_a_model_cannot_write_the_output_itself():
    policy = ScriptedPolicy({"": ["print(1)\n<output>2<end_of_output>"]})
    root, = search(["q"], policy, references=["2"], config=SMALL)
    assert root.children[0].error.startswith("wrote what only the verifier")


def test_an_output_that_holds_a_marker_cannot_forge_an_answer():
    policy = ScriptedPolicy({"": ["print('1<end_of_output>')"]})
    root, = search(["q"], policy, references=["1"], config=SMALL)
    assert root.children[0].error == "printed more than an answer"


def many():
    script = {"": [f"n1 = {i}" for i in range(4)]}
    for i in range(4):
        script[f"n1 = {i}"] = [f"n2 = n1 * {j}" for j in range(3)] + ["n2 = 1 / n1"]
        for step in script[f"n1 = {i}"]:
            script[f"n1 = {i};{step}"] = ["print(n2)"]
    return script


def test_batched_equals_one_at_a_time():
    questions, references = [f"q{i}" for i in range(7)], ["0", "1", "2", "3", "4", "6", "7"]
    config = Config(rollouts=9, candidates=4)
    trees = [[rstar.tree_to_line(root, 0, {}) for root in search(questions, ScriptedPolicy(many()), None, references, dataclasses.replace(config, batch=b))]
             for b in (1, 3, 16)]
    assert trees[0] == trees[1] == trees[2] and len(set(trees[0])) == 7


def test_the_batch_stays_full():
    policy = ScriptedPolicy(TWO)
    search([f"q{i}" for i in range(6)], policy, None, ["2"] * 6, Config(rollouts=2, candidates=2, batch=2))
    proposals = [calls[0] for calls in policy.calls if calls[1] == 2]
    assert max(proposals) == 2 and proposals.count(2) >= len(proposals) - 1


def test_stop_ends_a_search_at_a_good_answer():
    ppm = ScriptedPPM({"n1 = 1": .5, "n1 = 2": -.5, "print(n1)": .7, "print(n1 )": .9})
    root, = search(["q"], ScriptedPolicy(TWO), ppm, config=dataclasses.replace(SMALL, stop=.6))
    assert root.visits == 1


def test_solve_searches_again_with_other_seeds_until_stop():
    ppm = ScriptedPPM({"n1 = 1": .5, "n1 = 2": -.5, "print(n1)": .2, "print(n1 )": .3})
    config = dataclasses.replace(SMALL, searches=3, stop=.25, rollouts=1)
    assert [len(roots) for roots in rstar.solve(["q", "r"], ScriptedPolicy(TWO), ppm, config)] == [3, 3]
    assert [len(roots) for roots in rstar.solve(["q", "r"], ScriptedPolicy(TWO), ppm, dataclasses.replace(config, rollouts=4))] == [1, 1]


def test_sampling_on_ends_when_nothing_can_be_written():
    class Silent(ScriptedPolicy):
        def __call__(self, texts, k, *more):
            return [[""] * k for _ in texts]
    assert rstar.sample_on(["q"], Silent({}), None, SMALL, 100.) == [[]]


def test_choose_without_a_ppm_takes_the_majority_of_samples():
    ends = [Node("", answer="1", copies=1), Node("", answer="2", copies=3), Node("", answer="1.0", copies=1)]
    assert choose(ends).answer == "2" and choose([]) is None


def test_a_leaf_is_expanded_once_whatever_is_expanded_beside_it():
    again, fresh = Node("q", expansions=1), Node("r")
    with Verifier() as verifier:
        rstar.expand([fresh, again], ScriptedPolicy(TWO), None, verifier, SMALL)
    assert (fresh.expansions, again.expansions) == (1, 2) and [child.copies for child in fresh.children] == [1, 1]


def test_agreement_counts_samples():
    root = Node("question")
    root.children = [Node("", root, 1, answer="1", copies=3), Node("", root, 2, answer="2"), Node("", root, 3, answer="1.0")]
    assert [rstar.value_of(node) for node in root.children] == pytest.approx([.6, -.6, .6])


def test_an_unfinished_candidate_does_not_swallow_a_finished_one():
    root = Node("question")
    fresh = rstar.merge(root, ["n1 = 2", f"n1 = 2\n{rstar.END_OF_STEP}", f"# again\nn1 = 2\n{rstar.END_OF_STEP}"])
    assert [node.copies for node in fresh] == [1, 2]


def test_an_indented_candidate_is_the_same_node():
    root, step = Node("question"), f"n1 = 2\n{rstar.END_OF_STEP}"
    assert len(rstar.merge(root, [step, "    " + step.replace("\n", "\n    ")])) == 1
    assert rstar.merge(root, ["  " + step.replace("\n", "\n  ")]) == [] and root.children[0].copies == 3


def test_a_tree_survives_its_file():
    ppm = ScriptedPPM({"n1 = 1": .5, "n1 = 2": -.5, "print(n1)": .2, "print(n1 )": .9})
    root, = search(["Größe\u2028“x”?"], ScriptedPolicy(TWO), ppm, ["2"], SMALL)
    line = rstar.tree_to_line(root, 3, dict(seed=0))
    again, index, settings = rstar.line_to_tree(line)
    assert "\n" not in line and index == 3 and settings == dict(seed=0)
    assert rstar.tree_to_line(again, index, settings) == line
    fields = lambda node: dict(vars(node), parent=None, children=[])
    assert [fields(node) for node in nodes(again)] == [fields(node) for node in nodes(root)]
    assert again.children[1].children[0].path == root.children[1].children[0].path


def test_a_search_can_be_replayed_from_its_events():
    root, = search(["q"], ScriptedPolicy(many()), None, ["4"], Config(rollouts=9, candidates=4))
    made = nodes(root)
    visits, q = [0] * len(made), [0.] * len(made)
    for event in root.events:
        if event[0] == "expand":
            assert [child.number for child in made[event[1]].children] == list(range(event[2], event[2] + event[3]))
        else:
            node = made[event[1]]
            while node:
                visits[node.number] += 1
                q[node.number] += event[2]
                node = node.parent
    assert visits == [node.visits for node in made] and q == [node.q for node in made]


@pytest.mark.parametrize("line", ['{"index": 0}', '[1]', '{"nodes": [{"parent": 5}], "events": []}', "7"])
def test_other_lines_are_no_trees(line):
    with pytest.raises(ValueError):
        rstar.line_to_tree(line)


def test_config_refuses_counts_that_make_no_sense():
    for bad in (dict(rollouts=0), dict(candidates=-1), dict(expansions=0), dict(depth=0), dict(batch=0), dict(temperature=-.1), dict(c=math.nan), dict(timeout=0),
                dict(ways="tree,best"), dict(ways=""), dict(ways="samples")):
        with pytest.raises(UserError):
            Config(**bad)


def test_evaluation_counts_each_way_on_the_same_problems():
    whole = {"": ["n1 = 2", "print(1)", "print(1.0)", "print(2)"], "n1 = 2": ["print(n1)"]}
    policy = ScriptedPolicy(whole)
    ppm = ScriptedPPM({"n1 = 2": .3, "print(n1)": .8, "print(1)": -.1, "print(1.0)": -.2, "print(2)": .6})
    policy.step = lambda code: f"{code}\n" + ("<end_of_code>" if "print" in code else "<end_of_step>")
    outcomes = rstar.evaluate([dict(question="q", reference="2")], policy, ppm, Config(rollouts=3, candidates=4, samples=4))
    right = {way: results[0][0] for way, results in outcomes.items()}
    # Whole samples: n1 = 2 does not end, 1 and 1.0 agree, 2 has the best score; greedy gets the first candidate only.
    assert right == {"tree search": True, "tree search, 1 trajectory": True, "tree search, 2 trajectories": True, "greedy": False, "majority of N": False,
                     "no PPM: vote of the positive whole": False, "best of N by the PPM": True, "step-wise choice by the PPM": True}


@pytest.mark.parametrize("ways, found", [
    ("greedy", {"greedy"}), ("tree", {"tree search", "tree search, 1 trajectory", "greedy"}),
    ("tree,adaptive", {"tree search", "tree search, 1 trajectory", "greedy", "adaptive best of N"}),
    ("samples", {"greedy", "majority of N", "no PPM: vote of the positive whole", "best of N by the PPM"})])
def test_only_the_ways_asked_for_are_compared(ways, found):
    policy = ScriptedPolicy({"": ["print(1)"]})
    policy.step = lambda code: f"{code}\n<end_of_code>"
    config = Config(rollouts=1, ways=ways, stop=.5, samples=0 if "tree" in ways or ways == "greedy" else 2)
    outcomes = rstar.evaluate([dict(question="q", reference="1")], policy, ScriptedPPM({"print(1)": .6}), config)
    assert outcomes.keys() == found
    assert {row["way"] for row in rstar.summary(outcomes) if row["p_against_tree_search"] is None} == (set() if "tree" in ways else found)


def test_first_trajectories_are_what_a_shorter_search_had_seen():
    policy = ScriptedPolicy({"": [f"n1 = {i}" for i in range(4)], **{f"n1 = {i}": [f"print({i})", f"print({i + 4})"] for i in range(4)}})
    ppm = ScriptedPPM({f"n1 = {i}": i / 10 for i in range(4)} | {f"print({i})": .5 - i / 10 for i in range(8)})
    root, = rstar.search(["q"], policy, ppm, config=Config(rollouts=6, candidates=3))
    for j in (1, 2, 4):
        shorter, = rstar.search(["q"], policy, ppm, config=Config(rollouts=j, candidates=3))
        ends, tokens = rstar.first_trajectories([root], j, policy)
        assert [end.number for end in ends] == [end.number for end in rstar.terminals(shorter)] and tokens > 0


@pytest.mark.parametrize("enough", [math.inf, .5])
def test_sampling_on_stops_at_the_budget_or_at_a_good_score(enough):
    policy = ScriptedPolicy({"": ["print(1)"]})
    policy.step = lambda code: f"{code}\n<end_of_code>"
    one = rstar.sample_on(["a", "b"], policy, ScriptedPPM({"print(1)": .6}), Config(samples=1), 0)
    each = policy.tokens / 2
    found = rstar.sample_on(["a", "b"], policy, ScriptedPPM({"print(1)": .6}), Config(), 3.5 * each, enough)
    assert [len(ends) for ends in one] == [1, 1] and [len(ends) for ends in found] == ([4, 3] if enough > 1 else [1, 1])


def test_step_wise_choice_spends_what_it_may():
    policy = ScriptedPolicy(TWO)
    ppm = ScriptedPPM({"n1 = 1": .5, "n1 = 2": -.5, "print(n1)": .2, "print(n1 )": .9})
    rstar.step_wise(["a"], policy, ppm, Config(), 0, 1)
    each, policy.tokens = policy.tokens, 0                 # one candidate a step
    ends = rstar.step_wise([f"q{i}" for i in range(20)], policy, ppm, Config(), 3 * each, 2 * each)      # "greedy" twice too high
    assert len(ends) == 20 and 2.5 < policy.tokens / 20 / each < 3.2       # 1.3 without the correction


def test_answers_that_are_positive_whole_numbers():
    texts = ("3", "3.0", "1,200", "+4", "2.5", ".5", "0", "0.0", "-2", "1/2", "1e3", ".", "x", "")
    assert [text for text in texts if rstar.is_positive(text)] == ["3", "3.0", "1,200", "+4", "2.5", ".5"]
    assert [text for text in texts if rstar.is_positive(text, whole=True)] == ["3", "3.0", "1,200", "+4"]


def test_paired_p_by_hand():
    first, second = [(right, 0) for right in (1, 1, 1, 1, 1, 0, 1)], [(right, 0) for right in (0, 0, 0, 0, 0, 0, 1)]
    assert rstar.paired_p(first, second) == 2 / 2 ** 5 and rstar.paired_p(first, first) == 1


def test_wilson_interval_by_hand():
    low, high = rstar.wilson(8, 10)       # 0.8 of 10: (0.9921 -+ 0.3118) / 1.3842
    assert (low, high) == (pytest.approx(0.49016, abs=1e-4), pytest.approx(0.94332, abs=1e-4))
    assert rstar.wilson(0, 20)[0] == pytest.approx(0, abs=1e-12)

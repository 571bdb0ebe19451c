"""The search: selection, expansion, closing, back-up, many trees at once; worked out by hand."""

import dataclasses
import math

import pytest

import common
import rstar
from common import UserError
from rstar import Config, Node, back_up, choose, count_trajectories, nodes, select, terminals, uct
from scripted import TWO, ScriptedPolicy, ScriptedPPM
from verifier import Verifier

SMALL = Config(rollouts=4, candidates=2, expansions=1)
SCORES = {"n1 = 1": 0.5, "n1 = 2": -0.5, "print(n1)": 0.2, "print(n1 )": 0.9}


def grow(policy, ppm=None, reference=None, config=SMALL, **rules):
    """The one tree of a search for the question "q"."""
    references = None if reference is None else [reference]
    (result,) = rstar.search(["q"], policy, ppm, references, config, **rules)
    return result.trees[0]


def numbers(root):
    """{second line of a step, its code: (visits, q)}"""
    table = {}
    for node in nodes(root):
        name = node.text.split("\n")[1] if node.parent else "root"
        table[name] = (node.visits, round(node.q, 6))
    return table


def last_nodes(root):
    """The numbers of the nodes at which the rollouts ended."""
    return [event[1] for event in root.events if event[0] == "back_up"]


def wide_script():
    """Four first steps with four second steps each, one of which raises."""
    script = {"": [f"n1 = {i}" for i in range(4)]}
    for i in range(4):
        second_steps = [f"n2 = n1 * {j}" for j in range(3)] + ["n2 = 1 / n1"]
        script[f"n1 = {i}"] = second_steps
        for step in second_steps:
            script[f"n1 = {i};{step}"] = ["print(n2)", "print(n2 + 1)"]
    return script


# Selection and back-up.


def test_uct_by_hand():
    child = Node("", visits=4, q=1.0)
    # 0.25 + 2 * 0.74115
    assert uct(child, 9, 2.0) == pytest.approx(0.25 + 2 * math.sqrt(math.log(9) / 4))
    assert uct(child, 9, 2.0) == pytest.approx(1.732303, abs=1e-6)


def test_an_unvisited_child_has_an_infinite_uct():
    assert uct(Node(""), 5, 2.0) == math.inf


def test_select_takes_the_first_of_a_tie_and_never_an_invalid_or_closed_child():
    parent = Node("", visits=2)
    parent.children = [
        Node("raises", error="ValueError"),
        Node("closed", visits=1, q=1.0, closed=True),
        Node("a", visits=1, q=0.5),
        Node("b", visits=1, q=0.5),
    ]
    assert select(parent, 2.0, uct).text == "a"


def test_back_up_adds_the_value_and_a_visit_to_the_whole_path():
    root = Node("question")
    step = Node("a", root, 1)
    other = Node("b", root, 2)
    last = Node("c", step, 3)
    back_up(last, 1.0)
    back_up(last, -0.5)
    table = [(node.visits, node.q) for node in (root, step, other, last)]
    assert table == [(2, 0.5), (2, 0.5), (0, 0.0), (2, 0.5)]
    assert root.events == [["back_up", 3, 1.0], ["back_up", 3, -0.5]]


# Whole searches by hand.


def test_terminal_guided_search():
    # Rollout 1 ends at the wrong 1 and closes n1 = 1, rollout 2 at the right 2. Then the root is
    # closed, and the other two rollouts are not needed.
    root = grow(ScriptedPolicy(TWO), reference="2")
    assert root.closed
    assert root.events == [
        ["expand", 0, 1, 2],
        ["expand", 1, 3, 1],
        ["back_up", 3, -1.0],
        ["expand", 2, 4, 1],
        ["back_up", 4, 1.0],
    ]
    assert numbers(root) == {
        "root": (2, 0.0),
        "n1 = 1": (1, -1.0),
        "n1 = 2": (1, 1.0),
        "print(n1)": (1, -1.0),
        "print(n1 )": (1, 1.0),
    }


def test_ppm_augmented_search():
    # Each new node starts with its score as a first visit, and n1 = 1 has the higher one.
    root = grow(ScriptedPolicy(TWO), ScriptedPPM(SCORES))
    assert last_nodes(root) == [3, 4]
    assert numbers(root) == {
        "root": (2, 1.1),
        "n1 = 1": (2, 0.7),
        "n1 = 2": (2, 0.4),
        "print(n1)": (2, 0.4),
        "print(n1 )": (2, 1.8),
    }
    assert choose(terminals(root)).answer == "2"


def test_uct_decides_among_open_children():
    # Rollout 1 ends at the 0.9 below n1 = 1, since 0.5 > 0.4. Then UCT is (0.5 + 0.9) / 2 + 0 = 0.7
    # against 0.4, so rollout 2 ends at the next best below n1 = 1, the -0.9. Rollout 3 goes to
    # n1 = 2: (0.5 + 0.9 - 0.9) / 3 + sqrt(ln 2 / 3) = 0.65 against 0.4 + sqrt(ln 2) = 1.23.
    script = {
        "": ["n1 = 1", "n1 = 2"],
        "n1 = 1": ["print(n1)", "print(n1 + 5)"],
        "n1 = 2": ["print(n1 * 9)"],
    }
    scores = {"n1 = 1": 0.5, "n1 = 2": 0.4}
    scores |= {"print(n1)": 0.9, "print(n1 + 5)": -0.9, "print(n1 * 9)": 0.1}
    config = dataclasses.replace(SMALL, rollouts=3, c=1.0)
    root = grow(ScriptedPolicy(script), ScriptedPPM(scores), config=config)
    ended = [nodes(root)[number].answer for number in last_nodes(root)]
    assert ended == ["1", "6", "18"]


def test_with_a_reference_the_ppm_estimates_steps_and_the_reference_judges_answers():
    config = dataclasses.replace(SMALL, rollouts=1)
    root = grow(ScriptedPolicy(TWO), ScriptedPPM(SCORES), "2", config)
    assert numbers(root)["n1 = 1"] == (2, -0.5)
    assert numbers(root)["print(n1)"] == (1, -1.0)
    assert terminals(root)[0].ppm == 0.2


def test_an_answer_that_no_rollout_has_reached_has_no_value():
    # Both answers come from one expansion; only the one that the rollout ends with is backed up.
    script = {"": ["print(1)", "print(2)"]}
    config = dataclasses.replace(SMALL, rollouts=1)
    root = grow(ScriptedPolicy(script), reference="2", config=config)
    assert numbers(root) == {"root": (1, -1.0), "print(1)": (1, -1.0), "print(2)": (0, 0.0)}
    assert not root.closed


def test_without_reference_and_ppm_agreement_is_the_value():
    first = ["n1 = 1", "n1 = 2", "n1 = 1.0"]
    script = {"": first, **{code: ["print(n1)"] for code in first}}
    root = grow(ScriptedPolicy(script), config=Config(rollouts=3, candidates=3, expansions=1))
    values = [event[2] for event in root.events if event[0] == "back_up"]
    # 1 of 1, 1 of 2 and 2 of 3 samples agree.
    assert values == [1.0, 0.0, pytest.approx(1 / 3)]
    assert choose(terminals(root)).answer == "1"


def test_rule_value_and_choice_can_be_replaced():
    def last(child, parent_visits, c):
        return child.number

    (result,) = rstar.search(
        ["q"],
        ScriptedPolicy(TWO),
        ScriptedPPM(SCORES),
        config=dataclasses.replace(SMALL, rollouts=1),
        rule=last,
        value=lambda node: 0.25,
        choose=lambda ends: min(ends, key=lambda node: node.ppm),
    )
    (root,) = result.trees
    assert root.events[-1] == ["back_up", 3, 0.25]
    assert result.chosen.answer == "2"
    assert root.children[1].visits == 2


# Closing: every rollout brings something new.


@pytest.mark.parametrize("expansions", [1, 2, 3])
def test_no_rollout_ends_where_an_earlier_one_ended(expansions):
    config = Config(rollouts=200, candidates=4, expansions=expansions)
    root = grow(ScriptedPolicy(wide_script()), reference="4", config=config)
    ended = last_nodes(root)
    assert len(ended) == len(set(ended))
    assert set(ended) >= {node.number for node in terminals(root)}
    assert root.closed


def test_q_is_the_mean_of_the_values_below_a_step():
    root = grow(
        ScriptedPolicy(wide_script()),
        reference="4",
        config=Config(rollouts=200, candidates=4, expansions=1),
    )
    values = {event[1]: event[2] for event in root.events if event[0] == "back_up"}
    for node in nodes(root):
        below = [values[other.number] for other in nodes(node) if other.number in values]
        if below:
            assert node.Q == pytest.approx(sum(below) / len(below))
            assert node.visits == len(below)


def test_a_closed_root_ends_the_search_and_is_reported(capsys):
    import cli

    root = grow(ScriptedPolicy(TWO), reference="2", config=dataclasses.replace(SMALL, rollouts=99))
    assert root.visits == 2
    assert count_trajectories(root) == 2
    cli.print_tree(root)
    assert "distinct trajectories: 2; nothing is left to try" in capsys.readouterr().out


def test_a_rollout_that_samples_only_known_dead_ends_backs_nothing_up():
    # Rollout 1 ends below n1 = 0 at a dead end, rollout 2 at the answer. In rollout 3 n1 = 0 is
    # expanded again and brings the same step, which closes it and with it the root.
    script = {
        "": ["n1 = 0", "n1 = 4"],
        "n1 = 0": ["n2 = 0"],
        "n1 = 0;n2 = 0": ["print(1 / n2)"],
        "n1 = 4": ["print(n1)"],
    }
    root = grow(ScriptedPolicy(script), reference="4", config=dataclasses.replace(SMALL, c=0))
    again = dataclasses.replace(SMALL, expansions=2)
    twice = grow(ScriptedPolicy(script), reference="4", config=again)
    assert last_nodes(root) == last_nodes(twice) == [3, 5]
    assert twice.children[0].expansions == 2
    assert twice.closed and count_trajectories(twice) == 1


def test_a_step_with_a_trajectory_below_it_is_not_expanded_again():
    policy = ScriptedPolicy({"": ["print(1)", "print(2)"]})
    root = grow(policy, reference="2", config=Config(rollouts=9, candidates=1, expansions=3))
    assert root.expansions == 1
    assert root.closed and count_trajectories(root) == 1


def test_a_dead_end_counts_as_wrong_and_is_never_entered_again():
    policy = ScriptedPolicy({"": ["n1 = 1"], "n1 = 1": ["print(1 / 0)"]})
    root = grow(policy, reference="1")
    assert root.closed and not terminals(root)
    assert (root.visits, root.q) == (1, -1.0)
    assert len(policy.calls) == 2


def test_a_step_with_only_dead_ends_below_it_is_expanded_again():
    # Each expansion of the root gives one candidate: 0 and 0.0 cannot be divided by, 4 can.
    script = {"": ["n1 = 0", "n1 = 0.0", "n1 = 4"]}
    script.update({f"n1 = {n}": ["print(8 // n1)"] for n in ("0", "0.0", "4")})
    config = Config(rollouts=3, candidates=1, expansions=3)
    root = grow(ScriptedPolicy(script), reference="2", config=config)
    assert root.events[:8] == [
        ["expand", 0, 1, 1],
        ["expand", 1, 2, 1],
        ["back_up", 1, -1.0],
        ["expand", 0, 3, 1],
        ["expand", 3, 4, 1],
        ["back_up", 3, -1.0],
        ["expand", 0, 5, 1],
        ["expand", 5, 6, 1],
    ]
    assert root.events[8] == ["back_up", 6, 1.0]
    twice = grow(
        ScriptedPolicy(script), reference="2", config=dataclasses.replace(config, expansions=2)
    )
    assert twice.closed and not terminals(twice)


def test_a_leaf_whose_candidates_all_raised_is_not_expanded_again():
    policy = ScriptedPolicy({"": ["print(1 / 0)", "print(1)"]})
    root = grow(policy, reference="1", config=Config(rollouts=3, candidates=1, expansions=3))
    assert root.expansions == 1 and root.closed


def test_candidates_of_a_later_expansion_merge_with_those_of_an_earlier_one():
    script = {
        "": ["n1 = 0", "n1 = 1"],
        "n1 = 0": ["print(1 / n1)"],
        "n1 = 1": ["print(1 / (n1 - 1))"],
    }
    config = dataclasses.replace(SMALL, expansions=3)
    root = grow(ScriptedPolicy(script), reference="1", config=config)
    assert [child.copies for child in root.children] == [3, 3]
    assert root.expansions == 3


def test_no_path_is_deeper_than_depth():
    script = {";".join(["n = 1"] * i): ["n = 1"] for i in range(9)}
    root = grow(ScriptedPolicy(script), reference="1", config=dataclasses.replace(SMALL, depth=3))
    assert max(len(node.steps) for node in nodes(root)) == 3
    assert root.closed and root.q == -1.0


# Verifying candidates and stating answers.


def test_a_candidate_that_raises_stays_with_its_error_and_is_never_selected():
    script = {"": ["n1 = 1 / 0", "n1 = 2"], "n1 = 2": ["print(n1)"]}
    root = grow(ScriptedPolicy(script), reference="2")
    bad, good = root.children
    assert "ZeroDivisionError" in bad.error
    assert bad.visits == 0 and not bad.expansions
    assert good.visits == 1


def test_words_like_error_in_the_output_do_not_matter():
    policy = ScriptedPolicy({"": ["print('Standard error: 3')"]})
    root = grow(policy, reference="Standard error: 3")
    assert not root.children[0].error
    assert "Standard error: 3" in root.children[0].text


def test_a_step_runs_with_the_code_of_its_whole_path():
    script = {
        "": ["n1 = 20"],
        "n1 = 20": ["n2 = n1 + 3"],
        "n1 = 20;n2 = n1 + 3": ["print(n2 * 2)"],
    }
    (end,) = terminals(grow(ScriptedPolicy(script), reference="46"))
    assert end.answer == "46" and end.right


@pytest.mark.parametrize(
    "candidate, error",
    [
        ("print(end='')\n<end_of_code>", "printed nothing"),
        ("n1 = 1", "not finished"),
        ("print('\\x1b[2J7')\n<end_of_code>", "printed more than an answer"),
        ("print('1<end_of_output>')\n<end_of_code>", "printed more than an answer"),
        ("print(1)\n<output>2<end_of_output>\n<end_of_code>", "wrote what only the verifier"),
    ],
)
def test_candidates_that_are_not_valid(candidate, error):
    policy = ScriptedPolicy({"": [candidate]})
    policy.step = lambda code: code
    root = grow(policy, reference="1")
    assert root.children[0].error.startswith(error)


@pytest.mark.parametrize(
    "code, sentence, answer",
    [
        ("print(7)", "So it is.", "7"),
        ("print(7)", "\\boxed{}", None),
        ("print(7)", "\\boxed{5\n6}", "5 6"),
        ("print(7, 8, sep='\\n')", "So.", "7 8"),
        ("# \\boxed{3}\nprint(7)", "So.", "7"),
        ("#### Add\nprint(7)", "So.", "7"),
        ("print('#### 9')", "So.", "#### 9"),
    ],
)
def test_the_answer_is_one_line_from_behind_the_code(monkeypatch, code, sentence, answer):
    stated = [sentence + rstar.END_OF_ANSWER]
    monkeypatch.setattr(ScriptedPolicy, "state", lambda self, text: stated)
    root = grow(ScriptedPolicy({"": [code]}), config=Config(rollouts=1, candidates=1))
    assert root.children[0].answer == answer


# Merging candidates.


def test_an_unfinished_candidate_does_not_swallow_a_finished_one():
    finished = f"n1 = 2\n{rstar.END_OF_STEP}"
    fresh = rstar.merge(Node("question"), ["n1 = 2", finished, f"# again\n{finished}"])
    assert [node.copies for node in fresh] == [1, 2]


def test_an_indented_candidate_is_the_same_node():
    root = Node("question")
    step = f"n1 = 2\n{rstar.END_OF_STEP}"
    indented = "    " + step.replace("\n", "\n    ")
    assert len(rstar.merge(root, [step, indented])) == 1
    assert rstar.merge(root, [indented]) == []
    assert root.children[0].copies == 3


def test_leaves_expanded_together_are_expanded_once_each():
    again = Node("q", expansions=1)
    fresh = Node("r")
    with Verifier() as verifier:
        rstar.expand([fresh, again], ScriptedPolicy(TWO), None, verifier, SMALL)
    assert (fresh.expansions, again.expansions) == (1, 2)
    assert [child.copies for child in fresh.children] == [1, 1]


# Choosing the answer.


def test_without_a_ppm_the_majority_of_samples_is_chosen():
    ends = [
        Node("", answer="1", copies=1),
        Node("", answer="2", copies=3),
        Node("", answer="1.0", copies=1),
    ]
    assert choose(ends).answer == "2"
    assert choose([]) is None


def test_agreement_counts_samples():
    root = Node("question")
    root.children = [
        Node("", root, 1, answer="1", copies=3),
        Node("", root, 2, answer="2"),
        Node("", root, 3, answer="1.0"),
    ]
    values = [rstar.value_of(node) for node in root.children]
    assert values == pytest.approx([0.6, -0.6, 0.6])


# Many trees side by side, several trees per question.


def test_trees_do_not_depend_on_their_batch():
    questions = [f"q{i}" for i in range(7)]
    references = ["0", "1", "2", "3", "4", "6", "7"]
    config = Config(rollouts=3, candidates=4)
    trees = []
    for batch in (1, 3, 16):
        policy = ScriptedPolicy(wide_script())
        results = rstar.search(questions, policy, None, references, config, batch=batch)
        trees.append([rstar.tree_to_line(result.trees[0], 0, {}) for result in results])
    assert trees[0] == trees[1] == trees[2]
    assert len(set(trees[0])) == 7


def test_the_batch_stays_full():
    policy = ScriptedPolicy(TWO)
    questions = [f"q{i}" for i in range(6)]
    config = dataclasses.replace(SMALL, rollouts=2)
    rstar.search(questions, policy, None, ["2"] * 6, config, batch=2)
    proposals = [texts for texts, k, _ in policy.calls if k == 2]
    assert max(proposals) == 2
    assert proposals.count(2) >= len(proposals) - 1


def test_stop_ends_a_search_at_a_good_answer():
    ppm = ScriptedPPM(SCORES | {"print(n1)": 0.7})
    root = grow(ScriptedPolicy(TWO), ppm, config=dataclasses.replace(SMALL, stop=0.6))
    assert root.visits == 1


@pytest.mark.parametrize("rollouts, trees", [(1, 3), (4, 1)])
def test_a_question_is_searched_again_until_an_answer_is_good_enough(rollouts, trees):
    ppm = ScriptedPPM(SCORES | {"print(n1 )": 0.3})
    config = dataclasses.replace(SMALL, searches=3, stop=0.25, rollouts=rollouts)
    results = rstar.search(["q", "r"], ScriptedPolicy(TWO), ppm, config=config)
    assert [len(result.trees) for result in results] == [trees, trees]


# Trees on disk.


def test_a_tree_survives_its_file():
    root = grow(ScriptedPolicy(TWO), ScriptedPPM(SCORES), "2")
    root.text = "Größe\u2028“x”?"
    line = rstar.tree_to_line(root, 3, dict(seed=0))
    record = common.parse_tree(line)
    again = rstar.record_to_tree(record)
    assert "\n" not in line
    assert rstar.tree_to_line(again, record["index"], record["settings"]) == line
    assert again.children[1].children[0].path == root.children[1].children[0].path
    assert again.closed
    assert count_trajectories(again) == count_trajectories(root) == 2
    assert again.expansions == 1


def test_a_search_can_be_replayed_from_its_events():
    config = Config(rollouts=9, candidates=4)
    root = grow(ScriptedPolicy(wide_script()), reference="4", config=config)
    tree = nodes(root)
    visits = [0] * len(tree)
    q = [0.0] * len(tree)
    for kind, number, *rest in root.events:
        if kind == "expand":
            children = [child.number for child in tree[number].children]
            assert set(range(rest[0], rest[0] + rest[1])) <= set(children)
            continue
        for node in [root, *tree[number].steps]:
            visits[node.number] += 1
            q[node.number] += rest[0]
    assert visits == [node.visits for node in tree]
    assert q == [node.q for node in tree]


@pytest.mark.parametrize(
    "setting",
    [
        dict(rollouts=0),
        dict(candidates=-1),
        dict(expansions=0),
        dict(depth=0),
        dict(temperature=-0.1),
        dict(temperature=0.001),
        dict(c=math.nan),
        dict(timeout=0),
        dict(seed=10**30),
        dict(stop=2.0),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting):
    with pytest.raises(UserError):
        Config(**setting)

"""The tiny world keeps what its docstring promises."""
import json
import random
import re
import zlib

import pytest

import rstar
import world
from answers import answers_equal


@pytest.fixture(scope="module")
def some():
    rng = random.Random(0)
    return [world.problem(rng, 1 + i % 9, .4, .5) for i in range(180)]


def execute(solution):
    """What the solution prints, or the exception that it ends with."""
    printed = []
    try:
        exec(rstar.code_of(solution), {"print": lambda value: printed.append(str(value))})
    except Exception as error:
        return type(error).__name__
    return printed[-1]


def test_right_solutions_print_the_answer(some):
    assert all(answers_equal(execute(world.solution(p)), p.answer) for p in some)


def test_every_quantity_on_the_right_path_is_a_positive_whole_number(some):
    for p in some:
        variables = {}
        exec(rstar.code_of(world.solution(p)), {"print": lambda value: None}, variables)
        assert len(variables) == len(p.steps) and all(world.possible(value) for value in variables.values())


def test_every_single_wrong_step_changes_the_answer(some):
    for p in some:
        for i, (_, forms) in enumerate(p.steps):
            for wrong in range(1, len(forms)):
                choices = [wrong if j == i else 0 for j in range(len(p.steps))]
                assert execute(world.solution(p, choices)) != execute(world.solution(p)), (p.question, i)


def test_a_wrong_delayed_step_always_shows(some):
    shown = 0
    for p in some:
        for i, (name, _) in enumerate(p.steps):
            if world.CONCEPTS[name].kind == "delayed":
                output = execute(world.solution(p, [int(j == i) for j in range(len(p.steps))]))
                assert output == "AssertionError" or not world.possible(float(output)), (p.question, output)
                shown += 1
    assert shown > 100


def test_after_a_recount_a_wrong_delayed_step_raises_one_step_later():
    rng = random.Random(1)
    for _ in range(40):
        p = world.problem(rng, 5, .6, 1.)
        for i, (name, _) in enumerate(p.steps[:-1]):
            if world.CONCEPTS[name].kind == "delayed":
                text = world.solution(p, [int(j == i) for j in range(len(p.steps))])
                steps = text.split("<end_of_step>")
                assert execute("".join(steps[:i + 1]) + "\nprint(0)") == "0"
                assert execute("".join(steps[:i + 2]) + "\nprint(0)") == "AssertionError"


def test_run_says_what_the_code_prints(some):
    rng = random.Random(2)
    for p in some:
        choices = [rng.randrange(len(forms)) for _, forms in p.steps]
        output = world.run(p, choices)
        assert execute(world.solution(p, choices)) == ("AssertionError" if output is None else output)


def test_the_dials_turn():
    rng = random.Random(3)
    share = lambda delayed, strict: [sum(x) / 300 for x in zip(*((p.delayed, sum(p.checks)) for p in (world.problem(rng, 6, delayed, strict) for _ in range(50))))]
    none, half, all_ = share(0., 0.), share(.3, .5), share(.7, 1.)
    assert none == [0., 0.] and .15 < half[0] < .45 and .35 < half[1] < .6 and all_[0] > .5 and all_[1] > .85


def test_misconceptions_are_as_frequent_as_they_should_be():
    rng = random.Random(4)
    right, count = {}, {}
    for _ in range(4000):
        p = world.problem(rng, 2, .12, 0.)
        for (name, _), choice in zip(p.steps, world.student(rng, p)[0]):
            right[name], count[name] = right.get(name, 0) + (choice == 0), count.get(name, 0) + 1
    for name, n in count.items():
        rate = world.CONCEPTS[name].rate
        assert abs(right[name] / n - rate) < 4.5 * (rate * (1 - rate) / n) ** .5 + .01, name


def test_there_are_many_concepts_with_a_long_tail():
    weights = sorted((c.weight for c in world.CONCEPTS.values()), reverse=True)
    assert len(weights) >= 40 and weights[0] >= 5 * weights[-1]
    assert min(c.rate for c in world.CONCEPTS.values()) <= .12 and sum(c.rate < .5 for c in world.CONCEPTS.values()) >= 20


def test_a_split_is_a_function_of_the_seed():
    first = [p.question for p in world.problems("test", "plain", 30, 5)]
    assert first == [p.question for p in world.problems("test", "plain", 30, 5)] != [p.question for p in world.problems("test", "plain", 30, 6)]


def test_no_problem_is_in_two_splits():
    for split, (low, high) in world.SPLITS.items():
        for p in world.problems(split, "plain", 60) if split != "pretrain" else [world.draw(random.Random(7), split, 1, 0., 0.)]:
            assert low <= zlib.crc32(p.question.encode()) % 20 < high
    assert sorted(bucket for low, high in world.SPLITS.values() for bucket in range(low, high)) == list(range(20))


def test_the_reworded_mix_uses_wordings_that_nothing_else_uses():
    for c in world.CONCEPTS.values():
        assert len(c.say) >= 2 and c.say[-1] not in c.say[:-1], c.name
    rng = random.Random(8)
    kept = re.compile(r"'s collection grows by|In the beginning .* are counted|Compared with")
    assert any(kept.search(world.problem(rng, 3, 0., 0., reworded=True).question) for _ in range(50))
    assert not any(kept.search(world.problem(rng, 3, 0., 0.).question) for _ in range(400))


def test_the_long_mixes_keep_to_the_core_and_strict_is_a_dial():
    assert len(world.CONCEPTS) >= 40 and len(world.CORE) == 36 and world.CORE <= set(world.CONCEPTS)      # as the head of world.py says
    for mix in ("short", "standard", "hard", "reworded"):
        assert {name for p in world.problems("dev", mix, 40) for name, _ in p.steps} <= world.CORE
    counted = [sum(sum(p.checks) for p in world.problems("dev", "hard", 40, strict=strict)) for strict in (0., .5, None)]
    assert counted[0] == 0 < counted[1] < counted[2]


def test_what_students_write_can_be_read_by_the_trainer(tmp_path):
    from train_policy import read_trajectories
    rng, ps = random.Random(5), world.problems("pretrain", "short", 20)
    records = [record for p in ps if (record := world.student_record(rng, p))]
    (tmp_path / "students.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    found = read_trajectories(tmp_path / "students.jsonl")
    assert len(found) == len(records) > 10 and all("\\boxed" in one.steps for one in found)
    assert all(execute(one.steps) in ("NameError", re.search("<output>(.*)<end_of_output>", one.steps)[1]) for one in found)     # a slip raises


def test_questions_are_clean_english():
    for mix in world.MIXES:
        for p in world.problems("dev", mix, 60):
            assert not re.search(r"[{}|]|  | [.,?]|\bNone\b|\.\.|\b1 \w+s are\b", p.question), p.question
            assert re.search(r"[?.=]$", p.question) or len(p.steps) == 1, p.question      # a bare one, typed in a hurry


def test_a_tale_tells_all_its_numbers_in_every_wording():
    rng = random.Random(3)
    for name, lines in world.TALES.items():
        for line in lines.splitlines() * 10:
            numbers = None
            while not numbers:
                numbers = world.CONCEPTS[name].sample(rng, None)
            question = world.tale(rng, line.strip(), numbers)
            told = {int(n) for n in re.findall(r"\d+", question)} | {world.WORDS.index(word) for word in re.findall(r"[a-z]+", question.lower()) if word in world.WORDS}
            needed = set(re.findall(r"\{([abcdkm])\}", world.CONCEPTS[name].right[1])) - ({"k"} if "w" in numbers else set())
            assert {numbers[slot] for slot in needed} <= told and not re.search(r"[{}|_]|\b[opqr]\b|  | [.,?]", question), (name, question)


def test_tales_of_money_and_measures_have_decimal_and_large_numbers():
    rng = random.Random(4)
    found = [p for p in (world.told(rng) for _ in range(3000)) if re.search(r"round|_|\d{4}", p.steps[0][1][0][1])]
    assert len(found) > 100
    for p in found:
        expression = p.steps[0][1][0][1]
        told = re.sub(r"(?<=\d),(?=\d)", "", p.question)
        # The code has the question's own numbers, and prints no binary fraction: 0.3, not 0.30000000000000004.
        assert all(n.replace("_", "") in told for n in re.findall(r"\d[\d_.]*", expression.removesuffix(", 2)")) if len(n) > 3), (p.question, expression)
        assert answers_equal(execute(world.solution(p)), p.answer) and len(p.answer.partition(".")[2]) <= 2, (p.question, p.answer)


def test_what_people_try_first_is_in_the_corpus():
    rng = random.Random(10)
    sums = [world.draw(rng, "pretrain", 1, 0., 0., among=world.SUMS) for _ in range(3000)]
    numbers = [int(n) for p in sums for n in re.findall(r"\d+", p.steps[0][1][0][1])]
    assert numbers.count(1) > 50 and numbers.count(2) > 100
    assert any(re.search(r"^what", p.question) for p in sums) and any(re.search(r"\d\+\d", p.question) for p in sums)
    stories = [world.draw(rng, "pretrain", 1, 0., 0.).question for _ in range(3000)]
    things = "|".join(world.SINGULAR.values())
    assert any(re.search(rf"\b1 (more )?({things})\b", q) for q in stories) and any(re.search(r"\bI have\b", q) for q in stories)


@pytest.mark.parametrize("arguments", [["--count", "-5"], ["--strict", "7"], ["--strict", "nan"], ["--mix", "salad"]])
def test_what_a_user_can_get_wrong_gets_one_line(monkeypatch, capsys, arguments):
    monkeypatch.setattr("sys.argv", ["world.py", *arguments])
    with pytest.raises(SystemExit) as left:
        world.main()
    told = capsys.readouterr().err
    assert left.value.code == 2 and told.count("\n") == 1 and arguments[0] in told


def test_slips_use_variables_that_do_not_exist():
    p = world.problem(random.Random(9), 4, 0., 0.)
    assert execute(world.solution(p, slip=lambda: True)) == "NameError"


def test_a_phase_of_pretraining_holds_what_it_says():
    import pretrain
    rng, phase = random.Random(4), pretrain.PHASES[-1]
    few, many = ([pretrain.draw(rng, phase._replace(large=share)) for _ in range(400)] for share in (0., .15))
    large = [sum(pretrain.RARE < float(p.answer) <= world.LARGEST for p in drawn) for drawn in (few, many)]
    assert large[1] > large[0] + 30                    # .15 of 400 are 60
    told = world.TALES.keys() - world.CORE - set(world.SUMS)
    assert sum(p.steps[0][0] in told for p in few) > sum(p.steps[0][0] in told for p in (pretrain.draw(rng, phase._replace(tales=0.)) for _ in range(400)))


def test_the_rate_of_pretraining_goes_from_phase_to_phase_and_ends_at_nothing():
    import pretrain
    tokens = 1e6 * sum(phase.tokens for phase in pretrain.PHASES)
    phase, share = pretrain.schedule(0, tokens)
    assert (phase, share) == (pretrain.PHASES[0], 1.)
    last = pretrain.PHASES[-1]
    phase, share = pretrain.schedule(tokens - last.tokens * 1e6 / 2, tokens)
    assert phase is last and abs(share - (last.first + last.last) / 2) < 1e-9
    assert pretrain.schedule(tokens, tokens)[1] == pretrain.schedule(tokens + 1e5, tokens)[1] == 0

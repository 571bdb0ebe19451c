"""The tiny world keeps what the head of world.py promises."""

import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

import rstar
import world
from answers import answers_equal

WORLD = Path(world.__file__)


@pytest.fixture(scope="module")
def sample():
    """Problems of 1 to 9 steps, many of them delayed and strict."""
    rng = random.Random(0)
    return [world.problem(rng, 1 + i % 9, world.Dials(0.4, 0.5)) for i in range(180)]


def execute(solution, variables=None):
    """What the solution prints, or the name of the exception that it ends with."""
    printed = []
    scope = {"print": lambda value: printed.append(str(value))}
    try:
        exec(rstar.code_of(solution), scope, variables)
    except Exception as error:
        return type(error).__name__
    return printed[-1]


def one_wrong_step(problem, i, wrong=1):
    """The solution that is right but for step `i`."""
    choices = [0] * len(problem.steps)
    choices[i] = wrong
    return world.solution(problem, choices)


def expression_of(problem):
    return problem.steps[0].forms[0].expression


# ---- what is generated does not change unnoticed

# An edit that is meant to change the problems changes these too, and the bundled models then no
# longer fit the world: their base was trained on problems of this split.
HASHES = {
    "sums": "c79aa919550a1199",
    "tales": "ce7d161990439aab",
    "plain": "86109b7fa0856d14",
    "short": "8badfba11b18cacd",
    "standard": "5393b5974e8fc7bd",
    "hard": "af38b16aaa5d7bfa",
    "reworded": "0afc23f16859434f",
}


@pytest.mark.parametrize("mix", world.MIXES)
def test_a_mix_generates_the_problems_that_the_bundled_models_were_trained_on(mix):
    problems = world.problems("pretrain", mix, 60, seed=0)
    rng = random.Random(0)
    records = [
        [p.question, p.answer, world.solution(p), world.student_record(rng, p)] for p in problems
    ]
    digest = hashlib.sha256(json.dumps(records).encode()).hexdigest()
    assert digest[:16] == HASHES[mix]


def test_problems_are_a_function_of_the_seed():
    def questions(seed):
        return [p.question for p in world.problems("test", "plain", 30, seed)]

    assert questions(5) == questions(5)
    assert questions(5) != questions(6)


def test_the_example_is_a_test_problem_that_the_seed_chooses():
    assert world.example(3) == world.problems("test", "plain", 1, 3)[0].question
    assert world.example(3) != world.example(4)


# ---- right and wrong steps


def test_right_solutions_print_the_answer(sample):
    assert all(answers_equal(execute(world.solution(p)), p.answer) for p in sample)


def test_every_quantity_on_the_right_path_is_a_positive_whole_number(sample):
    for p in sample:
        variables = {}
        execute(world.solution(p), variables)
        assert len(variables) == len(p.steps)
        assert all(world.possible(value) for value in variables.values())


def test_every_single_wrong_step_changes_the_answer(sample):
    for p in sample:
        right = execute(world.solution(p))
        for i, step in enumerate(p.steps):
            for wrong in range(1, len(step.forms)):
                assert execute(one_wrong_step(p, i, wrong)) != right, (p.question, i)


def test_a_wrong_delayed_step_always_shows(sample):
    shown = 0
    for p in sample:
        for i, step in enumerate(p.steps):
            if world.CONCEPTS[step.concept].delayed:
                output = execute(one_wrong_step(p, i))
                impossible = output == "AssertionError" or not world.possible(float(output))
                assert impossible, (p.question, output)
                shown += 1
    assert shown > 100


def test_after_a_recount_a_wrong_delayed_step_raises_one_step_later():
    rng = random.Random(1)
    for _ in range(40):
        p = world.problem(rng, 5, world.Dials(0.6, 1.0))
        for i, step in enumerate(p.steps[:-1]):
            if world.CONCEPTS[step.concept].delayed:
                steps = one_wrong_step(p, i).split("<end_of_step>")
                assert execute("".join(steps[: i + 1]) + "\nprint(0)") == "0"
                assert execute("".join(steps[: i + 2]) + "\nprint(0)") == "AssertionError"


def test_output_of_is_what_the_code_prints(sample):
    rng = random.Random(2)
    for p in sample:
        choices = [rng.randrange(len(step.forms)) for step in p.steps]
        output = world.output_of(p, choices)
        if output is None:
            output = "AssertionError"
        assert execute(world.solution(p, choices)) == output


def test_slips_use_variables_that_do_not_exist():
    p = world.problem(random.Random(9), 4)
    assert execute(world.solution(p, slip=lambda: True)) == "NameError"


# ---- dials, rates, splits and mixes


def test_the_dials_set_the_shares_of_delayed_and_recounted_steps():
    rng = random.Random(3)

    def shares(delayed, strict):
        problems = [world.problem(rng, 6, world.Dials(delayed, strict)) for _ in range(50)]
        recounted = sum(step.recounted for p in problems for step in p.steps)
        return sum(p.delayed for p in problems) / 300, recounted / 300

    assert shares(0.0, 0.0) == (0.0, 0.0)
    delayed, recounted = shares(0.3, 0.5)
    assert 0.15 < delayed < 0.45 and 0.35 < recounted < 0.6
    delayed, recounted = shares(0.7, 1.0)
    assert delayed > 0.5 and recounted > 0.85


@pytest.mark.slow
def test_students_take_right_steps_at_the_rate_of_the_concept():
    rng = random.Random(4)
    right, count = {}, {}
    for _ in range(4000):
        p = world.problem(rng, 2)
        choices, _ = world.student(rng, p)
        for step, choice in zip(p.steps, choices, strict=True):
            right[step.concept] = right.get(step.concept, 0) + (choice == 0)
            count[step.concept] = count.get(step.concept, 0) + 1
    for name, n in count.items():
        rate = world.CONCEPTS[name].rate
        deviation = (rate * (1 - rate) / n) ** 0.5
        assert abs(right[name] / n - rate) < 4.5 * deviation + 0.01, name


def test_there_are_many_concepts_with_a_long_tail():
    weights = sorted((concept.weight for concept in world.CONCEPTS.values()), reverse=True)
    rates = [concept.rate for concept in world.CONCEPTS.values()]
    assert len(weights) >= 40 and weights[0] >= 5 * weights[-1]
    assert min(rates) <= 0.12 and sum(rate < 0.5 for rate in rates) >= 20


def test_no_problem_is_in_two_splits():
    for split, (low, high) in world.SPLITS.items():
        for p in world.problems(split, "plain", 40):
            assert low <= zlib.crc32(p.question.encode()) % 20 < high
    buckets = [bucket for low, high in world.SPLITS.values() for bucket in range(low, high)]
    assert sorted(buckets) == list(range(20))


def test_the_reworded_mix_uses_wordings_that_nothing_else_uses():
    for concept in world.CONCEPTS.values():
        assert len(concept.say) >= 2 and concept.say[-1] not in concept.say[:-1], concept.name
    rng = random.Random(8)
    kept = re.compile(r"'s collection grows by|In the beginning .* are counted|Compared with")

    def kept_wordings(count, reworded):
        dials = world.Dials(0.0, 0.0, reworded=reworded)
        return [kept.search(world.problem(rng, 3, dials).question) for _ in range(count)]

    assert any(kept_wordings(50, reworded=True))
    assert not any(kept_wordings(400, reworded=False))


@pytest.mark.slow
def test_the_long_mixes_keep_to_the_core():
    assert len(world.CORE) == 36 and set(world.CONCEPTS) >= world.CORE  # as world.py says
    for mix in ("short", "standard", "hard", "reworded"):
        problems = world.problems("dev", mix, 40)
        assert {step.concept for p in problems for step in p.steps} <= world.CORE


@pytest.mark.slow
def test_strict_replaces_the_dial_of_the_mix():
    def recounted(strict):
        problems = world.problems("dev", "hard", 40, strict=strict)
        return sum(step.recounted for p in problems for step in p.steps)

    assert recounted(0.0) == 0 < recounted(0.5) < recounted(None)


# ---- texts


@pytest.mark.slow
def test_questions_are_clean_english():
    untidy = re.compile(r"[{}|]|  | [.,?]|\bNone\b|\.\.|\b1 \w+s are\b")
    for mix in world.MIXES:
        for p in world.problems("dev", mix, 60):
            assert not untidy.search(p.question), p.question
            # Only a bare question, typed in a hurry, may lack its mark.
            assert p.question[-1] in "?.=" or len(p.steps) == 1, p.question


@pytest.mark.slow
def test_a_tale_tells_all_its_numbers_in_every_wording():
    rng = random.Random(3)
    untidy = re.compile(r"[{}|_]|\b[opqr]\b|  | [.,?]")
    for name, tales in world.TALES.items():
        concept = world.CONCEPTS[name]
        for line in tales.lines * 10:
            numbers = None
            while not numbers:
                numbers = concept.sample(rng, None)
            question = world.tell_tale(rng, line, numbers)
            told = {int(n) for n in re.findall(r"\d+", question)}
            words = re.findall(r"[a-z]+", question.lower())
            told |= {n for n, word in enumerate(world.WORDS.numbers) if word in words}
            needed = set(re.findall(r"\{([abcdkm])\}", concept.right.expression))
            if "w" in numbers:  # a third, twice: not told as a number
                needed -= {"k"}
            assert {numbers[slot] for slot in needed} <= told, (name, question)
            assert not untidy.search(question), (name, question)


@pytest.mark.slow
def test_tales_of_money_and_measures_have_decimal_and_large_numbers():
    rng = random.Random(4)
    drawn = [world.draw_tale(rng) for _ in range(3000)]
    unusual = [p for p in drawn if re.search(r"round|_|\d{4}", expression_of(p))]
    assert len(unusual) > 100
    for p in unusual:
        # The code has the question's own numbers.
        told = re.sub(r"(?<=\d),(?=\d)", "", p.question)
        numbers = re.findall(r"\d[\d_.]*", expression_of(p).removesuffix(", 2)"))
        assert all(n.replace("_", "") in told for n in numbers if len(n) > 3), p.question
        # It prints no binary fraction: 0.3, not 0.30000000000000004.
        assert answers_equal(execute(world.solution(p)), p.answer)
        assert len(p.answer.partition(".")[2]) <= 2, p.answer


@pytest.mark.slow
def test_what_people_try_first_is_in_the_corpus():
    rng = random.Random(10)
    sums = [world.draw(rng, "pretrain", 1, world.MIXES["sums"].dials) for _ in range(3000)]
    numbers = [int(n) for p in sums for n in re.findall(r"\d+", expression_of(p))]
    assert numbers.count(1) > 50 and numbers.count(2) > 100
    assert any(p.question.startswith("what") for p in sums)
    assert any(re.search(r"\d\+\d", p.question) for p in sums)
    stories = [world.draw(rng, "pretrain", 1).question for _ in range(3000)]
    things = "|".join(world.SINGULAR.values())
    assert any(re.search(rf"\b1 (more )?({things})\b", question) for question in stories)
    assert any(re.search(r"\bI have\b", question) for question in stories)


def test_the_trainer_reads_what_students_write(tmp_path):
    from train_policy import read_trajectories

    rng = random.Random(5)
    written = [world.student_record(rng, p) for p in world.problems("pretrain", "short", 20)]
    records = [record for record in written if record]
    path = tmp_path / "students.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    trajectories = read_trajectories(path)
    assert len(trajectories) == len(records) > 10
    for trajectory in trajectories:
        assert "\\boxed" in trajectory.steps
        output = re.search("<output>(.*)<end_of_output>", trajectory.steps)[1]
        assert execute(trajectory.steps) in ("NameError", output)  # a slip raises


# ---- numbers of a step, as concepts.txt writes them


def draws(line, v=None, rows=(), count=300):
    rng = random.Random(6)
    return [world.Numbers(line, rows)(rng, v) for _ in range(count)]


def test_a_range_is_drawn_with_both_ends():
    assert {slots["k"] for slots in draws("k in 2..4")} == {2, 3, 4}


def test_only_numbers_that_fit_are_drawn_and_where_none_does_the_concept_does_not_fit():
    assert {slots["k"] for slots in draws("k in 2..12 if v % k == 0", v=10)} == {2, 5, 10}
    assert draws("k in 2..12 if v % k == 0", v=13) == [None] * 300


def test_numbers_are_drawn_again_until_a_condition_holds():
    assert all(slots["a"] > slots["b"] for slots in draws("a in 1..9; b in 1..9; if a > b"))
    assert draws("a in 1..9; if a > 9", count=3) == [None] * 3
    assert None in draws("a in 1..9; only if a > 3")


def test_numbers_are_computed_from_others_and_taken_from_rows():
    assert all(slots["a"] == 3 * slots["k"] for slots in draws("k in 2..9; a = 3 * k"))
    assert {
        tuple(slots.items()) for slots in draws("k, w in rows", rows=["7, week", "24, day"])
    } == {
        (("k", 7), ("w", "week")),
        (("k", 24), ("w", "day")),
    }


# ---- command line


@pytest.mark.parametrize(
    "arguments",
    [
        ["--count", "-5"],
        ["--strict", "7"],
        ["--strict", "nan"],
        ["--mix", "salad"],
        ["--solutions", "--students"],
    ],
)
def test_a_wrong_argument_is_one_line(monkeypatch, capsys, arguments):
    monkeypatch.setattr("sys.argv", ["world.py", *arguments])
    with pytest.raises(SystemExit) as stopped:
        world.main()
    message = capsys.readouterr().err
    assert stopped.value.code == 2
    assert message.count("\n") == 1 and arguments[0] in message


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("target", [">/dev/full", ">&-"])
def test_output_that_cannot_be_written_is_one_line(target):
    command = f'"{sys.executable}" "{WORLD}" --count 2 {target}'
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "cannot write" in done.stderr


def test_a_reader_that_leaves_early_sees_no_error():
    command = f'"{sys.executable}" "{WORLD}" --split pretrain --mix sums --count 2000 | head -n 1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stderr == "" and done.stdout.count("\n") == 1


def test_it_runs_where_the_folder_of_the_script_is_not_searched_for_modules(tmp_path):
    command = [sys.executable, WORLD, "--count", "1"]
    environment = os.environ | {"PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0 and done.stderr == ""


def test_ctrl_c_during_the_imports_is_one_line():
    command = [sys.executable, "-X", "importtime", WORLD, "--count", "1000000"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    for line in process.stderr:
        if line.endswith("argparse\n"):  # the first of its imports is done
            process.send_signal(signal.SIGINT)
            break
    messages = [line for line in process.stderr if not line.startswith("import time:")]
    assert messages == ["interrupted\n"]
    assert process.wait() == 130


# ---- pretraining


@pytest.mark.slow
def test_a_phase_of_pretraining_has_its_shares_of_large_sums_and_tales():
    import pretrain

    rng = random.Random(4)
    last = pretrain.PHASES[-1]

    def drawn(**shares):
        return [pretrain.draw(rng, last._replace(**shares)) for _ in range(400)]

    def large(problems):
        return sum(pretrain.RARE < float(p.answer) <= world.LARGEST for p in problems)

    few = drawn(large=0.0)
    assert large(drawn(large=0.15)) > large(few) + 30  # 0.15 of 400 are 60
    only_in_tales = world.TALES.keys() - world.CORE - world.SUMS

    def tales(problems):
        return sum(p.steps[0].concept in only_in_tales for p in problems)

    assert tales(few) > tales(drawn(tales=0.0))


def test_the_rate_of_pretraining_changes_from_phase_to_phase_and_ends_at_zero():
    import pretrain

    last = pretrain.PHASES[-1]
    assert pretrain.schedule(0, pretrain.TOKENS) == (pretrain.PHASES[0], 1.0)
    phase, share = pretrain.schedule(pretrain.TOKENS - last.tokens * 1e6 / 2, pretrain.TOKENS)
    assert phase is last
    assert share == pytest.approx((last.first + last.last) / 2)
    assert pretrain.schedule(pretrain.TOKENS, pretrain.TOKENS)[1] == 0
    assert pretrain.schedule(pretrain.TOKENS + 1e5, pretrain.TOKENS)[1] == 0

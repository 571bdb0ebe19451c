"""Reference computations as training data: `python examples/references.py FILE > references.jsonl`

Supervised tuning on them is a ceiling for what the rounds reach without them:
`python train_policy.py --base MODEL --trees references.jsonl --out ceiling`. FILE holds records of
question, answer and `expression`, such as "(5 + 4) / 3". `references.py FILE N` draws N of them at
random. An expression that does not give the answer is left out.
"""

import ast
import json
import random
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))
import common  # noqa: E402
from answers import answers_equal  # noqa: E402
from rstar import BETWEEN, END_OF_ANSWER, END_OF_CODE, END_OF_STEP, OUTPUT, code_of  # noqa: E402
from verifier import Verifier  # noqa: E402

WORDS = {ast.Add: "Add", ast.Sub: "Subtract", ast.Mult: "Multiply", ast.Div: "Divide"}


def compute(node: ast.expr, steps: list[str]) -> str:
    """Appends the steps of an expression; returns the number or the name that holds its value."""
    if isinstance(node, ast.Constant):
        return ast.unparse(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        node.operand = ast.Name(compute(node.operand, steps))
        return ast.unparse(node)
    node.left, node.right = (ast.Name(compute(side, steps)) for side in (node.left, node.right))
    number = len(steps) + 1
    code = f"n{number} = {ast.unparse(node)}\n{END_OF_STEP}"
    steps.append(f"# Step {number}: {WORDS[type(node.op)]}\n{code}")
    return f"n{number}"


def solution(place: str, record: dict) -> str:
    """A record's expression as steps, up to the end of the code."""
    steps = []
    try:
        value = compute(ast.parse(record["expression"].strip(), mode="eval").body, steps)
    except (KeyError, TypeError, AttributeError, SyntaxError, ValueError, RecursionError):
        example = 'an "expression" of numbers and + - * /, such as "(5 + 4) / 3"'
        raise common.UserError(f"{place}: needs {example}") from None
    return BETWEEN.join([*steps, f"# Now print the final answer\nprint({value})\n{END_OF_CODE}"])


def main() -> int:
    parser = common.Parser(prog="references.py", description=__doc__.splitlines()[0])
    parser.add_argument("file", help=".json or .jsonl")
    parser.add_argument("count", nargs="?", type=int, help="how many to draw (default: all)")
    args = parser.parse_args()
    texts = [solution(place, record) for place, record in common.read_records(args.file)]
    problems = list(zip(common.read_problems(args.file), texts))
    count = len(problems) if args.count is None else args.count
    if not 0 < count <= len(problems):
        raise common.UserError(f"count {count}: must be from 1 to {len(problems)}")
    problems = random.Random(0).sample(problems, count)

    with Verifier() as verifier:
        results = verifier.run_batch([code_of(text) for _, text in problems])
    written = 0
    for (problem, text), result in zip(problems, results):
        output, answer = result.output.strip(), problem["reference"]
        if result.error or not answers_equal(output, answer):
            continue
        text += OUTPUT.format(output=output) + f"The answer is \\boxed{{{answer}}}.{END_OF_ANSWER}"
        print(json.dumps(dict(query=problem["question"], response=text)))
        written += 1
    if not written:
        raise common.UserError(f"{args.file}: no expression gives the answer of its problem")
    others = "; the others do not give their answer" if written < len(problems) else ""
    print(f"{written} of {len(problems)}{others}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(common.run("references", main, less_memory="fewer records"))

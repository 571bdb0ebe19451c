"""Reference computations as training data: `python examples/references.py FILE > references.jsonl`

Supervised tuning on them is a ceiling for what the rounds reach without them:
`python train_policy.py --base MODEL --trees references.jsonl --out ceiling`. FILE holds records of
question, answer and `expression`, such as "(5 + 4) / 3". With an argument N, N of them are drawn.
"""

import ast
import json
import random
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))
from rstar import BETWEEN, END_OF_ANSWER, END_OF_CODE, END_OF_STEP, OUTPUT, code_of  # noqa: E402
from verifier import Verifier  # noqa: E402

WORDS = {ast.Add: "Add", ast.Sub: "Subtract", ast.Mult: "Multiply", ast.Div: "Divide"}


def compute(node: ast.expr, steps: list[str]) -> str:
    """Appends the steps of an expression; returns the number or the name that holds its value."""
    if not isinstance(node, ast.BinOp):
        return ast.unparse(node)
    node.left, node.right = (ast.Name(compute(side, steps)) for side in (node.left, node.right))
    number = len(steps) + 1
    code = f"n{number} = {ast.unparse(node)}\n{END_OF_STEP}"
    steps.append(f"# Step {number}: {WORDS[type(node.op)]}\n{code}")
    return f"n{number}"


records = json.loads(Path(sys.argv[1]).read_text())
records = random.Random(0).sample(records, int((sys.argv + [len(records)])[2]))
texts = []
for record in records:
    steps = []
    value = compute(ast.parse(record["expression"], mode="eval").body, steps)
    steps.append(f"# Now print the final answer\nprint({value})\n{END_OF_CODE}")
    texts.append(BETWEEN.join(steps))
with Verifier() as verifier:
    results = verifier.run_batch([code_of(text) for text in texts])
for record, text, result in zip(records, texts, results):
    answer = f"The answer is \\boxed{{{record['answer']}}}.{END_OF_ANSWER}"
    text += OUTPUT.format(output=result.output.strip()) + answer
    print(json.dumps(dict(query=record["question"], response=text)))

"""A policy and a PPM that follow a script, so that a search can be worked out by hand."""
import re

from rstar import END_OF_ANSWER, END_OF_CODE, END_OF_STEP


class ScriptedPolicy:
    """`script[code so far]` lists the candidates; each call hands out the first k of them, in a circle.

    Each 1000 in the seed turns the circle by one. A key is the code of the path with its lines joined by ";". A candidate that prints ends the code.
    """
    longest = 4096

    def __init__(self, script):
        self.script, self.tokens, self.calls, self.path = script, 0, [], "scripted"

    def prompt(self, question):
        return f"[{question}]"

    def __call__(self, texts, k, stops, limit, temperature=0., seed=0):
        self.calls.append((len(texts), k, stops))
        self.tokens += len(texts) * k
        return [self.state(text) if stops == (END_OF_ANSWER,) else self.propose(text, k, stops, seed // 1000) for text in texts]

    def state(self, text):
        output = re.findall(r"<output>(.*?)<end_of_output>", text, re.S)[-1]
        return [f"The answer is \\boxed{{{output}}}.{END_OF_ANSWER}"]

    def propose(self, text, k, stops, turn):
        code = re.sub(r"^\[.*?\]", "", text).replace(END_OF_STEP, "")
        key = ";".join(line for line in code.splitlines() if line and not line.startswith("#"))
        found = self.script[key]
        return [self.step(found[(i + turn) % len(found)]) for i in range(k)]

    def length(self, text):
        return 1

    def step(self, code):
        return f"# a thought\n{code}\n{END_OF_CODE if 'print' in code else END_OF_STEP}"


class ScriptedPPM:
    """Scores a path by its last line of code."""

    def __init__(self, scores):
        self.scores, self.path = scores, "scripted"

    def score(self, paths):
        lines = [[line for line in path.split("<output>")[0].splitlines() if line and line[0] not in "#<"] for _, path in paths]
        return [self.scores[code[-1]] for code in lines]


TWO = {"": ["n1 = 1", "n1 = 2"], "n1 = 1": ["print(n1)"], "n1 = 2": ["print(n1 )"]}

"""A policy and a PPM that follow a script, so that a search can be worked out by hand."""

import re

from rstar import END_OF_ANSWER, END_OF_CODE, END_OF_STEP


class ScriptedPolicy:
    """`script[code so far]` lists the candidates; each call hands out the next k of them.

    A key is the code of the path with its lines joined by ";". The list is a circle, and each 1000
    in the seed turns it by one. A candidate that prints ends the code.
    """

    longest = 4096
    repaired = 0

    def __init__(self, script):
        self.script = script
        self.tokens = 0
        self.calls = []  # (texts, k, stops) of each call
        self.path = "scripted"

    def prompt(self, question):
        return f"[{question}]"

    def __call__(self, texts, k, stops, limit, temperature=0.0, seeds=None):
        self.calls.append((len(texts), k, stops))
        self.tokens += len(texts) * k
        if stops == (END_OF_ANSWER,):
            return [self.state(text) for text in texts]
        return [self.propose(text, k, seed // 1000) for text, seed in zip(texts, seeds)]

    def state(self, text):
        output = re.findall(r"<output>(.*?)<end_of_output>", text, re.DOTALL)[-1]
        return [f"The answer is \\boxed{{{output}}}.{END_OF_ANSWER}"]

    def propose(self, text, k, turn):
        code = re.sub(r"^\[.*?\]", "", text).replace(END_OF_STEP, "")
        lines = [line for line in code.splitlines() if line and not line.startswith("#")]
        candidates = self.script[";".join(lines)]
        return [self.step(candidates[(i + turn) % len(candidates)]) for i in range(k)]

    def length(self, text):
        return 1 if text else 0

    def step(self, code):
        marker = END_OF_CODE if "print" in code else END_OF_STEP
        return f"# a thought\n{code}\n{marker}"


class ScriptedPPM:
    """Scores a path by its last line of code."""

    def __init__(self, scores):
        self.scores = scores
        self.path = "scripted"

    def score(self, paths):
        return [self.scores[self.last_line(steps)] for _, steps in paths]

    def last_line(self, steps):
        lines = steps.split("<output>")[0].splitlines()
        return [line for line in lines if line and line[0] not in "#<"][-1]


TWO = {"": ["n1 = 1", "n1 = 2"], "n1 = 1": ["print(n1)"], "n1 = 2": ["print(n1 )"]}

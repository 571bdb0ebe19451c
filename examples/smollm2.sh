# Settings of evolve.sh for a real model that two cores can train: SmolLM2-135M, on problems mostly
# of one or two operations. Environment variables take precedence. The commands are in README, "On a
# laptop, without a hub".

[ -n "${POLICY:-}" ] || fail "POLICY is not set; README has the command that finds the model's file"
: "${OUT:=runs/smollm2}"
: "${PROMPT=examples/short_problems.txt}"   # without it 3 of 480 samples were right, with it 47
: "${ROLLOUTS:=8}"                      # 4 in round 1: trees of two steps are soon closed
: "${CANDIDATES:=4 5 5 8}"
: "${HARDER:=2}"
# Where the CPU computes in bfloat16, sampling is a third faster in it (395, not 294 tokens/s).
dtype=
if grep -qs "avx512_bf16\|amx_bf16" /proc/cpuinfo; then dtype="--dtype bfloat16"; fi
# At temperature 1 a model this small rambles.
: "${SEARCH:=--temperature 0.7 --step-tokens 48 --depth 6 $dtype}"
: "${ANSWER:=--rollouts 8 --candidates 5}"
: "${EACH:=--methods greedy}"           # searching test problems takes long: for round 4 alone
# One process: each of two would update all 135M weights (183 instead of 250 tokens/s).
: "${TRAIN:=--epochs 3 --batch 4 --lr 1e-4 --workers 1}"
# With Eq. 4 alone the fourth PPM scored everything near -1: see train_ppm.py, deviation 3.
: "${TRAIN_PPM:=--epochs 2 --batch 8 --lr 5e-5 --scale 3 --center 0.5 --workers 1}"

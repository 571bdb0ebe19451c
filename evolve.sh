#!/usr/bin/env bash
# The four rounds of rStar-Math: policy and PPM search the same problems, and the trees that come
# out train the next policy and PPM.
#
#             a real model: the paper's numbers       tiny/base: 1,500 problems of the tiny world
#   round 1   bootstrap policy, 8 rollouts of 5       2 rollouts of 5 candidates
#   round 2   policy of round 1, 16 of 8              4 of 5
#   round 3   policy and PPM of round 2, 16 of 8      4 of 5
#   round 4   policy and PPM of round 3, 16 of 16,    4 of 8,
#             64 and 128 for what is unsolved         8 and 16 for what is unsolved
#
#   ./evolve.sh            the four rounds; half an hour on two cores -> runs/tiny/results.md
#   ./evolve.sh test       then the models on test problems; hours (with LARGE=300 half an hour)
#   SMOKE=1 ./evolve.sh    the rounds with a handful of problems, to see that they run
#   OUT=runs/qwen POLICY=Qwen/Qwen2.5-Math-1.5B BOOTSTRAP=Qwen/Qwen2.5-Math-7B-Instruct \
#       PROBLEMS=train.jsonl DEV=dev.jsonl TEST=test.jsonl ./evolve.sh
#   SERVE=vllm VLLM=/path/of/its/python ./evolve.sh    vLLM computes the models of each search
#   SETTINGS=mine.sh ./evolve.sh                       settings in a file: examples/smollm2.sh
#
# Kill it at any time: the same command resumes. The paper's tables: ./paper_tables.sh
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
fail() { echo "${0##*/}: $*" >&2; exit 2; }

# ---- Settings: environment variables. `: "${X:=1}"` sets X to 1 unless it is set. ----------------

if [ "${SMOKE:-}" = 1 ]; then           # few of everything, in one process: starting takes longest
    : "${OUT:=runs/smoke-tiny}" "${WORKERS:=1}"
    : "${COUNT:=2}" "${SMALL:=2}" "${LARGE:=4}" "${TABLE:=4}" "${ROLLOUTS:=3}" "${DEV_ROUNDS:=4}"
    : "${ANSWER:=--rollouts 2 --candidates 2 --c 1 --stop 0}"
    : "${TRAIN:=--epochs 1 --lr 3e-4}" "${TRAIN_PPM:=--epochs 1 --lr 1e-3}"
fi
if [ -n "${SETTINGS:-}" ]; then         # a shell file with lines like those above
    [ -r "$SETTINGS" ] && [ ! -d "$SETTINGS" ] ||
        fail "SETTINGS=$SETTINGS: no such file (paths start in $PWD)"
    ! grep -q $'\r' "$SETTINGS" || fail "SETTINGS=$SETTINGS: has Windows line ends; remove them"
    [[ $SETTINGS == */* ]] || SETTINGS=./$SETTINGS      # or bash would look in PATH first
    smoke=${SMOKE:-}
    trap '[ $? -eq 2 ] || fail "SETTINGS=$SETTINGS: a command in it failed, or ended this run"' EXIT
    . "$SETTINGS"
    trap - EXIT
    [ "${SMOKE:-}" = "$smoke" ] ||
        fail "SETTINGS=$SETTINGS: sets SMOKE; set it in the environment instead"
fi
: "${OUT:=runs/tiny}"                   # everything is written here
: "${POLICY:=tiny/base}"                # the base that every round's policy is tuned from
: "${BOOTSTRAP:=$POLICY}"               # who searches in round 1
: "${PROMPT:=}"                         # a file; see rstar.py --help. For a base that is not tuned
: "${BOOTSTRAP_PROMPT=$PROMPT}"         # for BOOTSTRAP: empty if that model is tuned
: "${PROBLEMS:=}" "${DEV:=}" "${TEST:=}"    # .json or .jsonl files; empty: the tiny world's
: "${SEED:=0}"
: "${COUNT:=200}"                       # 200 make 1,500 training problems (see MIXES; our choice)
: "${SMALL:=40}"                        # dev problems after each round: a minute
: "${DEV_ROUNDS:=0 1 2 3 4}"            # the rounds that they are for; 0 is the base
: "${EACH:=}"                           # such as "--methods greedy": flags for the dev problems,
                                        # and for the test problems of rounds 0 to 3
: "${LARGE:=1000}"                      # test problems in round 4: intervals of 3 points
: "${TABLE:=100}"                       # test problems in other rounds and in paper_tables.sh

# What suits the model. A bundled one says in its config.json that it is tiny.
if grep -qs '"preset": "tiny"' "$POLICY/config.json"; then
    : "${ROLLOUTS:=4}"                  # of a tree in rounds 2 to 4
    : "${CANDIDATES:=5 5 5 8}"          # in rounds 1 to 4
    : "${HARDER:=2 4}"                  # times ROLLOUTS, for what is unsolved in round 4
    # How trees answer: 16 rollouts of 8 candidates, ended by an answer that the PPM scores 0 or
    # more, a second tree if none came. Chosen on dev, where c = 1 did as well as 2.
    : "${ANSWER:=--rollouts 16 --candidates 8 --c 1 --stop 0 --searches 2}"
    : "${TRAIN:=--epochs 3 --lr 3e-4}" "${TRAIN_PPM:=--epochs 2 --lr 1e-3}"
else                                    # the paper's
    : "${ROLLOUTS:=16}" "${CANDIDATES:=5 8 8 16}" "${HARDER:=4 8}"
    : "${ANSWER:=--rollouts 16 --candidates 8 --searches 8}"    # 8 trajectories
    : "${TRAIN:=}" "${TRAIN_PPM:=}"     # the trainers' defaults: 7e-6, batches of 128 and 512
fi
# If not set, what fits the machine: processes of each program, and more flags of each search.
: "${WORKERS:=}" "${SEARCH:=}"

. ./stages.sh "$@"                      # checks the settings; defines stage, problems, unsolved

# ---- The three commands that a round consists of -------------------------------------------------

# trees NAME PROBLEMS POLICY PPM ROLLOUTS CANDIDATES SEED [FLAGS]: training data. Temperature 1,
# since equal steps teach nothing. A node is expanded once, as in the paper: expanding it again on
# each visit took round 1 a third longer for 410 of 800 problems instead of 402.
trees() {
    stage "trees.$1.jsonl" $PYTHON rstar.py --trees "$OUT/trees.$1.jsonl" \
        --problems "$OUT/problems.$2" --policy "$3" --ppm "$4" --rollouts "$5" --candidates "$6" \
        --seed "$7" --expansions 1 --temperature 1 --workers "$WORKERS" $SEARCH "${@:8}"
}

# train NAME PROGRAM FLAGS...: the model OUT/NAME.
train() {
    stage "$1" $PYTHON "$2" --out "$OUT/$1" --seed "$SEED" --workers "$WORKERS" "${@:3}"
}

# evaluate NAME PROBLEMS POLICY PPM [FLAGS...]: methods of answering, compared at equal tokens.
evaluate() {
    stage "eval.$1.json" $PYTHON evaluate.py --out "$OUT/eval.$1.json" \
        --problems "$OUT/problems.$2" --policy "$3" --ppm "$4" $ANSWER --seed "$SEED" \
        ${PLAUSIBLE:+--plausible "$PLAUSIBLE"} --workers "$WORKERS" $SEARCH "${@:5}"
}

# ---- The rounds ----------------------------------------------------------------------------------

# In these shares the core of the world is learned, and hard problems stay rare (our choice).
MIXES="sums:$COUNT tales:$((COUNT * 3 / 2)) plain:$((COUNT * 3 / 2)) short:$COUNT"
MIXES+=" standard:$((COUNT * 2)) hard:$((COUNT / 2))"

rounds() {
    problems train "$PROBLEMS" "--split train --solutions" $MIXES
    problems dev "$DEV" "--split dev" "standard:$SMALL"
    [ -z "$TEST" ] || problems test "$TEST"     # a mistake in it must show now, not after hours
    prompt base "$PROMPT"
    prompt bootstrap "$BOOTSTRAP_PROMPT"
    [[ $DEV_ROUNDS != *0* ]] ||
        evaluate dev-r0 dev "$POLICY" none $EACH ${PROMPT:+--prompt "$OUT/prompt.base"}

    searched=()                         # the trainers read the trees of all rounds so far
    local r more rollouts candidates policy=$BOOTSTRAP ppm=none
    local own=${BOOTSTRAP_PROMPT:+$OUT/prompt.bootstrap}
    for r in 1 2 3 4; do
        rollouts=$ROLLOUTS
        [ $r -ne 1 ] || rollouts=$(((ROLLOUTS + 1) / 2))    # the bootstrap policy is large (paper)
        candidates=$(cut -d " " -f $r <<< "$CANDIDATES")
        trees "r$r" train "$policy" "$ppm" $rollouts $candidates "$SEED" ${own:+--prompt "$own"}
        searched+=("$OUT/trees.r$r.jsonl")

        # Fresh trees for what no tree has solved so far: other samples, and more of them (paper).
        if [ $r -eq 4 ]; then
            for more in $HARDER; do
                more=$((more * ROLLOUTS))
                unsolved "r4-$more" "${searched[@]}"
                [ -s "$OUT/problems.r4-$more" ] || break
                trees "r4-$more" "r4-$more" "$policy" "$ppm" $more $candidates $((SEED + more))
                searched+=("$OUT/trees.r4-$more.jsonl")
            done
        fi

        # From the base each time, not from the last round's policy (paper).
        policy=$OUT/policy-r$r own=
        train "policy-r$r" train_policy.py --base "$POLICY" --trees "${searched[@]}" $TRAIN
        train "ppm-r$r" train_ppm.py --policy "$policy" --trees "${searched[@]}" $TRAIN_PPM
        [[ $DEV_ROUNDS != *$r* ]] || evaluate "dev-r$r" dev "$policy" "$OUT/ppm-r$r" $EACH
        [ $r -eq 1 ] || ppm=$OUT/ppm-r$r    # that of round 1 is too weak to guide a search (paper)
    done
    # Later rounds have harder pairs: only on the same ones can their PPMs be compared.
    stage pairs.json $PYTHON show.py pairs "$OUT"
}

# The test: round 4 on many problems of each kind, the other rounds on the first few of one kind.
tests() {
    local r kind kinds=test few=test    # your own file is one kind, and all of it is taken
    if [ -z "$TEST" ]; then
        kinds="standard hard reworded" few=few
        problems standard "" "--split test" "standard:$LARGE"
        problems hard "" "--split test" "hard:$LARGE"
        problems reworded "" "--split test" "reworded:$TABLE"
        problems few "" "--split test" "standard:$TABLE"
    fi
    for kind in $kinds; do evaluate "$kind-r4" "$kind" "$OUT/policy-r4" "$OUT/ppm-r4"; done
    for r in 3 2 1; do
        evaluate "${kinds%% *}-r$r" $few "$OUT/policy-r$r" "$OUT/ppm-r$r" $EACH
    done
    evaluate "${kinds%% *}-r0" $few "$POLICY" none $EACH ${PROMPT:+--prompt "$OUT/prompt.base"}
}

# At the start of a new run.
[ -n "$(ls "$OUT/done")" ] ||
    echo "=== $POLICY: $ROLLOUTS rollouts, $CANDIDATES candidates in rounds 1 to 4;" \
        "answers $ANSWER; train_policy.py ${TRAIN:-as in the paper};" \
        "train_ppm.py ${TRAIN_PPM:-as in the paper}" >&2
# In one line: bash reads a script as it goes, and this one may be edited while it runs.
rounds; [ "${1:-}" != test ] || tests; report; return 2> /dev/null || exit 0

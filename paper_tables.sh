#!/usr/bin/env bash
# The paper's tables on a laptop, with controls: which data the policy should be tuned on, which
# reward model should guide the search, and what more trajectories give. About an hour on two cores
# after the rounds, which are run first unless they are finished.
#
#   ./paper_tables.sh              -> runs/tiny/results.md
#   SMOKE=1 ./paper_tables.sh      with a handful of problems, to see that it runs
#
# Settings as in evolve.sh: LARGE problems for greedy decoding, TABLE for what needs a search.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

# ---- The policy alone, on standard problems ------------------------------------------------------

# greedy NAME POLICY: one greedy solution each; 200 problems side by side: nothing is searched.
greedy() {
    evaluate "data-$1-r4" tables "$2" none --methods greedy --batch 200 "${@:3}"
}

# tuned NAME FLAGS...: a policy on other data, tuned from the base as in the rounds.
tuned() {
    train "policy-$1" train_policy.py --base "$POLICY" $TRAIN "${@:2}"
    greedy "$1" "$OUT/policy-$1"
}

policies() {
    problems tables "$TEST" "--split test" "standard:$LARGE"

    # Round by round (paper: 58.8 to 78.4 on MATH).
    greedy base "$POLICY" ${PROMPT:+--prompt "$OUT/prompt.base"}
    greedy r1 "$OUT/policy-r1"
    greedy r2 "$OUT/policy-r2"
    greedy eq3 "$OUT/policy-r3"
    greedy verified "$OUT/policy-r4"

    # As many trajectories, chosen at random: is it the choice that matters, or only the tuning?
    tuned unverified --data unverified --trees "${searched[@]}"

    # At random among the right ones: does mean Q choose better than the answer alone?
    tuned outcome --data outcome --trees "${searched[@]}"

    # What the base was pretrained on, of twice as many problems: is it only more training?
    if [ -z "$PROBLEMS" ]; then
        local mix doubled=()
        for mix in $MIXES; do doubled+=("${mix%:*}:$((2 * ${mix#*:}))"); done
        problems students "" "--split pretrain --students" "${doubled[@]}"
        tuned pretraining --trees "$OUT/problems.students" --keep 1
    fi

    # Round 3 searched without the PPM: does its estimate (Eq. 3) give better trees than Eq. 2?
    trees eq2 train "$OUT/policy-r2" none "$ROLLOUTS" "$(cut -d " " -f 3 <<< "$CANDIDATES")" "$SEED"
    tuned eq2 --trees "$OUT/trees.r1.jsonl" "$OUT/trees.r2.jsonl" "$OUT/trees.eq2.jsonl"
}

# ---- The search, on hard problems ----------------------------------------------------------------

# guided NAME PROBLEMS PPM FLAGS...: the last policy with some PPM.
guided() {
    evaluate "$1-r4" "$2" "$OUT/policy-r4" "$3" "${@:4}"
}

# The paper's ORM (outcome) and PQM (regression on Q) against its PPM, which is trained on pairs,
# from the same policy and trees (paper: 82.6, 88.2 and 89.4 on MATH).
reward_models() {
    local loss
    problems guide "$TEST" "--split test" "hard:$TABLE"
    for loss in outcome q; do
        train "ppm-$loss" train_ppm.py --loss $loss --policy "$OUT/policy-r4" \
            --trees "${searched[@]}" $TRAIN_PPM
        guided "guide-$loss" guide "$OUT/ppm-$loss" --methods tree,samples,step-wise
    done
    guided guide-pairs guide "$OUT/ppm-r4"
}

# Looking ahead pays if a mistake shows soon. A quantity of the tiny world that is counted again
# raises if it is not a positive whole number; in hard problems, as above, all of them are.
late_mistakes() {
    local percent share
    [ -z "$TEST" ] || return 0
    for percent in 50 25 0; do
        share=$(printf 0.%02d $percent)
        problems "strict-$percent" "" "--split test --strict $share" "hard:$TABLE"
        guided "strict-$percent" "strict-$percent" "$OUT/ppm-r4" --methods tree,samples,adaptive
    done
}

# 64 trajectories: 8 trees of 8 rollouts that no answer ends, since --stop is left out (paper: 89.4
# with 8 and 90.0 with 64).
scaling() {
    local count=8
    [ "${SMOKE:-}" != 1 ] || count=1
    ANSWER="--rollouts $count --candidates 8 --c 1 --searches $count"
    guided scaling guide "$OUT/ppm-r4" --methods tree
}

# evolve.sh runs the rounds, and brings the settings and what is used above.
[ $# -eq 0 ] || { echo "paper_tables.sh: $*: unknown; it takes no arguments" >&2; exit 2; }
. ./evolve.sh > /dev/null; policies; reward_models; late_mistakes; scaling; report; exit 0

#!/usr/bin/env bash
# The four rounds of rStar-Math: policy and PPM search the same problems, and the trees train the next policy and PPM.
#
#             paper: 747k problems, 7B                       here: 1,500 problems of the tiny world, 1.8M, 2 cores
#   round 1   bootstrap policy, 8 rollouts of 5 candidates    tiny/base, 2 of 5         value of a trajectory: the reference
#   round 2   policy of round 1, 16 of 8                      4 of 5                    the same
#   round 3   policy and PPM of round 2, 16 of 8              4 of 5                    the PPM's estimate, then the same
#   round 4   policy and PPM of round 3, 16 of 16, then       4 of 8, then 8 and 16     the same
#             64 and 128 for what is still unsolved           for what is still unsolved
#
# Each round: trees -> policy, tuned from the base -> PPM, from that policy -> a small evaluation on dev.
#
#   ./evolve.sh                                    four rounds, half an hour; results.md in runs/tiny
#   ./evolve.sh test                               then: the last round on 1,000 hard and 1,000 standard test problems, the others on fewer (hours on 2 cores)
#   ./evolve.sh tables                             after the rounds: the paper's tables from the same trees, and controls (an hour)
#   python show.py results runs/tiny               at any time: the tables of what is there so far
#   SMOKE=1 ./evolve.sh                            the rounds with a handful of problems, to see that they run
#   OUT=runs/qwen POLICY=Qwen/Qwen2.5-Math-1.5B BOOTSTRAP=Qwen/Qwen2.5-Math-7B-Instruct \
#       PROBLEMS=train.jsonl DEV=dev.jsonl TEST=test.jsonl WORKERS=1 ./evolve.sh
#
# Kill it at any time: the same command goes on. A stage that is done is skipped; a search loses the problems in hand.
set -euo pipefail
cd "$(dirname "$0")"

fail() { echo "evolve.sh: $*" >&2; exit 2; }
case $* in ""|test|tables) ;; *) fail "$*: unknown; nothing, test or tables" ;; esac

SMOKE=${SMOKE:-}                                     # 1: tiny counts
case $SMOKE in ""|1) ;; 0) SMOKE= ;; *) fail "SMOKE=$SMOKE: 1 or nothing" ;; esac
OUT=${OUT:-runs/${SMOKE:+smoke-}tiny}                # everything is written here
POLICY=${POLICY:-tiny/base}                          # the base that every round's policy is tuned from
BOOTSTRAP=${BOOTSTRAP:-$POLICY}                      # who searches in round 1
PROBLEMS=${PROBLEMS:-} DEV=${DEV:-} TEST=${TEST:-}   # .json or .jsonl with question and answer; empty: the tiny world's
SEED=${SEED:-0}
PYTHON=${PYTHON:-python}
# Models are looked for and files read once, to tell what is wrong with them now and not in hours.
CARDS=$($PYTHON -c "
import sys, torch, rstar
def work():
    for model in set(sys.argv[1:3]):
        rstar.locate(model, 'model')
    for file in filter(None, sys.argv[3:]):
        rstar.read_problems(file)
    print(torch.cuda.device_count())
sys.exit(rstar.run('evolve.sh', work, 'a smaller file'))
" "$POLICY" "$BOOTSTRAP" "$PROBLEMS" "$DEV" "$TEST") || exit 2
WORKERS=${WORKERS:-$([ "$CARDS" -gt 0 ] && echo 1 || echo 2)}      # searching processes; on a CPU two of one thread beat one of two
TRAINERS=${TRAINERS:-${SMOKE:+1}} TRAINERS=${TRAINERS:-$([ "$CARDS" -gt 0 ] && echo "$CARDS" || echo 2)}     # processes of a trainer; on a CPU two of one thread likewise
SEARCH=${SEARCH:-}                                   # more flags for every search; on a GPU "--rows 512 --batch 64" (LOG.md: 9 times the tokens/s of --rows 48), on several "--device cuda:{}" and as many WORKERS
# Flags for the policy's trainer and the PPM's. These are for the tiny model; for a real one say as the paper does
# TRAIN="--lr 7e-6 --batch 128 --epochs 2 --length 4096" and
# TRAIN_PPM="--lr 7e-6 --batch 512 --epochs 1 --answer-groups 1 --scale 1 --center 0 --length 4096"
# (1.5B on one card of 80 GB: and "--tokens 8192"; 7B needs several under FSDP, for which see the heads of the trainers: here each holds all).
PRECISION=$([ "$CARDS" -gt 0 ] || echo "--precision bf16")      # a GPU knows its own
TRAIN=${TRAIN:-$PRECISION --epochs 3 --lr 3e-4}
TRAIN_PPM=${TRAIN_PPM:-$PRECISION --epochs 2 --lr 1e-3 --answer-groups 4}
# How trees answer: the paper's 16 rollouts of 8, ended by an answer that the PPM thinks rather right than wrong, a second
# tree if none came. Chosen on dev (LOG.md), where c = 1 and the paper's 2 gave the same on standard problems.
ANSWER=${ANSWER:-${SMOKE:+--rollouts 2 --candidates 2 --c 1 --stop 0}} ANSWER=${ANSWER:---rollouts 16 --candidates 8 --c 1 --stop 0 --searches 2}

COUNT=${COUNT:-${SMOKE:+2}} COUNT=${COUNT:-200}      # training problems: 200 make the 1,500 of MIXES below, in such shares that the core is learned (our choice, LOG.md)
SMALL=${SMALL:-${SMOKE:+2}} SMALL=${SMALL:-40}       # dev problems after each round
LARGE=${LARGE:-${SMOKE:+4}} LARGE=${LARGE:-1000}     # hard test problems of the last round, and as many standard ones
TABLE=${TABLE:-${SMOKE:+4}} TABLE=${TABLE:-100}      # reworded ones, those of the earlier rounds, and those of the tables that need a search
EPOCHS=${SMOKE:+1}                                   # of both trainers, in place of those in TRAIN
ROLLOUTS=${ROLLOUTS:-${SMOKE:+3}} ROLLOUTS=${ROLLOUTS:-4}       # of a tree; half as many in round 1, twice and four times as many for the unsolved

if [ "$CARDS" -eq 0 ]; then                          # a CPU: keep memory instead of giving it back (LOG.md: 3 times as fast)
    export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=268435456
fi

for name in SEED COUNT SMALL LARGE TABLE ROLLOUTS WORKERS TRAINERS; do
    [[ ${!name} =~ ^(0|[1-9][0-9]{0,8})$ ]] && { [ $name = SEED ] || [ "${!name}" -gt 0 ]; } || fail "$name=${!name}: not a whole number over 0"
done
MIXES="sums:$COUNT tales:$((COUNT * 3 / 2)) plain:$((COUNT * 3 / 2)) short:$COUNT standard:$((COUNT * 2)) hard:$((COUNT / 2))"

mkdir -p "$OUT/done" 2>/dev/null || fail "$OUT cannot be written; give another OUT"
exec 9> "$OUT/lock"                                  # held by all that it starts
! command -v flock > /dev/null || flock -n 9 || { echo "evolve.sh: $OUT: waits for another run there to end" >&2; flock 9; }
settings() { local name; for name in "$@"; do echo "$name=${!name}"; done; }
same() {                                             # same FILE NAME...: were these the same when OUT was made?
    local other
    [ ! -f "$OUT/$1" ] || other=$(diff "$OUT/$1" <(settings "${@:2}") | sed -n 's/^< /then /p; s/^> /now /p' | paste -sd ";" - || true)
    [ -z "${other:-}" ] || fail "$OUT was made with other settings ($other); give another OUT"
}
MADE_WITH="POLICY BOOTSTRAP PROBLEMS DEV TEST SEED COUNT SMALL ROLLOUTS SMOKE WORKERS SEARCH TRAIN TRAIN_PPM ANSWER"
same settings $MADE_WITH
[ -f "$OUT/settings" ] || rm -f "$OUT"/done/problems-*      # no real work yet: perhaps made with other settings

stage() {                                            # stage NAME COMMAND...: once; its seconds are kept in done/NAME
    local name=$1 start=$SECONDS; shift
    [ ! -e "$OUT/done/$name" ] || return 0
    echo "=== $name" >&2
    "$@" >&2                                         # stdout is for the tables alone
    [[ $name == problems-* ]] || settings $MADE_WITH > "$OUT/settings"      # kept from the first real work on
    echo $((SECONDS - start)) > "$OUT/done/$name"
}

problems() {                                         # problems NAME FILE SPLIT MIX:COUNT...: those of the file, or of the tiny world
    local mix
    if [ -n "$2" ]; then cp "$2" "$OUT/problems.$1"; else
        for mix in "${@:4}"; do $PYTHON tiny/world.py --split "$3" --mix "${mix%:*}" --count "${mix#*:}" --seed "$SEED" --solutions; done > "$OUT/problems.$1"; fi
}

finish() {                                           # finish PID...: waits for them; they end with this script
    local pids=("$@") pid status=0
    trap 'kill "${pids[@]}" 2>/dev/null' EXIT
    for pid in "${pids[@]}"; do wait "$pid" || status=$?; done
    trap - EXIT
    return $status
}

train() {                                            # train PROGRAM ARGUMENTS...: with so many processes
    local launch=("$PYTHON") threads
    if [ "$TRAINERS" -gt 1 ]; then launch=("$PYTHON" -m torch.distributed.run --standalone --nproc_per_node "$TRAINERS") threads=1; fi
    OMP_NUM_THREADS=${OMP_NUM_THREADS:-${threads:-$(nproc)}} "${launch[@]}" "$@" --seed "$SEED" ${EPOCHS:+--epochs $EPOCHS} &
    finish $!
}

# workers PROBLEMS ARGUMENTS...: rstar.py for each worker at once; {} in them is its number. 48 problems side by side, so
# that baselines that sample one solution at a time fill a batch.
workers() {
    local w pids=() file=$OUT/problems.$1
    [ -s "$file" ] || return 0                       # all are solved
    shift
    for ((w = 0; w < WORKERS; w++)); do
        OMP_NUM_THREADS=${OMP_NUM_THREADS:-$([ "$WORKERS" -gt 1 ] && echo 1 || nproc)} \
            $PYTHON rstar.py --problems "$file" --part "$w/$WORKERS" --batch 48 "${@//\{\}/$w}" --seed "$SEED" ${SEARCH//\{\}/$w} &
        pids+=($!)
    done
    finish "${pids[@]}"
}

evaluate() {                                         # evaluate NAME PROBLEMS POLICY PPM [FLAGS...]: eval.NAME.0.json, ...
    workers "$2" --evaluate "$OUT/eval.$1.{}.json" --policy "$3" --ppm "$4" $ANSWER "${@:5}" > /dev/null      # the tables are put together in results.md
}

# trees NAME PROBLEMS POLICY PPM ROLLOUTS CANDIDATES: trees.NAME.0.jsonl, ... Expanded once, as in the paper: anew cost
# round 1 a third more for 410 of 800 problems solved instead of 402 (an earlier base; LOG.md).
trees() {
    workers "$2" --trees "$OUT/trees.$1.{}.jsonl" --policy "$3" --ppm "$4" --rollouts "$5" --candidates "$6" --expansions 1 --temperature 1
}

again() {                                            # fresh trees for what no tree has solved so far
    local SEED=$((SEED + $2))                        # other samples than before
    trees "$1" "$1" "$3" "$4" "$2" 8
}

rounds() {
    stage problems-train problems train "$PROBLEMS" train $MIXES
    stage problems-dev problems dev "$DEV" dev "standard:$SMALL"
    stage eval-base evaluate dev-r0 dev "$POLICY" none
    local r policy=$BOOTSTRAP ppm=none rollouts candidates
    for r in 1 2 3 4; do
        if [ $r -eq 1 ]; then rollouts=$(((ROLLOUTS + 1) / 2)); else rollouts=$ROLLOUTS; fi
        if [ $r -eq 4 ]; then candidates=8; else candidates=5; fi
        stage "trees-r$r" trees "r$r" train "$policy" "$ppm" "$rollouts" "$candidates"
        if [ $r -eq 4 ]; then
            stage problems-r4-more $PYTHON show.py unsolved "$OUT" r4-more
            stage trees-r4-more again r4-more $((2 * ROLLOUTS)) "$policy" "$ppm"
            stage problems-r4-most $PYTHON show.py unsolved "$OUT" r4-most
            stage trees-r4-most again r4-most $((4 * ROLLOUTS)) "$policy" "$ppm"
        fi
        policy=$OUT/policy-r$r
        stage "policy-r$r" train train_policy.py --base "$POLICY" --trees "$OUT"/trees.r[1-$r]*.jsonl --out "$policy" $TRAIN
        stage "ppm-r$r" train train_ppm.py --policy "$policy" --trees "$OUT"/trees.r[1-$r]*.jsonl --out "$OUT/ppm-r$r" $TRAIN_PPM
        stage "eval-r$r" evaluate "dev-r$r" dev "$policy" "$OUT/ppm-r$r"
        [ $r -eq 1 ] || ppm=$OUT/ppm-r$r             # the PPM of round 1 is too weak to guide a search (paper)
    done
    stage pairs $PYTHON show.py pairs "$OUT"       # all PPMs on the same held-out pairs
    $PYTHON show.py results "$OUT"
}

tests() {                                            # the last round on LARGE standard and hard problems and TABLE reworded ones; the others on TABLE standard ones
    local r mix count policy ppm mixes="standard hard reworded"
    same settings.test LARGE TABLE
    settings LARGE TABLE > "$OUT/settings.test"
    [ -z "$TEST" ] || mixes=test                     # a TEST of your own is one kind, and all of it is taken
    for r in 4 3 2 1 0; do
        if [ $r -eq 0 ]; then policy=$POLICY ppm=none; else policy=$OUT/policy-r$r ppm=$OUT/ppm-r$r; fi
        for mix in $mixes; do
            if [ $r -eq 4 ] && [ $mix != reworded ]; then count=$LARGE; else count=$TABLE; fi
            stage "problems-$mix-$count" problems "$mix-$count" "$TEST" test "$mix:$count"
            stage "test-$mix-r$r" evaluate "$mix-r$r" "$mix-$count" "$policy" "$ppm"
        done
        [ -n "$TEST" ] || mixes=standard
    done
    $PYTHON show.py results "$OUT"
}

alone() {                                            # alone NAME POLICY: greedy decoding of standard problems
    stage "table-$1" evaluate "$1-r4" tables "$2" none --ways greedy --batch 200
}

tuned() {                                            # tuned NAME ARGUMENTS...: a policy for a table, tuned from the base as in the rounds
    stage "policy-$1" train train_policy.py --base "$POLICY" --out "$OUT/policy-$1" $TRAIN "${@:2}"
    alone "data-$1" "$OUT/policy-$1"
}

tables() {                                           # the paper's tables on a laptop, with controls
    local loss trees=("$OUT"/trees.r[1-4]*.jsonl) last=$OUT/policy-r4
    same settings.tables LARGE TABLE
    settings LARGE TABLE > "$OUT/settings.tables"
    stage problems-tables problems tables "$TEST" test "standard:$LARGE"
    alone data-base "$POLICY"
    alone data-r1 "$OUT/policy-r1"
    alone data-r2 "$OUT/policy-r2"
    alone data-eq3 "$OUT/policy-r3"
    alone data-verified "$last"
    tuned unverified --data unverified --trees "${trees[@]}"
    tuned outcome --data outcome --trees "${trees[@]}"
    if [ -z "$PROBLEMS" ]; then                      # at least as much as the policy of round 4 saw
        stage students students
        tuned pretraining --trees "$OUT/students.jsonl" --keep 1
    fi
    stage trees-eq2 trees eq2 train "$OUT/policy-r2" none "$ROLLOUTS" 5        # round 3 as it were without the PPM
    tuned eq2 --trees "$OUT"/trees.r[12]*.jsonl "$OUT"/trees.eq2*.jsonl
    stage problems-guide problems guide "$TEST" test "hard:$TABLE"
    for loss in outcome q; do
        stage "ppm-$loss" train train_ppm.py --loss "$loss" --policy "$last" --trees "${trees[@]}" --out "$OUT/ppm-$loss" $TRAIN_PPM
        stage "table-guide-$loss" evaluate "guide-$loss-r4" guide "$last" "$OUT/ppm-$loss" --ways tree,samples,step-wise
    done
    stage table-guide-pairs evaluate guide-pairs-r4 guide "$last" "$OUT/ppm-r4"
    if [ -z "$TEST" ]; then                          # percent of the quantities that are counted again at once; in the hard mix 100 (of the last ones 50)
        local file strict
        for file in "$OUT"/eval.guide-pairs-r4.*; do cp "$file" "${file/guide-pairs/strict-100}"; done
        for strict in 50 25 0; do
            stage "problems-strict-$strict" strictly "$strict"
            stage "table-strict-$strict" evaluate "strict-$strict-r4" "strict-$strict" "$last" "$OUT/ppm-r4" --ways tree,samples,adaptive
        done
    fi
    stage table-scaling evaluate scaling-r4 guide "$last" "$OUT/ppm-r4" \
        --ways tree --stop 2 --rollouts "${SMOKE:-8}" --searches "${SMOKE:-8}"      # 64 trajectories: 8 trees of 8
    $PYTHON show.py results "$OUT"
}

students() {                                         # what the base's corpus holds, twice the training problems' mixes
    local mix
    for mix in $MIXES; do $PYTHON tiny/world.py --split pretrain --students --mix "${mix%:*}" --count $((2 * ${mix#*:})) --seed "$SEED"; done > "$OUT/students.jsonl"
}

strictly() {                                         # hard problems of which so many percent of the quantities are counted again
    $PYTHON tiny/world.py --split test --mix hard --strict "$(printf '.%02d' "$1")" --count "$TABLE" --seed "$SEED" > "$OUT/problems.strict-$1"
}


case ${1:-} in
    "") rounds ;;
    test) rounds; tests ;;
    tables) rounds; tables ;;
esac
cat "$OUT/results.md"

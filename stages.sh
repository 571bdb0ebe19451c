# What evolve.sh and paper_tables.sh need and the method does not mention: settings that fit the
# machine, a lock, an end for every program, and `stage`. Read evolve.sh first.

fail() { echo "${0##*/}: $*" >&2; exit 2; }

# ---- Settings that are wrong, and those that fit the machine -------------------------------------

case $* in "" | test) ;; *) fail "$*: unknown; see the first lines of this script" ;; esac
case ${SMOKE:-} in "" | 0 | 1) ;; *) fail "SMOKE=$SMOKE: must be 1 or nothing" ;; esac
: "${PYTHON:=python}"
GPUS=$($PYTHON -c "import torch; print(torch.cuda.device_count())" 2> /dev/null) ||
    fail "$PYTHON cannot import torch; pip install -r requirements.txt, or set PYTHON"
if [ "$GPUS" -gt 0 ]; then
    : "${WORKERS:=$GPUS}" "${SEARCH:=}"
else
    # On two cores, two processes of one thread are faster than one of two. In methods that sample
    # one solution at a time, 48 problems side by side fill the 48 rows of a call.
    : "${WORKERS:=2}" "${SEARCH:=--batch 48}"
    # Keep freed memory instead of returning it to the kernel: trains 3 times as fast.
    export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=268435456
fi
for name in COUNT SMALL LARGE TABLE ROLLOUTS WORKERS; do
    [[ ${!name} =~ ^[1-9][0-9]{0,8}$ ]] || fail "$name=${!name}: must be a whole number above 0"
done
[[ $CANDIDATES =~ ^[1-9][0-9]*(\ [1-9][0-9]*){3}$ ]] ||
    fail "CANDIDATES=$CANDIDATES: must be four whole numbers, one for each round"
[[ $HARDER =~ ^[1-9][0-9]*(\ [1-9][0-9]*)*$ ]] || fail "HARDER=$HARDER: must be whole numbers"
[[ $SEED =~ ^(0|[1-9][0-9]{0,8})$ ]] || fail "SEED=$SEED: must be a whole number"
# All that can be known of an answer without a PPM; in the tiny world it is a positive whole number.
[ -n "$PROBLEMS" ] || : "${PLAUSIBLE:=\\+?[1-9][\\d,]*(\\.0*)?}"

# ---- One run at a time, and no program outlives it -----------------------------------------------

mkdir -p "$OUT/done" 2> /dev/null || fail "$OUT: cannot be written; set OUT to another folder"
# Every program inherits the lock, so a rerun cannot collide with what has survived a kill.
exec 9> "$OUT/lock"
! command -v flock > /dev/null || flock -w 10 9 ||
    fail "$OUT: another run is at work there; wait until it ends, or set OUT to another folder"
trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT
trap 'printf "\n%s\n" "${0##*/}: interrupted; the same command resumes" >&2; exit 130' INT TERM HUP
# A program ends with the script that started it, even after kill -9 (see common.py). Linux can do
# that from the first moment, when a program is still importing.
export END_WITH_PARENT=1
TIED="setpriv --pdeathsig KILL"
! $TIED true 2> /dev/null || PYTHON="$TIED $PYTHON"
# Python finds the modules of this folder by itself, but not with PYTHONSAFEPATH=1.
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}

# ---- Stages --------------------------------------------------------------------------------------

# stage FILE COMMAND...: makes OUT/FILE, unless this very command has made it. done/FILE holds the
# seconds that it took, and the command. The programs themselves skip what is finished, resume what
# is not, and refuse other settings; this saves starting thirty of them to find that out.
stage() {
    local file=$1 command=${*:2} start=$SECONDS code=0
    command=${command#"$TIED "}
    if [ -e "$OUT/$file" ] && [ "$(sed 1d "$OUT/done/$file" 2> /dev/null)" = "$command" ]; then
        return
    fi
    echo "=== $file" >&2
    "${@:2}" >&2 &                      # bash answers a signal while it waits, and not before
    wait $! || code=$?
    # With code 2 a program has printed a line that says what the user can fix.
    [ $code -eq 0 ] || [ $code -eq 2 ] ||
        echo "${0##*/}: $file ended with exit code $code; the same command resumes" >&2
    [ $code -eq 0 ] || exit $code
    printf '%s\n' $((SECONDS - start)) "$command" > "$OUT/done/.part"
    mv "$OUT/done/.part" "$OUT/done/$file"
}

# problems NAME FILE [FLAGS MIX:COUNT...]: OUT/problems.NAME is a copy of FILE or, if that is empty,
# holds problems of the tiny world.
problems() {
    if [ -n "$2" ]; then
        stage "problems.$1" copy "$2" "$OUT/problems.$1"
    else
        stage "problems.$1" generate "$OUT/problems.$1" "$3 --seed $SEED" "${@:4}"
    fi
}

copy() {
    $PYTHON show.py check "$1"
    cp "$1" "$2.part"
    keep "$2"
}

generate() {
    local mix
    for mix in "${@:3}"; do
        $PYTHON tiny/world.py $2 --mix "${mix%:*}" --count "${mix#*:}"
    done > "$1.part"
    keep "$1"
}

# What follows was made from the problems that are there: others do not take their place.
keep() {
    if [ -e "$1" ] && ! cmp -s "$1.part" "$1"; then
        fail "$1 holds other problems; set OUT to another folder, or the settings as they were"
    fi
    mv "$1.part" "$1"
}

# unsolved NAME TREES...: OUT/problems.NAME is what none of the trees has solved, perhaps nothing.
unsolved() {
    stage "problems.$1" $PYTHON show.py unsolved "$OUT/problems.train" "${@:2}" \
        --out "$OUT/problems.$1"
}

report() {
    $PYTHON show.py results "$OUT"
    $PYTHON show.py rounds "$OUT" --page "$OUT/rounds.html" > /dev/null
    cat "$OUT/results.md"
}

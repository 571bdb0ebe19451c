# What evolve.sh and paper_tables.sh need and the method does not mention: settings that fit the
# machine, a lock, an end for every program, and `stage`. Read evolve.sh first.

# ---- Settings that are wrong, and those that fit the machine -------------------------------------

case $* in "" | test) ;; *) fail "$*: unknown; see the first lines of this script" ;; esac
case ${SMOKE:-} in "" | 0 | 1) ;; *) fail "SMOKE=$SMOKE: must be 1 or nothing" ;; esac
case ${SERVE:-} in "" | vllm) ;; *) fail "SERVE=$SERVE: must be vllm or nothing" ;; esac
: "${PYTHON:=python}"
GPUS=$($PYTHON -c "import torch; print(torch.cuda.device_count())" 2> /dev/null) ||
    fail "$PYTHON cannot import torch; pip install -r requirements.txt, or set PYTHON"
if [ "$GPUS" -gt 0 ]; then
    : "${WORKERS:=$GPUS}"
else
    # On two cores, two processes of one thread are faster than one of two for the bundled models.
    : "${WORKERS:=2}"
    # Keep freed memory instead of returning it to the kernel: trains 3 times as fast.
    export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=268435456
fi
for name in COUNT SMALL LARGE TABLE ROLLOUTS WORKERS; do
    [[ ${!name} =~ ^[1-9][0-9]{0,8}$ ]] || fail "$name=${!name}: must be a whole number above 0"
done
[[ $CANDIDATES =~ ^[1-9][0-9]*(\ [1-9][0-9]*){3}$ ]] ||
    fail "CANDIDATES=$CANDIDATES: must be four whole numbers, one for each round"
[[ $HARDER =~ ^[1-9][0-9]*(\ [1-9][0-9]*)*$ ]] || fail "HARDER=$HARDER: must be whole numbers above 0"
[[ $SEED =~ ^(0|[1-9][0-9]{0,8})$ ]] || fail "SEED=$SEED: must be a whole number"
# Your own problems are followed by problems of their kind, not by those of the tiny world.
for name in DEV ${1:+TEST}; do
    [ -z "$PROBLEMS" ] || [ -n "${!name}" ] ||
        fail "PROBLEMS is set, but not $name: set it to a file with other problems of the same kind"
done
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

# ---- SERVE=vllm: servers for the models of a search ----------------------------------------------

: "${VLLM:=python}" "${SERVE_PORT:=8100}"   # its Python; the PPM has the next port
if [ "$GPUS" -gt 0 ]; then              # shares of the first GPU's memory; our choice
    : "${SERVE_POLICY:=--gpu-memory-utilization 0.6}" "${SERVE_PPM:=--gpu-memory-utilization 0.3}"
else                                    # reading a prompt in parts ends the engine on a CPU
    # A prompt is kept in blocks of 128 tokens, and what does not fill one is read for each sample:
    # with 32, the minimum, SmolLM2-135M wrote 360 tokens/s instead of 90 behind a prompt of 800.
    : "${SERVE_POLICY:=--dtype float32 --enforce-eager --no-enable-chunked-prefill --block-size 32}"
    : "${SERVE_PPM:=$SERVE_POLICY}"
    export VLLM_CPU_KVCACHE_SPACE=${VLLM_CPU_KVCACHE_SPACE:-1}      # GB; default: half the memory
    # By default one core is left to its other processes, which need a quarter of it.
    export VLLM_CPU_NUM_OF_RESERVED_CPU=${VLLM_CPU_NUM_OF_RESERVED_CPU:-0}
fi
# TERM, so that vLLM can end the processes that it has started.
! setpriv --pdeathsig TERM true 2> /dev/null || VLLM="setpriv --pdeathsig TERM $VLLM"
SERVERS=() SERVING=

# serve: puts addresses of servers into the command RUN for the models of a search, and returns when
# they answer. A program that trains gets the memory of the servers instead.
serve() {
    local i policy= ppm=none
    case " ${RUN[*]} " in
        *" rstar.py "* | *" evaluate.py "*) ;;
        *" train_"*) stop_servers; return ;;
        *) return 0 ;;
    esac
    for ((i = 1; i < ${#RUN[@]}; i++)); do
        case ${RUN[i - 1]}:${RUN[i]} in
            --ppm:none) ;;
            --policy:*) policy=${RUN[i]} RUN[i]="http://127.0.0.1:$SERVE_PORT/v1#${RUN[i]}" ;;
            --ppm:*) ppm=${RUN[i]} RUN[i]="http://127.0.0.1:$((SERVE_PORT + 1))#${RUN[i]}" ;;
        esac
    done
    start_servers "$policy" "$ppm"
}

# start_servers POLICY PPM
start_servers() {
    [ "$SERVING" != "$1 $2" ] || return 0
    # Round 2 searches without a PPM: the one that was served for the dev problems may stay.
    [ "$2 ${SERVING% *}" != "none $1" ] || return 0
    stop_servers
    SERVING="$1 $2"
    start_server policy "$SERVE_PORT" "$1" $SERVE_POLICY
    [ "$2" = none ] || start_server ppm $((SERVE_PORT + 1)) "$2" --runner pooling $SERVE_PPM
    wait_for policy "$SERVE_PORT" "${SERVERS[0]}"
    [ "$2" = none ] || wait_for ppm $((SERVE_PORT + 1)) "${SERVERS[1]}"
}

# start_server ROLE PORT MODEL FLAGS...
start_server() {
    echo "=== a server for $3 (its log: $OUT/server.$1.log)" >&2
    # Modules of this folder must not take the place of vLLM's own.
    env -u PYTHONPATH PYTHONSAFEPATH=1 $VLLM -m vllm.entrypoints.openai.api_server \
        --host 127.0.0.1 --port "$2" --model "$3" "${@:4}" > "$OUT/server.$1.log" 2>&1 &
    SERVERS+=($!)
}

# wait_for ROLE PORT PID
wait_for() {
    until answers "$2"; do
        kill -0 "$3" 2> /dev/null || fail "the server has ended; see $OUT/server.$1.log"
        sleep 1 &
        wait $!
    done
}

answers() (
    exec 3<> "/dev/tcp/127.0.0.1/$1" && printf 'GET /health HTTP/1.0\r\n\r\n' >&3 &&
        read -r -t 10 status <&3 && [[ $status == *" 200"* ]]
) 2> /dev/null

stop_servers() {
    [ ${#SERVERS[@]} -eq 0 ] || kill "${SERVERS[@]}" 2> /dev/null || true
    [ ${#SERVERS[@]} -eq 0 ] || wait "${SERVERS[@]}" || true
    SERVERS=() SERVING=
}

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
    RUN=("${@:2}")
    [ -z "${SERVE:-}" ] || serve
    echo "=== $file" >&2
    "${RUN[@]}" >&2 &                   # bash answers a signal while it waits, and not before
    wait $! || code=$?
    # With code 2 a program has printed a line that says what the user can fix.
    [ $code -eq 0 ] || [ $code -eq 2 ] ||
        echo "${0##*/}: $file ended with exit code $code; the same command resumes" >&2
    [ $code -eq 0 ] || exit $code
    [ -e "$OUT/$file" ] ||
        fail "$file was not written; do EACH, ANSWER, SEARCH, TRAIN or TRAIN_PPM hold --out or -h?"
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
    is_there "$1"
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

# prompt NAME FILE: OUT/prompt.NAME is a copy of FILE, if there is a prompt.
prompt() {
    [ -z "$2" ] || stage "prompt.$1" copy_prompt "$2" "$OUT/prompt.$1"
}

copy_prompt() {
    is_there "$1"
    grep -qsF "{question}" "$1" ||
        fail "$1: no file with {question} in it; set PROMPT or BOOTSTRAP_PROMPT to one"
    cp "$1" "$2.part"
    keep "$2" "another prompt"
}

is_there() { [ -r "$1" ] || fail "$1: no such file (paths start in $PWD)"; }

# What follows was made from what is there: something else does not take its place.
keep() {
    if [ -e "$1" ] && ! cmp -s "$1.part" "$1"; then
        fail "$1 holds ${2:-other problems}; set OUT to another folder, or the setting as it was"
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

"""The kernel's layers around code that nobody has read: what holds it where Python cannot.

Python can't confine Python: whatever a program may not do has to be refused by the kernel. Linux
offers a dozen partial means, and each is optional: a kernel may be too old for it, a container may
deny it. So every layer is tried alone, and `{layer: why it is off, or ''}` is reported to the
caller, who can insist (`Verifier(require_isolation=True)`).

zygote.py calls three functions, each at the last moment at which it is possible:

    confine_zygote  in a new process, before it forks: a pid namespace holds only later children
    confine_init    in its child, after the imports: all that runs inherit, at no cost to them
    confine_run     in a run, before its code: refuses what the init needs and a run must not have

Everything goes through ctypes: neither Python's library nor a package of ours wraps these calls.
"""

import ctypes
import errno
import functools
import mmap
import os
import signal
import struct
import sys

# What gets through without each layer. Measured by taking them away one at a time under 178 hostile
# snippets, except for user and ipc namespace, capabilities, parent and descriptors: that is their
# purpose, of which the other layers left nothing to see. The first and the last four are made in
# zygote.py and verifier.py.
LAYERS = {
    "fork per run": "state left for the next run, crashes that take it along",
    "resource limits": "memory bombs",
    "seccomp": "fork bombs as root, new user namespaces, kernel keyrings, shared memory",
    "Landlock": "reading files and secrets, unless the mount namespace hides them",
    "user namespace": "nothing, but seccomp then refuses honest threads too",
    "mount namespace": "reading files and secrets, unless Landlock refuses it",
    "network namespace": "every kind of socket, unless seccomp refuses them",
    "pid namespace": "killing other processes",
    "ipc namespace": "shared memory, unless seccomp refuses it",
    "kill(-1)": "daemons that left the run's process group",
    "no capabilities": "undoing the layers from within, as root of the namespace",
    "dies with parent": "processes that outlive a killed caller",
    "output cap": "floods of output",
    "clean environment": "secrets such as HF_TOKEN",
    "token on the result": "forged results",
    "closed descriptors": "the caller's open files",
}

TASKS = 64  # processes and threads in one zygote's user namespace; our choice
FILES = 64  # descriptors that a run may have open; our choice
STACK = 1 << 26  # bytes of C stack; our choice: 10,000 frames of 6 KiB, so recursion raises first

# From the kernel's headers linux/sched.h, mount.h, prctl.h, capability.h and landlock.h.
CLONE_THREAD = 0x00010000
CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3 = 0x20080522
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1
LANDLOCK_READ_FILE = 1 << 2
LANDLOCK_READ_DIR = 1 << 3


def confine_zygote(layers):
    """A pid namespace for the next child. Sets `layers`; returns whether root needed no other."""
    as_root = os.geteuid() == 0 and not why_not(call, "unshare", CLONE_NEWPID)
    if not as_root:
        # An ordinary user, and root in most containers, may do it only in a user namespace.
        layers["user namespace"] = why_not(enter_user_namespace)
        layers["pid namespace"] = why_not(call, "unshare", CLONE_NEWPID)
    return as_root


def confine_init(layers, as_root, memory, output):
    """All that runs inherit. Sets `layers`; returns which seccomp filter is a run's."""
    # Looked up first: the mount namespace hides /proc, which tells how much is mapped.
    folders = library_folders()
    limits = inherited_limits(memory, output)

    # Root's own namespaces come before it becomes nobody, who may not make them.
    layers["network namespace"] = why_not(call, "unshare", CLONE_NEWNET)
    layers["ipc namespace"] = why_not(call, "unshare", CLONE_NEWIPC)
    layers["mount namespace"] = why_not(enter_mount_namespace, folders)
    if as_root:
        layers["user namespace"] = why_not(become_nobody, folders)
    layers["no capabilities"] = why_not(drop_capabilities)
    layers["Landlock"] = why_not(enter_landlock, folders)
    # Only pid 1 can kill all that it has below it, and nothing else, by kill(-1).
    layers["kill(-1)"] = "" if os.getpid() == 1 else "there is no pid namespace"
    # After the last change of user, which undoes it.
    layers["dies with parent"] = why_not(die_with_parent)

    # RLIMIT_NPROC does not bind root, and outside of a user namespace it counts the user's other
    # tasks: without it there is no bound on threads, so the filter refuses them all.
    whose = "run"
    if not layers["user namespace"] and os.getuid() != 0:
        limits["NPROC"] = TASKS
        whose = "threaded run"
    layers["resource limits"] = why_not(lambda: limit(**limits))
    # Last, as it takes away the calls that the other layers are made with.
    layers["seccomp"] = why_not(enter_seccomp, "zygote") or why_not(probe_seccomp, whose)
    return whose


def confine_run(layers, whose, zygote, seconds):
    """What each run of the init with the pid `zygote` needs anew, `seconds` being its deadline.
    Raises if a layer that is on fails for it."""
    if layers["pid namespace"]:
        # Nothing ends the run with its zygote then: it gets a process group to be killed by, the
        # parent's death signal and, where there is no such signal, a bound on its CPU time.
        os.setsid()
        if not layers["dies with parent"]:
            die_with_parent()
            if os.getppid() != zygote:  # it died before this call, so no signal will come
                os._exit(1)
        limit(CPU=int(seconds) + 2, NPROC=TASKS)
    if not layers["seccomp"]:
        enter_seccomp(whose)


def lack(layers):
    """What is missing of the least that may be called isolated, '' if nothing: seccomp, and one of
    Landlock and a mount namespace."""
    if layers["seccomp"]:
        return f"seccomp is off ({layers['seccomp']})"
    if layers["Landlock"] and layers["mount namespace"]:
        landlock = f"Landlock is off ({layers['Landlock']})"
        return f"{landlock} and so is the mount namespace ({layers['mount namespace']})"
    return ""


def why_not(step, *arguments):
    """'' if the step succeeds, else the reason why not."""
    try:
        step(*arguments)
    except (OSError, ValueError, AttributeError) as error:  # the last: not in this C library
        return str(error) or type(error).__name__
    return ""


def call(name, *arguments):
    """Calls a function of the C library; OSError if it returns -1."""
    # ctypes passes a bare int as 32 bits, which cuts flags and pointers.
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    value = getattr(libc(), name)(*arguments)
    if value == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return value


@functools.cache
def libc():
    return ctypes.CDLL(None, use_errno=True)


# ---- namespaces, users and limits ----------------------------------------------------------------


def die_with_parent():
    """The kernel kills this process when its parent ends; one that ended before has to be
    noticed."""
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)


def enter_user_namespace():
    """In it an ordinary user may make the other namespaces; the user's number stays the same."""
    user = os.geteuid()
    group = os.getegid()
    os.stat("/proc/self/uid_map")  # raises where there is no /proc, before there is no way back
    call("unshare", CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def library_folders():
    """The folders and files that Python and its loader read when the code imports something."""
    # Only packages of sys.path: a project on it may hold its owner's data.
    paths = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    paths += [os.path.dirname(os.__file__), f"{sys.base_prefix}/lib"]
    paths += ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo"]
    paths += [os.path.realpath(path) for path in paths]
    present = {path for path in paths if os.path.exists(path)}
    above = tuple(f"{path}/" for path in present)
    return sorted(path for path in present if not path.startswith(above))


def enter_mount_namespace(folders):
    """A root of its own: an empty file system with only `folders` mounted in it, all read-only."""
    call("unshare", CLONE_NEWNS)
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    root = b"/proc"  # a folder that is always there, has no library below it, and is needed no more
    call("mount", b"none", root, b"tmpfs", MS_NOSUID | MS_NODEV, b"size=1m,mode=755")

    for folder in map(os.fsencode, folders):
        place = root + folder
        if os.path.isdir(folder):
            os.makedirs(place, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            open(place, "w").close()
        # A bind mount ignores MS_RDONLY: it takes a second call. In that a user namespace may not
        # clear what was set outside.
        call("mount", folder, place, None, MS_BIND | MS_REC, None)
        kept = os.statvfs(folder).f_flag & (MS_NODEV | MS_NOEXEC)
        read_only = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV
        call("mount", None, place, None, read_only | kept, None)
    call("mount", None, root, None, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, None)

    # pivot_root(".", ".") puts the old root over the new one, from where it is taken off: unlike
    # after a chroot there is nothing left to climb out to.
    os.chdir(root)
    call("syscall", numbers()["pivot_root"], b".", b".")
    call("umount2", b".", MNT_DETACH)
    os.chdir("/")


def become_nobody(folders):
    """Root's runs continue as nobody, in a user namespace where RLIMIT_NPROC counts only them."""
    nobody = 65534  # the kernel's own number for it, /proc/sys/kernel/overflowuid
    # What is installed for root only, nobody could not import later: honest code would fail.
    os.seteuid(nobody)
    files = [getattr(module, "__file__", None) or "/" for module in list(sys.modules.values())]
    files = [file for file in files if file.startswith(tuple(folders))]
    unreadable = [file for file in files if not os.access(file, os.R_OK, effective_ids=True)]
    os.seteuid(0)
    if unreadable:
        raise OSError(errno.EACCES, f"nobody may not read {unreadable[0]}")

    os.setgroups([])
    os.setresgid(nobody, nobody, nobody)
    os.setresuid(nobody, nobody, nobody)
    call("unshare", CLONE_NEWUSER)


def drop_capabilities():
    """All of them, those in the user namespace too; and starting a program gives none back."""
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("capset", struct.pack("Ii", CAPABILITY_VERSION_3, 0), bytes(24))


def enter_landlock(folders):
    """Only reading, only in `folders`; from version 4 on no TCP, from 6 on no signals outwards."""
    create, add, restrict = (
        numbers()[f"landlock_{name}"] for name in ("create_ruleset", "add_rule", "restrict_self")
    )
    version = call("syscall", create, None, 0, LANDLOCK_CREATE_RULESET_VERSION)

    # What is handled and granted by no rule is refused, so all rights that the version knows are
    # handled: 13 to 16 of files, 2 of the network, 2 scopes. An older kernel refuses a longer
    # struct.
    rights = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    handled = [(1 << rights) - 1]
    if version >= 4:
        handled.append(3)
    if version >= 6:
        handled.append(3)
    rules = struct.pack(f"{len(handled)}Q", *handled)
    ruleset = call("syscall", create, rules, len(rules), 0)

    for folder in folders:
        granted = LANDLOCK_READ_FILE | (LANDLOCK_READ_DIR if os.path.isdir(folder) else 0)
        descriptor = os.open(folder, os.O_PATH)
        rule = struct.pack("=Qi", granted, descriptor)
        call("syscall", add, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0)
        os.close(descriptor)
    call("syscall", restrict, ruleset, 0)
    os.close(ruleset)


def inherited_limits(memory, output):
    """{limit: value} of what the init can live with itself. `memory` comes on top of what is
    mapped now.

    Where that can't be read (no /proc, another system) the libraries count as the run's: stricter,
    not off."""
    mapped = 0
    if os.path.exists("/proc/self/statm"):
        with open("/proc/self/statm") as file:
            mapped = int(file.read().split()[0]) * mmap.PAGESIZE
    return {"AS": mapped + memory, "FSIZE": output + 1, "NOFILE": FILES, "CORE": 0, "STACK": STACK}


def limit(**limits):
    """Sets resource limits, hard ones too, never above what they were."""
    import resource  # here, because Windows has no such module and imports this file too

    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, value))


# ---- seccomp: the system calls -------------------------------------------------------------------

# The system calls that a run may make, each with its number on x86_64 (the kernel's
# asm/unistd_64.h) and on aarch64 (asm-generic/unistd.h), or -. All others fail with EPERM:
# sockets, processes, signals, keyrings, shared memory, namespaces, tracing, writing to the file
# system, and whatever a later kernel brings.
ALLOWED = """
read 0 63; write 1 64; readv 19 65; writev 20 66; pread64 17 67; pwrite64 18 68; lseek 8 62
close 3 57; close_range 436 436; dup 32 23; dup2 33 -; dup3 292 24; pipe 22 -; pipe2 293 59
poll 7 -; ppoll 271 73; select 23 -; pselect6 270 72; stat 4 -; lstat 6 -; fstat 5 80
newfstatat 262 79; statx 332 291; access 21 -; faccessat 269 48; faccessat2 439 439; readlink 89 -
readlinkat 267 78; getdents 78 -; getdents64 217 61; getcwd 79 17; chdir 80 49; fchdir 81 50
statfs 137 43; fstatfs 138 44; umask 95 166; mmap 9 222; munmap 11 215; mremap 25 216
mprotect 10 226; madvise 28 233; brk 12 214; clock_gettime 228 113; clock_getres 229 114
clock_nanosleep 230 115; nanosleep 35 101; gettimeofday 96 169; time 201 -; times 100 153
getrusage 98 165; getitimer 36 102; setitimer 38 103; alarm 37 -; pause 34 -; rt_sigaction 13 134
rt_sigprocmask 14 135; rt_sigreturn 15 139; rt_sigpending 127 136; rt_sigtimedwait 128 137
rt_sigsuspend 130 133; sigaltstack 131 132; restart_syscall 219 128; getpid 39 172; gettid 186 178
getppid 110 173; getuid 102 174; geteuid 107 175; getgid 104 176; getegid 108 177
getgroups 115 158; getresuid 118 148; getresgid 120 150; getpgrp 111 -; getpgid 121 155
getsid 124 156; uname 63 160; sysinfo 99 179; getcpu 309 168; sched_getaffinity 204 123
sched_yield 24 124; futex 202 98; set_robust_list 273 99; rseq 334 293; exit 60 93
exit_group 231 94; getrandom 318 278
"""
# Those that depend on their arguments or on who calls (see `rules_of`).
PARTLY = """
open 2 -; openat 257 56; fcntl 72 25; prlimit64 302 261; clone 56 220; clone3 435 435
kill 62 129; tgkill 234 131
"""
# The init's, which a run may not make, and those that set the layers up before there is a filter.
ZYGOTES = "wait4 61 260; setsid 112 157; prctl 157 167"
SETUP = """
pivot_root 155 41; landlock_create_ruleset 444 444; landlock_add_rule 445 445
landlock_restrict_self 446 446
"""
# {machine: (its number in linux/audit.h, its column in the tables above)}
ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

# Instructions of linux/bpf_common.h and answers of linux/seccomp.h.
LOAD = 0x20
EQUAL = 0x15
ANY_BIT = 0x45
ANSWER = 0x06
ALLOW = [(ANSWER, 0, 0, 0x7FFF0000)]
REFUSE = [(ANSWER, 0, 0, 0x00050000 | errno.EPERM)]
MISSING = [(ANSWER, 0, 0, 0x00050000 | errno.ENOSYS)]
KILL = [(ANSWER, 0, 0, 0x80000000)]
SELF = 0xFFFFFFFE  # our choice: stands for the pid of the run until that is known


def architecture():
    if sys.platform != "linux" or os.uname().machine not in ARCHITECTURES:
        system = f"{sys.platform} on {os.uname().machine}"
        raise OSError(errno.ENOSYS, f"no table of system calls for {system}")
    return ARCHITECTURES[os.uname().machine]


@functools.cache
def numbers(tables=f"{ALLOWED};{PARTLY};{ZYGOTES};{SETUP}"):
    """{name: number} of the system calls in the tables, on this machine."""
    column = architecture()[1]
    rows = [row.split() for row in tables.replace("\n", ";").split(";") if row.strip()]
    return {row[0]: int(row[1 + column]) for row in rows if row[1 + column] != "-"}


def rules_of(whose):
    """({system call: instructions}, instructions for all others) of the filter of a "zygote", a
    "run" or a "threaded run", which may start threads. A run has both filters, and the stricter
    answer counts. Two, because the long one would cost every run 0.3 ms."""
    if whose == "zygote":
        rules = dict.fromkeys([*numbers(ALLOWED), *numbers(ZYGOTES)], ALLOW)
        writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
        rules["open"] = only_if((2, "none of", [writing]))
        rules["openat"] = only_if((4, "none of", [writing]))
        # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC; F_SETOWN could send signals.
        rules["fcntl"] = only_if((2, "is", [0, 1, 2, 3, 4, 1030]))
        rules["clone"] = ALLOW
        # A filter can't see clone3's flags, which are behind a pointer; told that it is missing,
        # the C library takes clone.
        rules["clone3"] = MISSING
        for name in ("prlimit64", "kill", "tgkill"):
            rules[name] = ALLOW
        return rules, REFUSE

    rules = dict.fromkeys(numbers(ZYGOTES), REFUSE)
    # Itself, so that abort() ends it with the signal it names.
    rules["kill"] = rules["tgkill"] = only_if((0, "is", [SELF]))
    threads = whose == "threaded run"
    rules["clone"] = only_if((0, "any of", [CLONE_THREAD])) if threads else REFUSE
    # No new limit given, so it only reads.
    rules["prlimit64"] = only_if((4, "is", [0]), (5, "is", [0]))
    return rules, ALLOW


def only_if(*tests):
    """Instructions that allow a call if every test holds, else refuse it.

    A test is of one 32-bit word of the arguments, which have two words each. Built from the end,
    because a jump is given as the number of instructions to skip."""
    block = ALLOW + REFUSE
    for word, kind, values in reversed(tests):
        refuse = len(block) - 1
        if kind == "is":
            # One of the values: a match skips the comparisons left, and only the last miss is
            # refused.
            last = len(values) - 1
            test = [(EQUAL, last - i, 0, value) for i, value in enumerate(values)]
            test[last] = (EQUAL, 0, refuse, values[last])
        elif kind == "any of":
            test = [(ANY_BIT, 0, refuse, values[0])]
        else:
            test = [(ANY_BIT, refuse, 0, values[0])]
        block = [(LOAD, 0, 0, 16 + 4 * word), *test, *block]
    return block


@functools.cache  # runs inherit it: building it touches 100 pages, which each would copy in 0.3 ms
def seccomp_program(whose):
    """(struct sock_fprog, the instructions that it points to, the places in them where a run's pid
    goes)"""
    rules, others = rules_of(whose)
    # The machine first: by another one's numbering (32-bit x86) the same numbers are other calls.
    code = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, architecture()[0]), *KILL, (LOAD, 0, 0, 0)]
    for name, number in numbers().items():
        if name in rules:
            code += [(EQUAL, 0, len(rules[name]), number), *rules[name]]
    code += others

    instructions = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *line) for line in code)
    )
    places = [
        ctypes.c_uint32.from_buffer(instructions, 8 * i + 4)
        for i, line in enumerate(code)
        if line[3] == SELF
    ]
    program = struct.pack("H6xP", len(code), ctypes.addressof(instructions))
    return program, instructions, places


def enter_seccomp(whose):
    """From here on the filter holds, for this process and all below it; it can't be taken off."""
    program, _, places = seccomp_program(whose)
    for place in places:
        place.value = os.getpid()
    # Not by `call`, which takes 0.15 ms more in a child.
    if libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl: {os.strerror(number)}")


def probe_seccomp(whose):
    """Tries a run's filter in a child, as there is no way back out of it; OSError unless it
    refuses a signal."""
    seccomp_program(whose)  # into the cache of this process
    child = os.fork()
    if child == 0:
        try:
            enter_seccomp(whose)
            os._exit(0 if why_not(os.kill, os.getppid(), 0) else 1)
        finally:
            os._exit(2)
    if os.waitpid(child, 0)[1]:
        raise OSError(errno.ENOSYS, "the filter did not hold in a probe")

# SPDX-License-Identifier: Apache-2.0
"""Measures Reel and PyTorch in turns on this CPU and writes the figures as JSON.

Usage: compare.py --program reel_cpu_bench --model FOLDER --threads N --results FOLDER
                  (--peer-python PYTHON | --no-peer REASON) [--rounds 5] [--cases dit,t5,vae]
                  [--try-settings-again | --peer-setting NAME]

Both sides hold the weights of one network in memory, are warmed up, and then compute the same
forward pass in turns; the best time of each counts. PyTorch runs at the fastest of its settings;
which one that is takes minutes to find out, so it is kept beside the checkpoint until PyTorch or
the CPU change. Needs nothing but Python.
"""
import argparse
import array
import contextlib
import datetime
import json
import math
import os
import platform
import re
import selectors
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = {
    "dit": "one DiT forward, 1.3B dimensions, 256x256x17, 64 prompt tokens",
    "t5": "one T5 encoding of 64 tokens, 1/4 width",
    "vae": "one VAE decode of 256x256x17, full width",
}
# Computed by Reel in INT8 too, where that is allowed (--precision int8).
INT8_CASES = ("dit",)
FRAMES = (17, 81)
# Both sides may compute in bf16, each with its own roundings; Reel's INT8 rounds more.
MOST_ERROR = {"reel": 0.05, "reel_int8": 0.1}
MOST_WAIT_S = 3600
# A setting of PyTorch that has not answered once (compilation included) by then is no candidate.
MOST_TRIAL_S = 600
# One whose first passes are this many times slower than the best so far is not timed again.
HOPELESS = 1.3
# OpenMP's default is to spin, which other work on the same cores can make very slow.
WAITING = {"spinning": {}, "sleeping": {"OMP_WAIT_POLICY": "passive"}}
# How long other programs may keep a pass waiting.
MOST_QUIET_WAIT_S = 5
HERE = Path(__file__).resolve().parent


def busy_seconds() -> float:
    """What all cores have worked since the machine started."""
    words = Path("/proc/stat").read_text().splitlines()[0].split()
    user, nice, system, _, _, irq, soft_irq, stolen = (int(word) for word in words[1:9])
    ticks = user + nice + system + irq + soft_irq + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_quiet() -> None:
    """Until other programs leave the cores alone, and our own idle threads sleep."""
    end = time.monotonic() + MOST_QUIET_WAIT_S
    while time.monotonic() < end:
        before = busy_seconds()
        time.sleep(0.3)
        if busy_seconds() - before < 0.06:
            return


class NoAnswer(Exception):
    pass


class Side:
    """A process that answers each command with one line of JSON."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None,
                 most_wait_s: float = MOST_WAIT_S):
        self.command = command
        self.most_wait_s = most_wait_s
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={**os.environ, **(environment or {})}, text=True)
        self.ready = self.read()

    def ask(self, line: str) -> dict:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()

    def read(self) -> dict:
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(self.most_wait_s):
                self.process.kill()
                raise NoAnswer(f"no answer within {self.most_wait_s} s")
        line = self.process.stdout.readline()
        if not line:
            raise NoAnswer(f"{shlex.join(self.command)} ended with {self.process.wait()}")
        return json.loads(line)

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def start_reel(args: argparse.Namespace, precision: str = "auto") -> Side:
    command = [str(args.program), str(args.model), precision, str(args.threads)]
    # As the program `reel` sets it for itself.
    return Side(command, {"OMP_WAIT_POLICY": "passive"})


def peer_command(args: argparse.Namespace, *words: str) -> list[str]:
    return [str(args.peer_python), str(HERE / "peer.py"), *words]


def start_peer(args: argparse.Namespace, case: str, setting: str,
               most_wait_s: float = MOST_WAIT_S) -> Side:
    command = peer_command(args, "--model", str(args.model), "--threads", str(args.threads),
                           "--case", case, "--setting", setting)
    return Side(command, {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                          **WAITING[args.peer_waits]}, most_wait_s)


def choose_waiting(args: argparse.Namespace) -> None:
    """How PyTorch's idle threads wait is read when it is loaded: the better way is used."""
    setting = list_settings(args, "t5")["settings"][0]
    seconds = {}
    for args.peer_waits in WAITING:
        with start_peer(args, "t5", setting) as peer:
            seconds[args.peer_waits] = best_of([peer.ask("t5") for _ in range(5)])["seconds"]
    args.peer_waits = min(seconds, key=seconds.get)


def list_settings(args: argparse.Namespace, case: str) -> dict:
    command = peer_command(args, "--case", case, "--list")
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def time_setting(args: argparse.Namespace, case: str, setting: str, best: float) -> float | str:
    """The best of a few passes, or why there is none."""
    try:
        with start_peer(args, case, setting, MOST_TRIAL_S) as peer:
            first = peer.ask(case)["seconds"]
            # A single pass can be slow for reasons that go away, such as code still being made.
            seconds = min(peer.ask(case)["seconds"] for _ in range(3))
            if seconds < HOPELESS * best:
                for _ in range(2):
                    wait_until_quiet()
                    seconds = min(seconds, peer.ask(case)["seconds"])
    except NoAnswer as problem:
        print(f"PyTorch, {case}, {setting}: {problem}", file=sys.stderr)
        return str(problem)
    print(f"PyTorch, {case}, {setting}: {seconds:.3f} s (first pass {first:.1f} s)",
          file=sys.stderr, flush=True)
    return round(seconds, 4)


def fastest_setting(args: argparse.Namespace, case: str) -> tuple[str, dict, dict]:
    """The name of PyTorch's fastest setting, the seconds of each, the versions."""
    listed = list_settings(args, case)
    if args.peer_setting:
        return args.peer_setting, {}, listed["versions"]
    known_path = args.model.parent / "pytorch-settings.json"
    known = json.loads(known_path.read_text()) if known_path.exists() else {}
    key = " ".join([case, cpu_name(), str(args.threads), *listed["versions"].values(),
                    *listed["settings"]])
    tried = known[key] = {} if args.try_settings_again else known.get(key, {})
    for setting in listed["settings"]:
        if setting in tried:
            continue
        best = min((s for s in tried.values() if isinstance(s, float)), default=math.inf)
        tried[setting] = time_setting(args, case, setting, best)
        # After each: a run that is cut off goes on from here.
        known_path.write_text(json.dumps(known, indent=1) + "\n")
    timed = {name: s for name, s in known[key].items() if isinstance(s, float)}
    if not timed:
        raise SystemExit(f"no setting of PyTorch works for {case}: {known[key]}")
    return min(timed, key=timed.get), known[key], listed["versions"]


def read_floats(path: Path) -> array.array:
    values = array.array("f")
    values.frombytes(path.read_bytes())
    return values


def relative_error(ours: array.array, theirs: array.array, lowest: float, highest: float) -> float:
    """|ours - theirs| / |theirs|; what the other side clamps is clamped here too."""
    if len(ours) != len(theirs):
        raise SystemExit(f"Reel computed {len(ours)} numbers and PyTorch {len(theirs)}")
    difference = norm = 0.0
    for a, b in zip(ours, theirs):
        difference += (min(max(a, lowest), highest) - b) ** 2
        norm += b * b
    return math.sqrt(difference / norm)


def error_between(reel: Side, peer: Side, case: str) -> float:
    bound = 1.0 if case == "vae" else math.inf
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours", Path(folder) / "theirs"
        reel.ask(f"dump {ours}")
        peer.ask(f"dump {theirs}")
        return relative_error(read_floats(ours), read_floats(theirs), -bound, bound)


def best_of(answers: list[dict]) -> dict:
    best = dict(min(answers, key=lambda answer: answer["seconds"]))
    best["peak_rss_bytes"] = max(answer["peak_rss_bytes"] for answer in answers)
    best["all_seconds"] = [round(answer["seconds"], 5) for answer in answers]
    return best


def take_turns(args: argparse.Namespace, line: str, sides: dict[str, Side], row: dict) -> None:
    """Adds the best of each side's answers to the row."""
    for side in sides.values():
        side.ask(line)
    answers = {name: [] for name in sides}
    for _ in range(args.rounds):
        for name, side in sides.items():
            wait_until_quiet()
            answers[name].append(side.ask(line))
    for name, list_ in answers.items():
        if len({answer.get("digest") for answer in list_}) != 1:
            raise SystemExit(f"Reel's results of {line} differ from run to run")
        row[name] = best_of(list_)


def measure(args: argparse.Namespace, case: str) -> dict:
    line = "vae 17" if case == "vae" else case
    row = {"case": case, "what": CASES[case], "load_before": os.getloadavg()[0]}
    if args.peer_python is None:
        with start_reel(args) as reel:
            reel.ask(line)
            row["reel"] = best_of([reel.ask(line) for _ in range(args.rounds)])
        return row
    setting, tried, row["peer_version"] = fastest_setting(args, case)
    row["peer_seconds_by_setting"] = tried
    with contextlib.ExitStack() as open_sides:
        sides = {"reel": open_sides.enter_context(start_reel(args))}
        if case in INT8_CASES:
            sides["reel_int8"] = open_sides.enter_context(start_reel(args, "int8"))
        sides["peer"] = open_sides.enter_context(start_peer(args, case, setting))
        take_turns(args, line, sides, row)
        for name in sides:
            if name != "peer":
                suffix = name.removeprefix("reel")
                row["ratio" + suffix] = row["peer"]["seconds"] / row[name]["seconds"]
                row["relative_error" + suffix] = error_between(sides[name], sides["peer"], case)
    row["load_after"] = os.getloadavg()[0]
    return row


def vae_memory(args: argparse.Namespace) -> dict:
    peaks = {}
    for frames in FRAMES:
        with start_reel(args) as reel:
            answer = reel.ask(f"vae {frames}")
            peaks[str(frames)] = {key: answer[key] for key in ("peak_rss_bytes", "seconds")}
    first, last = (peaks[str(frames)]["peak_rss_bytes"] for frames in FRAMES)
    return {"peaks": peaks, "difference": last / first - 1}


def cpu_name() -> str:
    info = Path("/proc/cpuinfo").read_text()
    fields = dict(re.findall(r"^(.+?)\s*: (.*)$", info.split("\n\n")[0], re.M))
    name = fields.get("model name", platform.machine())
    return f"{name} (family {fields.get('cpu family')}, model {fields.get('model')})"


def machine(args: argparse.Namespace) -> dict:
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {"cpu": cpu_name(), "threads": args.threads, "memory_bytes": int(memory[1]) * 1024,
            "system": f"{platform.system()} {platform.release()}"}


def git(*words: str) -> str:
    answer = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def command_of(args: argparse.Namespace) -> str:
    if args.cases == ",".join(CASES) and not args.no_memory and not args.peer_setting:
        return "make bench"
    return (f"bench/cpu/run.sh --cases {args.cases}" + " --no-memory" * args.no_memory
            + f" --peer-setting '{args.peer_setting}'" * bool(args.peer_setting))


def mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"


def print_row(row: dict) -> None:
    reel = row["reel"]
    print(f"{row['case']:5} {reel['seconds']:9.4f} s  {mib(reel['peak_rss_bytes']):>9}", end="")
    if "peer" in row:
        peer = row["peer"]
        print(f"  PyTorch {peer['seconds']:9.4f} s  {mib(peer['peak_rss_bytes']):>9}"
              f"  ratio {row['ratio']:.2f}  error {row['relative_error']:.1e}"
              f"  ({peer['setting']})", end="")
    if "reel_int8" in row:
        print(f"\n  in INT8 {row['reel_int8']['seconds']:.4f} s  ratio {row['ratio_int8']:.2f}"
              f"  error {row['relative_error_int8']:.1e}", end="")
    print(flush=True)


def keep_other_cases(report: dict, before: dict) -> None:
    """What an earlier run of the same sources has measured besides stays in the report."""
    same = ("machine", "commit", "changed_files")
    if report["changed_files"] or any(report[key] != before.get(key) for key in same):
        return
    measured = {row["case"] for row in report["cases"]}
    report["cases"] += [row for row in before["cases"] if row["case"] not in measured]
    report["cases"].sort(key=lambda row: list(CASES).index(row["case"]))
    report["runs"] = before["runs"] + report["runs"]
    if "vae_memory" in before:
        report.setdefault("vae_memory", before["vae_memory"])


def check(report: dict) -> list[str]:
    problems = [f"{row['case']}, {side}: the two results differ by {row[key]:.2g}"
                for row in report["cases"] for side, most in MOST_ERROR.items()
                if row.get(key := "relative_error" + side.removeprefix("reel"), 0) > most]
    memory = report.get("vae_memory")
    if memory and abs(memory["difference"]) > 0.05:
        problems.append(f"81 frames take {memory['difference']:+.1%} memory beside 17")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--peer-python", type=Path)
    parser.add_argument("--no-peer", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", default="dit,t5,vae")
    parser.add_argument("--try-settings-again", action="store_true")
    parser.add_argument("--peer-setting", default="",
                        help="PyTorch's setting, instead of trying which one is the fastest")
    parser.add_argument("--no-memory", action="store_true", help="leave out the 81 frames")
    args = parser.parse_args()

    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    report = {"machine": machine(args), "commit": git("rev-parse", "--short=12", "HEAD"),
              "changed_files": bool(git("status", "--porcelain", "--", "src")),
              "runs": [{"command": command_of(args), "date": date}], "rounds": args.rounds,
              "no_peer": args.no_peer, "cases": []}
    if args.peer_python is not None:
        choose_waiting(args)
        report["peer_waits"] = args.peer_waits
    for case in args.cases.split(","):
        row = measure(args, case)
        report["cases"].append(row)
        print_row(row)
    if not args.no_memory:
        memory = report["vae_memory"] = vae_memory(args)
        for frames, peak in memory["peaks"].items():
            print(f"VAE decode of {frames} frames: peak {mib(peak['peak_rss_bytes'])}")

    slug = re.sub(r"[^a-z0-9]+", "-", report["machine"]["cpu"].lower()).strip("-")
    path = args.results / f"{slug}-{args.threads}-threads.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        keep_other_cases(report, json.loads(path.read_text()))
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"written: {path}")
    problems = check(report)
    for problem in problems:
        print(f"bench: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NoAnswer as problem:
        sys.exit(f"bench: {problem}")

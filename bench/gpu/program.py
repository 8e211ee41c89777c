# SPDX-License-Identifier: Apache-2.0
"""The program as a process that is watched, signalled and spoiled: what faults.py works with."""
import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Outcome:
    exit_code: int  # negative: the signal that ended it
    out: str
    err: str
    seconds: float
    started: float
    ended: float

    def clip(self) -> dict:
        """The answer of `generate --json`; raises where there is none."""
        if self.exit_code != 0:
            raise Failed(f"exit {self.exit_code}: {self.last_line()}")
        return json.loads(self.out)

    def last_line(self) -> str:
        lines = [line for line in self.err.strip().splitlines() if line]
        named = [line for line in lines if line.startswith("reel: ")]
        return (named or lines or [""])[-1]


class Failed(Exception):
    """What a row expected and did not find."""


def require(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)


class Running:
    """A started program. Lines on stderr are kept with the moment they came."""

    LIMIT_S = 300

    def __init__(self, words: list[str], folder: Path, environment: dict):
        self.started = time.monotonic()
        self.process = subprocess.Popen(words, cwd=folder, env=environment, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines: list[tuple[float, str]] = []
        self.out: list[str] = []
        self.threads = [threading.Thread(target=self.read_errors),
                        threading.Thread(target=lambda: self.out.append(self.process.stdout.read()))]
        for thread in self.threads:
            thread.start()

    def read_errors(self) -> None:
        for line in self.process.stderr:
            self.lines.append((time.monotonic(), line.rstrip("\n")))

    def when(self, words: str) -> float | None:
        return next((at for at, line in list(self.lines) if words in line), None)

    def wait_for(self, words: str) -> float:
        """Until a line on stderr holds the words; the moment it came."""
        while True:
            ended = self.process.poll() is not None
            at = self.when(words)
            if at is not None:
                return at
            if ended:
                raise Failed(f'ended before "{words}": {self.lines[-1:]}')
            if time.monotonic() - self.started > self.LIMIT_S:
                self.process.kill()
                raise Failed(f'no "{words}" within {self.LIMIT_S} s')
            time.sleep(0.001)

    def send(self, number: int) -> float:
        at = time.monotonic()
        self.process.send_signal(number)
        return at

    def wait(self) -> Outcome:
        try:
            code = self.process.wait(self.LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        ended = time.monotonic()
        for thread in self.threads:
            thread.join()
        return Outcome(code, "".join(self.out), "\n".join(line for _, line in self.lines),
                       ended - self.started, self.started, ended)


@dataclass
class Program:
    """`reel` with a state, a cache and an output folder of its own."""

    reel: Path
    folder: Path
    device: str
    common: list[str] = field(default_factory=list)  # options of every clip

    def __post_init__(self) -> None:
        self.out = self.folder / "out"
        self.jobs_folder = self.folder / "state/reel/jobs"
        self.environment = dict(os.environ, HOME=str(self.folder),
                                XDG_CONFIG_HOME=str(self.folder),
                                XDG_STATE_HOME=str(self.folder / "state"),
                                XDG_CACHE_HOME=str(self.folder / "cache"))
        self.out.mkdir(exist_ok=True)

    def on_gpu(self) -> bool:
        return self.device != "cpu"

    def start(self, words: list[str], environment: dict | None = None) -> Running:
        return Running([str(self.reel), *words], self.folder,
                       self.environment | (environment or {}))

    def run(self, words: list[str], environment: dict | None = None) -> Outcome:
        return self.start(words, environment).wait()

    def generate(self, model: Path, options: list[str], cached: bool = False) -> list[str]:
        """Words of one clip, written as frames: no encoder is needed."""
        words = ["generate", "--model", str(model), "--prompt", "a ball", "--seed", "1",
                 "--device", self.device, *self.common, *options, "--json", "--force",
                 "--out", str(self.out / "clip.y4m")]
        return words if cached else [*words, "--no-cache"]

    def resume(self) -> dict:
        jobs = self.jobs()
        require(len(jobs) == 1, f"{len(jobs)} jobs were kept, not 1")
        clip = self.run(["generate", "--resume", jobs[0], "--json"]).clip()
        require(not self.jobs(), "the finished job is still there")
        return clip

    def jobs(self) -> list[str]:
        return sorted(job.name for job in self.jobs_folder.glob("*"))

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in self.out.iterdir())

    def tidy(self) -> None:
        for job in self.jobs_folder.glob("*"):
            for path in job.iterdir():
                path.unlink()
            job.rmdir()
        for path in self.out.iterdir():
            path.unlink()


def stage(clip: dict, name: str) -> dict:
    return next(one for one in clip["measured"]["stages"] if one["stage"] == name)


SIGNALS = {"Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM}

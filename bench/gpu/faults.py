# SPDX-License-Identifier: Apache-2.0
"""Faults and stops of whole clips, and what memory must not change: a table of what held.

Usage: faults.py --reel PROGRAM [--device cuda:0|cpu] [--sections stages,cache,...]
                 [--score tools/demo_model/score.py --demo models/demo] [--results FILE]

Writes a random model with the 14B's shapes and 8 blocks (a small one for a CPU) to a folder of its
own and spoils that one alone. Needs Python and, for a GPU, NVIDIA's driver; the rows that let reads
fail or lose the GPU need spoil_reads.so and lose_gpu.so, which lie beside the program where it was
built with its tests. The score needs numpy. Exit status 1 when a row failed.
"""
import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import fault_rows
import gpu_rows
import place_rows
import preview_rows
import served_rows
from driver import DriverError
from program import Failed
from scene import Scene, Skipped

SECTIONS = {"stages": fault_rows.stages, "cache": fault_rows.cache, "strips": gpu_rows.strips,
            "second": gpu_rows.second, "stops": fault_rows.stops, "files": fault_rows.files,
            "taken": gpu_rows.taken, "lost": gpu_rows.lost, "cold": place_rows.cold,
            "previews": preview_rows.previews, "served": served_rows.served,
            "libraries": place_rows.libraries, "score": place_rows.score}


@dataclass
class Row:
    section: str
    name: str
    verdict: str  # "passed", "failed" or "skipped"
    figures: str
    seconds: float


def measure(section: str, name: str, work) -> Row:
    start = time.monotonic()
    try:
        verdict, figures = "passed", work()
    except Skipped as why:
        verdict, figures = "skipped", str(why)
    except (Failed, DriverError, OSError, KeyError, ValueError, StopIteration) as what:
        verdict, figures = "failed", f"{type(what).__name__}: {what}"
    return Row(section, name, verdict, " ".join(figures.split()), round(time.monotonic() - start, 2))


def print_row(row: Row) -> None:
    print(f"| {row.section} | {row.name} | {row.verdict} | {row.figures} |", flush=True)


def run(scene: Scene, sections: list[str]) -> list[Row]:
    rows = []
    print("| section | row | verdict | figures |\n| --- | --- | --- | --- |", flush=True)
    for section in sections:
        for name, work in SECTIONS[section](scene):
            rows.append(measure(section, name, work))
            print_row(rows[-1])
            if rows[-1].verdict == "failed":
                scene.program.tidy()
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reel", type=Path, required=True)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--sections", default=",".join(SECTIONS))
    parser.add_argument("--score", type=Path, help="tools/demo_model/score.py")
    parser.add_argument("--demo", type=Path, default=Path("models/demo"))
    parser.add_argument("--clips", type=int, default=64, help="of the score")
    parser.add_argument("--scratch", help="where the model and the clips lie meanwhile")
    parser.add_argument("--results", type=Path, help="a JSON file for the table")
    args = parser.parse_args()

    folder = Path(tempfile.mkdtemp(prefix="reel-faults-", dir=args.scratch))
    try:
        scene = Scene(args, folder)
        rows = run(scene, args.sections.split(","))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    failed = [row for row in rows if row.verdict == "failed"]
    print(f"{len(rows)} rows: {sum(row.verdict == 'passed' for row in rows)} passed, "
          f"{len(failed)} failed, {sum(row.verdict == 'skipped' for row in rows)} skipped")
    if args.results:
        args.results.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

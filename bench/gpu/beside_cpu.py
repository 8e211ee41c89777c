# SPDX-License-Identifier: Apache-2.0
"""How far a GPU's results are from the CPU's f32: a table in Markdown.

Usage: beside_cpu.py --reel PROGRAM [--demo models/demo] [--device cuda:0] [--precisions f32,bf16,int8]

Each stage starts from what the CPU made in f32: text states of a prompt, the first velocity and the
latents after all steps from its states, frames from its latents. Errors are relative 2-norms, of
frames the peak signal-to-noise ratio of their 8-bit numbers. The last row decodes random latents of
256x256, 17 frames, with a random VAE of Wan2.1's width. Needs Python alone.
"""
import argparse
import array
import json
import math
import struct
import subprocess
import tempfile
from pathlib import Path

from gpu_rows import write_noise

PROMPT = "a red ball bounces over a meadow"
PEAK = 255.0


class Reel:
    def __init__(self, program: str, folder: Path):
        self.program, self.folder = program, folder

    def run(self, name: str, verb: str, *options: str) -> Path:
        """Runs `verb` and returns the file that it wrote, `name` in the folder."""
        out = self.folder / name
        done = subprocess.run([self.program, verb, *options, "--out", str(out), "--quiet"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"beside_cpu: {verb} ended with {done.returncode}: {done.stderr}")
        return out


def tensor(path: Path, name: str) -> array.array:
    """Numbers of an f32 tensor in a safetensors file."""
    data = path.read_bytes()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    entry = json.loads(data[8:begin])[name]
    first, last = entry["data_offsets"]
    return array.array("f", data[begin + first:begin + last])


def relative_error(got: array.array, want: array.array) -> float:
    difference = math.fsum((a - b) ** 2 for a, b in zip(got, want, strict=True))
    return math.sqrt(difference / math.fsum(b * b for b in want))


def velocity(path: Path) -> array.array:
    """Of a run of one step, which ends at noise - velocity."""
    noise, latents = tensor(path, "noise"), tensor(path, "latents")
    return array.array("f", (a - b for a, b in zip(noise, latents, strict=True)))


def signal_to_noise(got: Path, want: Path) -> str:
    a, b = got.read_bytes(), want.read_bytes()
    total = sum((x - y) ** 2 for x, y in zip(a, b, strict=True) if x != y)
    return "equal" if total == 0 else f"{10 * math.log10(PEAK ** 2 * len(b) / total):.1f} dB"


def demo_stages(reel: Reel, model: str, device: str, precision: str, inputs: dict) -> dict:
    """What a device makes of `inputs`; where they are empty, of what it made itself."""
    where = ["--model", model, "--device", device, "--precision", precision]
    tag = f"{precision}-{'of-inputs' if inputs else 'alone'}"
    text = reel.run(f"{tag}-text.safetensors", "encode-text", "--prompt", PROMPT, *where)
    states = ["--text", str(inputs.get("text", text)), "--seed", "1"]
    first = reel.run(f"{tag}-first.safetensors", "denoise", *states, "--steps", "1", "--timesteps",
                     "1000", *where)
    latents = reel.run(f"{tag}-latents.safetensors", "denoise", *states, *where)
    frames = reel.run(f"{tag}.y4m", "decode", "--latents", str(inputs.get("latents", latents)),
                      *where)
    return {"text": text, "first": first, "latents": latents, "frames": frames}


def demo_row(found: dict, exact: dict) -> list[str]:
    errors = [relative_error(tensor(found["text"], "text_states"),
                             tensor(exact["text"], "text_states")),
              relative_error(velocity(found["first"]), velocity(exact["first"])),
              relative_error(tensor(found["latents"], "latents"),
                             tensor(exact["latents"], "latents"))]
    return [*(f"{error:.1e}" for error in errors),
            signal_to_noise(found["frames"], exact["frames"])]


def wide_decode(reel: Reel, device: str, precisions: list[str]) -> dict[str, str]:
    model, latents = reel.folder / "wide", reel.folder / "noise.safetensors"
    reel.run("wide", "synth", "--preset", "tiny", "--vae-base", "96", "--seed", "3")
    write_noise(latents, 5, 32, 32)

    def frames(name: str, device: str, precision: str) -> Path:
        return reel.run(f"wide-{name}.y4m", "decode", "--model", str(model), "--latents",
                        str(latents), "--device", device, "--precision", precision)

    exact = frames("exact", "cpu", "f32")
    return {one: signal_to_noise(frames(one, device, one), exact) for one in precisions}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reel", required=True)
    parser.add_argument("--demo", default="models/demo")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--precisions", default="f32,bf16,int8")
    args = parser.parse_args()
    precisions = args.precisions.split(",")
    with tempfile.TemporaryDirectory() as folder:
        reel = Reel(args.reel, Path(folder))
        exact = demo_stages(reel, args.demo, "cpu", "f32", {})
        inputs = {"text": exact["text"], "latents": exact["latents"]}
        decoded = wide_decode(reel, args.device, precisions)
        print(f"| `--device {args.device} --precision` | text states | first velocity | latents after "
              "all steps | frames from the same latents | frames of a VAE of full width |\n"
              "| --- | ---: | ---: | ---: | ---: | ---: |")
        for precision in precisions:
            found = demo_stages(reel, args.demo, args.device, precision, inputs)
            print("| " + " | ".join([precision, *demo_row(found, exact), decoded[precision]]) + " |",
                  flush=True)


if __name__ == "__main__":
    main()

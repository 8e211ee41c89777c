# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/golden/: what each network and the whole pipeline answer at small sizes.

    python tools/reference/goldens.py build/bin/reel tests/data/golden [tae ...]

Names after the folder are groups of cases: text, dit, vae, tae, pipeline, eight_bit; all without.

Weights come from `reel synth`, so that only inputs and outputs are stored. The numbers are those
of wan_original.py in float64 on the weights that checkpoints.py reads, rounded to float32. For
every case diffusers and transformers run the same weights in float32, where they have the network;
the script prints how far they are from it and fails above 1e-5. TAEs are in neither: tae.py.

A file is named after its case and holds, where they apply, the tensors of Reel's stage files:
ids, text_states, negative_text_states, noise, step_noise, velocity, latents, frames. Its metadata
have one JSON text, "golden": which checkpoint to make, its digest, how to run it, and versions.
"""
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Callable

import diffusers
import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor

import checkpoints
import cross_check
import fp8
import schedulers
import tae
import wan_original as wan


@dataclass(frozen=True)
class Synth:
    """A checkpoint that `reel synth --preset tiny` makes; dimensions are the preset's where 0."""

    layout: str = "official"
    seed: int = 1
    dim: int = 0
    ffn_dim: int = 0
    layers: int = 0
    text_dim: int = 0
    t5_ffn_dim: int = 0
    t5_layers: int = 0
    vae_base: int = 0
    tae_base: int = 0


class Models:
    """Makes each checkpoint once."""

    def __init__(self, program: str, folder: Path):
        self.program, self.folder = program, folder
        self.made: dict[Synth, tuple[checkpoints.Checkpoint, str]] = {}

    def get(self, synth: Synth) -> tuple[checkpoints.Checkpoint, str]:
        if synth not in self.made:
            out = self.folder / str(len(self.made))
            flags = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(synth).items()
                     if value]
            subprocess.run([self.program, "synth", "--preset=tiny", *flags, f"--out={out}"],
                           check=True, capture_output=True, timeout=60)
            weights = checkpoints.read_checkpoint(out, synth.layout)
            for part in (weights.dit, weights.text_encoder, weights.vae):
                for name in part:
                    part[name] = part[name].double()
            self.made[synth] = weights, checkpoints.digest(out)
        return self.made[synth]


@dataclass
class Case:
    name: str
    synth: Synth
    tensors: dict[str, Tensor] = field(default_factory=dict)
    run: dict[str, object] = field(default_factory=dict)  # how Reel is to be run


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def random_ids(seed: int, count: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(4, 384, (count - 1,), generator=generator).tolist()
    return [*ids, 1]  # every prompt ends with </s>


# Noise levels. What each sampler does to the latents is written out in schedulers.py's formulas,
# here in float64 on the float32 levels.


def distilled_levels(step_list: list[int], shift: float = 5.0) -> list[float]:
    grid = torch.linspace(1, 0, 1001)[:-1]
    grid = shift * grid / (1 + (shift - 1) * grid)
    return grid[[1000 - entry for entry in step_list]].tolist()


def timestep_of(sigma: float) -> float:
    return (torch.tensor(sigma) * 1000).item()  # float32, as the samplers have it


def run_distilled(velocity: Callable[[Tensor, float], Tensor], noise: Tensor,
                  step_noise: Tensor | None, step_list: list[int]) -> tuple[Tensor, Tensor]:
    """Final latents and the velocity of every step: lcm with noise for every step, else euler."""
    sigmas = distilled_levels(step_list)
    latents, trace = noise.double(), []
    for step, sigma in enumerate(sigmas):
        v = velocity(latents, timestep_of(sigma))
        trace.append(v)
        latents = latents - sigma * v
        if step + 1 == len(sigmas):
            continue
        after = sigmas[step + 1]
        if step_noise is None:
            latents = latents + after * v
        else:
            latents = (1 - after) * latents + after * step_noise[step].double()
    return latents, torch.stack(trace)


def run_unipc(velocity: Callable[[Tensor, float], Tensor], noise: Tensor, steps: int,
              shift: float) -> tuple[Tensor, Tensor]:
    sigmas, timesteps = schedulers.wan_levels(steps, shift)
    trace = []

    def traced(latents: Tensor, step: int) -> Tensor:
        trace.append(velocity(latents, float(timesteps[step])))
        return trace[-1]

    latents = schedulers.run_unipc(sigmas.double(), noise.double(), traced)[-1]
    return latents, torch.stack(trace)


# The cases.


def text_case(models: Models, name: str, synth: Synth, tokens: int) -> Case:
    weights = models.get(synth)[0].text_encoder
    ids = random_ids(100 + tokens, tokens)
    states = wan.encode_text(weights, ids)
    cross_check.check("transformers", cross_check.transformers_text(weights, ids), states)
    return Case("text_" + name, synth, {"ids": torch.tensor(ids), "text_states": states})


def dit_case(models: Models, name: str, synth: Synth, grid: tuple[int, int, int], entry: int,
             tokens: int = 7) -> Case:
    """One forward, at the timestep of one entry of a distilled model's step list."""
    weights = models.get(synth)[0].dit
    frames, rows, cols = grid
    noise = normal(7, 16, frames, 2 * rows, 2 * cols)
    states = normal(8, tokens, weights["text_embedding.0.weight"].shape[1])
    timestep = timestep_of(distilled_levels([entry])[0])
    velocity = wan.dit_forward(weights, noise.double(), timestep, states.double())
    cross_check.check("diffusers",
                      cross_check.diffusers_dit(weights, noise, timestep, states), velocity)
    return Case("dit_" + name, synth,
                {"noise": noise, "text_states": states, "velocity": velocity},
                {"timesteps": [entry], "sampler": "euler"})


def vae_case(models: Models, name: str, synth: Synth, shape: tuple[int, int, int]) -> Case:
    weights = models.get(synth)[0].vae
    latents = 0.7 * normal(9, 16, *shape)
    frames = wan.decode(weights, latents.double())
    cross_check.check("diffusers", cross_check.diffusers_frames(weights, latents), frames)
    return Case("vae_" + name, synth, {"latents": latents, "frames": frames})


def tae_case(models: Models, name: str, shape: tuple[int, int, int],
             file: str = "taew2_1.pth", base: int = 0) -> Case:
    # Seeds differ, since checkpoints are told apart by their bytes, not by the names of files.
    synth = Synth("decoder:" + file, seed=2 if file.startswith("light") else 1, tae_base=base)
    weights = models.get(synth)[0].vae
    latents = 0.7 * normal(9, 16, *shape)
    frames = tae.decode(weights, latents.double(), of_vae=file.startswith("light"))
    return Case("tae_" + name, synth, {"latents": latents, "frames": frames})


def distilled_case(models: Models, name: str, synth: Synth, sampler: str = "lcm",
                   seed: int | None = None,
                   grid: tuple[int, int, int] = (2, 2, 2)) -> Case:
    """A whole clip in four steps; with a seed the noise is the one torch-cpu gives."""
    weights, _ = models.get(synth)
    frames, rows, cols = grid
    shape = (16, frames, 2 * rows, 2 * cols)
    generator = torch.Generator().manual_seed(10 if seed is None else seed)
    noise = torch.randn(shape, generator=generator)
    step_noise = None
    if sampler == "lcm":
        step_noise = torch.stack([torch.randn(shape, generator=generator) for _ in range(3)])
    ids = random_ids(11, 7)
    states = wan.encode_text(weights.text_encoder, ids)
    latents, trace = run_distilled(
        lambda x, t: wan.dit_forward(weights.dit, x, t, states), noise, step_noise,
        [1000, 750, 500, 250])
    pixels = wan.decode(weights.vae, latents)
    cross_check.check("transformers", cross_check.transformers_text(weights.text_encoder, ids),
                      states)
    cross_check.check("diffusers, the DiT",
                      cross_check.diffusers_dit(weights.dit, noise, 1000.0, states), trace[0])
    cross_check.check("diffusers, the VAE", cross_check.diffusers_frames(weights.vae, latents),
                      pixels)
    run = {"sampler": sampler, "checkpoint_kind": "distilled"}
    tensors = {"ids": torch.tensor(ids), "text_states": states, "velocity": trace,
               "latents": latents, "frames": pixels, "noise": noise}
    if step_noise is not None:
        tensors["step_noise"] = step_noise
    if seed is not None:
        run |= {"seed": seed, "rng": "torch-cpu"}
    return Case("pipeline_" + name, synth, tensors, run)


def eight_bit_case(models: Models, name: str, synth: Synth) -> Case:
    """A clip, and what FP8 W8A8 products with exact attention make of it: `fp8_velocity` of the
    first step, and `fp8_latents` after four steps that start from the exact text states."""
    case = distilled_case(models, name, synth, grid=(2, 3, 3))
    weights = models.get(synth)[0].dit
    noise, step_noise, states = (case.tensors[part] for part in
                                 ("noise", "step_noise", "text_states"))
    narrow = fp8.Fp8Weights(weights)
    latents, trace = run_distilled(lambda x, t: wan.dit_forward(narrow, x, t, states), noise,
                                   step_noise, [1000, 750, 500, 250])
    case.tensors |= {"velocity": case.tensors["velocity"][:1], "fp8_velocity": trace[:1],
                     "fp8_latents": latents}
    for part in ("velocity", "latents"):
        error = cross_check.gap(case.tensors["fp8_" + part], case.tensors[part])
        print(f"  FP8 W8A8, {part}: {error:.1e}")
    case.name = "eight_bit_" + name
    return case


def guided_case(models: Models, name: str, synth: Synth, steps: int, guidance: float) -> Case:
    """A base model's clip, with the text of a negative prompt beside the prompt's."""
    weights, _ = models.get(synth)
    noise = normal(12, 16, 2, 4, 4)
    ids = random_ids(13, 9)
    states = wan.encode_text(weights.text_encoder, ids)
    negative = wan.encode_text(weights.text_encoder, random_ids(14, 3))

    def velocity(x: Tensor, t: float) -> Tensor:
        without = wan.dit_forward(weights.dit, x, t, negative)
        return without + guidance * (wan.dit_forward(weights.dit, x, t, states) - without)

    latents, trace = run_unipc(velocity, noise, steps, shift=5.0)
    return Case("pipeline_" + name, synth,
                {"ids": torch.tensor(ids), "text_states": states, "negative_text_states": negative,
                 "noise": noise, "velocity": trace, "latents": latents,
                 "frames": wan.decode(weights.vae, latents)},
                {"sampler": "unipc", "steps": steps, "shift": 5,
                 "guidance": guidance, "checkpoint_kind": "base"})


def text_cases(models: Models):
    tiny = Synth()
    for tokens in (1, 7, 77, 512):
        yield text_case(models, f"{tokens}_tokens", tiny, tokens)
    yield text_case(models, "5_heads", Synth(text_dim=320, t5_ffn_dim=300, t5_layers=3), 33)


def dit_cases(models: Models):
    tiny = Synth()
    yield dit_case(models, "one_frame", tiny, (1, 2, 2), 1000)
    yield dit_case(models, "13_by_7", tiny, (2, 13, 7), 750)
    yield dit_case(models, "three_frames", tiny, (3, 4, 4), 250)
    yield dit_case(models, "one_text_token", tiny, (1, 3, 2), 500, tokens=1)
    yield dit_case(models, "512_text_tokens", tiny, (1, 2, 3), 1000, tokens=512)
    yield dit_case(models, "3_heads", Synth(dim=384, ffn_dim=1000, layers=3, text_dim=192),
                   (2, 3, 2), 750)
    yield dit_case(models, "4_heads", Synth(dim=512, ffn_dim=640, layers=2), (1, 3, 5), 250)


def vae_cases(models: Models):
    tiny = Synth()
    yield vae_case(models, "one_pixel", tiny, (1, 1, 1))
    yield vae_case(models, "one_frame", tiny, (1, 3, 5))
    yield vae_case(models, "two_frames", tiny, (2, 5, 3))
    yield vae_case(models, "four_frames", tiny, (4, 2, 2))
    yield vae_case(models, "light", Synth(vae_base=24), (3, 3, 2))


def tae_cases(models: Models):
    yield tae_case(models, "one_pixel", (1, 1, 1))
    yield tae_case(models, "one_frame", (1, 3, 5))
    yield tae_case(models, "two_frames", (2, 5, 3), base=12)
    yield tae_case(models, "four_frames", (4, 2, 3), file="taew2_1.safetensors")
    yield tae_case(models, "light", (3, 3, 2), file="lighttaew2_1.pth")


def pipeline_cases(models: Models):
    for layout in ("distill_fp8", "distill_int8", "bf16", "official", "comfy_fp8", "diffusers"):
        yield distilled_case(models, layout, Synth(layout))
    for kind in ("q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k_m", "q4_k_m", "q5_k_m",
                 "q6_k"):
        yield distilled_case(models, "gguf_" + kind, Synth("gguf:" + kind))
    yield distilled_case(models, "euler", Synth("distill_fp8"), sampler="euler", seed=42)
    yield distilled_case(models, "lcm_torch_cpu", Synth("bf16"), seed=2**32 + 7, grid=(1, 3, 2))
    yield guided_case(models, "guided", Synth(), steps=3, guidance=5.0)


def eight_bit_cases(models: Models):
    # Wider and deeper than the others, so that errors add up; the first is the named fixture.
    for layout in ("distill_fp8", "bf16", "distill_int8"):
        yield eight_bit_case(models, layout, Synth(layout, seed=8, dim=512, ffn_dim=1024, layers=6,
                                                   text_dim=256, t5_ffn_dim=512, t5_layers=4))


GROUPS = {"text": text_cases, "dit": dit_cases, "vae": vae_cases, "tae": tae_cases,
          "pipeline": pipeline_cases, "eight_bit": eight_bit_cases}


def write(case: Case, digest: str, folder: Path) -> None:
    tensors = {name: (tensor if name == "ids" else tensor.float()).contiguous()
               for name, tensor in case.tensors.items()}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise SystemExit(f"{case.name}: {name} is not finite")
    about = {"made_by": "tools/reference/goldens.py", "run": case.run,
             "synth": {"preset": "tiny", **asdict(case.synth)}, "weights_digest": digest,
             "versions": {module.__name__: module.__version__
                          for module in (torch, diffusers, transformers)}}
    # One entry: the order of several is not the same every time.
    save_file(tensors, folder / (case.name + ".safetensors"), {"golden": json.dumps(about)})


def main(program: str, folder: Path, groups: list[str]) -> None:
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        models = Models(program, Path(scratch))
        for group in groups or GROUPS:
            for case in GROUPS[group](models):
                print(case.name)
                write(case, models.get(case.synth)[1], folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])

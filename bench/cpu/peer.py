# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of `make bench`: the same networks, weights and inputs, at its fastest setting.

Usage: peer.py --model FOLDER --threads N --case dit|t5|vae --setting NAME
       peer.py --case dit|t5|vae --list

FOLDER is a checkpoint in the diffusers layout. --list prints the names of the settings that are
worth trying on this CPU. Otherwise commands come on standard input, one a line, and each is
answered with one line of JSON, as by reel_cpu_bench:

    dit | t5 | vae FRAMES    one forward pass
    dump PATH                writes the last result as raw f32
    quit
"""
import argparse
import json
import os
import resource
import shutil
import sys
import time
import warnings
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Callable

import torch

SIDE_PX = 256
DIT_FRAMES = 17
TOKENS = 64
TEXT_LEN = 512
TIMESTEP = 750.0
SEED = 7


def peak_rss_bytes() -> int:
    """Of this program alone: getrusage also counts what the parent held before exec."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def latents(frames: int) -> torch.Tensor:
    return normal(1, 16, (frames - 1) // 4 + 1, SIDE_PX // 8, SIDE_PX // 8, seed=SEED)


@dataclass
class Setting:
    """One way to run a network: precision, memory layout, and whether it is compiled."""

    dtype: torch.dtype = torch.float32
    compiled: bool = False
    frozen: bool = False  # weights become constants of the compiled code, packed once
    autotuned: bool = False  # products by the fastest of inductor's own kernels and oneDNN's
    channels_last: bool = False

    @property
    def name(self) -> str:
        precision = "bf16" if self.dtype == torch.bfloat16 else "f32"
        words = [precision]
        if self.channels_last:
            words.append("channels last")
        words.append("compiled" if self.compiled else "eager")
        if self.frozen:
            words.append("frozen")
        if self.autotuned:
            words.append("autotuned")
        return ", ".join(words)


Forward = Callable[[int], torch.Tensor]


def compiled(module: torch.nn.Module, setting: Setting) -> torch.nn.Module:
    if not setting.compiled:
        return module
    import torch._inductor.config as inductor
    from torch._inductor import select_algorithm

    inductor.freezing = setting.frozen
    inductor.max_autotune = setting.autotuned
    select_algorithm.PRINT_AUTOTUNE = False
    module.compile(dynamic=False)
    return module


def make_dit(folder: Path, setting: Setting) -> Forward:
    from diffusers import WanTransformer3DModel

    net = WanTransformer3DModel.from_pretrained(folder / "transformer", torch_dtype=setting.dtype)
    net.eval().requires_grad_(False)
    x = latents(DIT_FRAMES).to(setting.dtype)
    text = torch.zeros(1, TEXT_LEN, net.config.text_dim)
    text[0, :TOKENS] = normal(TOKENS, net.config.text_dim, seed=SEED + 1)
    text = text.to(setting.dtype)
    compiled(net, setting)

    def forward(_: int) -> torch.Tensor:
        return net(x, torch.tensor([TIMESTEP]), text, return_dict=False)[0]

    return forward


def make_t5(folder: Path, setting: Setting) -> Forward:
    from transformers import UMT5EncoderModel

    net = UMT5EncoderModel.from_pretrained(folder / "text_encoder", dtype=setting.dtype)
    net.eval().requires_grad_(False)
    ids = (torch.arange(TOKENS) * 37 + 11) % net.config.vocab_size
    ids[-1] = 1
    compiled(net, setting)

    def forward(_: int) -> torch.Tensor:
        # No mask: every position is a token.
        return net(ids[None]).last_hidden_state

    return forward


def make_vae(folder: Path, setting: Setting) -> Forward:
    from diffusers import AutoencoderKLWan

    net = AutoencoderKLWan.from_pretrained(folder / "vae", torch_dtype=setting.dtype)
    net.eval().requires_grad_(False)
    net.encoder = None
    if setting.channels_last:
        for module in net.modules():
            if isinstance(module, torch.nn.Conv3d):
                module.to(memory_format=torch.channels_last_3d)
            elif isinstance(module, torch.nn.Conv2d):
                module.to(memory_format=torch.channels_last)
    compiled(net.decoder, setting)
    mean = torch.tensor(net.config.latents_mean).view(1, -1, 1, 1, 1)
    deviation = torch.tensor(net.config.latents_std).view(1, -1, 1, 1, 1)

    def forward(frames: int) -> torch.Tensor:
        z = (latents(frames) * deviation + mean).to(setting.dtype)
        if setting.channels_last:
            z = z.contiguous(memory_format=torch.channels_last_3d)
        return net.decode(z, return_dict=False)[0]

    return forward


def be_quiet() -> None:
    import diffusers
    import transformers

    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.disable_progress_bar()
    warnings.simplefilter("ignore")


MAKERS = {"dit": make_dit, "t5": make_t5, "vae": make_vae}
BF16 = torch.bfloat16


def settings_for(case: str) -> list[Setting]:
    """f32 is tried only where the CPU does not multiply bf16."""
    dtype = BF16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
    last = case == "vae"
    settings = [Setting(dtype, channels_last=last)]
    if last:
        settings.insert(0, Setting(dtype))
    if shutil.which(os.environ.get("CXX", "g++")) is not None:
        settings += [Setting(dtype, compiled=True, channels_last=last),
                     Setting(dtype, compiled=True, frozen=True, channels_last=last),
                     Setting(dtype, compiled=True, frozen=True, autotuned=True,
                             channels_last=last)]
    return settings


class Case:
    """A network at one setting."""

    def __init__(self, name: str, folder: Path, setting: Setting):
        self.setting = setting
        self.forward = MAKERS[name](folder, setting)

    def run(self, frames: int) -> tuple[float, float, torch.Tensor]:
        with torch.inference_mode():
            cpu = cpu_seconds()
            start = time.perf_counter()
            out = self.forward(frames)
            seconds = time.perf_counter() - start
        return seconds, cpu_seconds() - cpu, out


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("torch", "diffusers", "transformers")}


def answer(case: Case, frames: int) -> tuple[dict, torch.Tensor]:
    seconds, cpu, out = case.run(frames)
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_rss_bytes": peak_rss_bytes(),
        "setting": case.setting.name,
    }, out


def serve(case: Case) -> None:
    last = None
    print(json.dumps({"ready": True, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if not words or words[0] == "quit":
            return
        if words[0] == "dump":
            # Frames come last in [1, 3, frames, rows, cols]; Reel writes them channels last.
            out = last.float()
            if out.dim() == 5 and out.shape[1] == 3:
                out = out.permute(0, 2, 3, 4, 1)
            Path(words[1]).write_bytes(out.contiguous().numpy().tobytes())
            reply = {"elements": out.numel()}
        else:
            frames = int(words[1]) if len(words) > 1 else DIT_FRAMES
            reply, last = answer(case, frames)
        print(json.dumps(reply), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--case", required=True)
    parser.add_argument("--setting")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    settings = {setting.name: setting for setting in settings_for(args.case)}
    if args.list:
        print(json.dumps({"versions": versions(), "settings": list(settings)}))
        return
    torch.set_num_threads(args.threads)
    torch.set_num_interop_threads(1)
    be_quiet()
    serve(Case(args.case, args.model, settings[args.setting]))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Stage 2: text encoder and diffusion transformer by flow matching (shift 5), with caption dropout.

    python train_dit.py --seconds 240 --total 480 --work WORK --out OUT --vae OUT

Runs `seconds` of a schedule `total` seconds long and continues from WORK/dit_state.pt where it exists. Leaves
OUT/encoder.pt and OUT/teacher.pt (bfloat16 averaged weights) and OUT/teacher.png (held-out captions).
"""

import argparse
import os
import time

import torch

import captions
import clips
import common
import grammar
import sampling
import tokenizer
import train_vae
from networks import TextEncoder, VideoAutoencoder, WanModel
from pictures import write_png

SPIECE = os.path.join(os.path.dirname(__file__), "../../models/demo/google/umt5-xxl/spiece.model")


def is_hidden_matrix(name, p):
    return p.ndim == 2 and "blocks." in name and any(k in name for k in ("attn.", "ffn.")) and "norm" not in name


@torch.no_grad()
def encode_clips(vae, mean, std, table, count, device, chunk=64, seconds=75):
    """Normalised latents [count,16,9,16,16] (bfloat16) of fresh clips, and their combination [count]."""
    latents, which = [], []
    shape, start = (1, -1, 1, 1, 1), time.time()
    for begin in range(0, count, chunk):
        if time.time() - start > seconds and latents:
            break
        index = torch.randint(len(table), (min(chunk, count - begin),), device=device)
        with common.mixed(device):
            z = vae.encode(clips.render(clips.sample_indices(table[index])))[0].float()
            if device == "cuda":
                torch.cuda.synchronize()
        latents.append(((z - mean.view(shape)) / std.view(shape)).bfloat16())
        which.append(index)
    return torch.cat(latents), torch.cat(which)


def flow_loss(dit, encoder, clip, ids, device):
    """Mean squared error of the velocity at stratified, shifted times."""
    b = len(clip)
    u = (torch.rand(b, device=device) + torch.arange(b, device=device)) / b
    s = sampling.shifted(u)
    noise = torch.randn_like(clip)
    x = (1 - s.view(-1, 1, 1, 1, 1)) * clip + s.view(-1, 1, 1, 1, 1) * noise
    with common.mixed(device):
        v = dit(x, 1000 * s, encoder(ids).float())
    return (v - (noise - clip)).square().mean()


@torch.no_grad()
@common.uncompiled
def preview(dit, encoder, vae, mean, std, processor, device, path, count=12, scale=2.5, steps=24):
    combos = grammar.split()[1]
    combos = combos[:: max(1, len(combos) // count)][:count]
    ids = torch.tensor([captions.encode_row(processor, grammar.plain_caption(c)) for c in combos], device=device)
    noise = torch.randn(count, 16, 9, 16, 16, generator=torch.Generator(device).manual_seed(7), device=device)
    with common.mixed(device):
        text, blank = encoder(ids).float(), encoder(captions.empty(device)).float()
        z, _ = sampling.teacher_ode(dit, noise, text, blank, scale, steps)
    frames = sampling.decode(vae, z, mean, std, common.mixed(device))
    sheet = clips.contact_sheet(frames.permute(0, 4, 1, 2, 3).float() / 127.5 - 1, 2)
    write_png(path, sheet.numpy())


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seconds", type=float, default=240)
    a.add_argument("--total", type=float, default=480)
    a.add_argument("--wall", type=float, help="the whole script must end within this many seconds")
    a.add_argument("--steps", type=int)
    a.add_argument("--work", default="/tmp/work")
    a.add_argument("--out", default="out")
    a.add_argument("--vae", default="out", help="folder with vae.pt; `random` for a rehearsal")
    a.add_argument("--start", help="folder with encoder.pt and teacher.pt to begin from")
    a.add_argument("--clips", type=int, default=98304)
    a.add_argument("--batch", type=int, default=256)
    a.add_argument("--matrix-rate", type=float, default=3e-3)
    a.add_argument("--rate", type=float, default=1e-3)
    a.add_argument("--tiny", action="store_true")
    a = a.parse_args()
    os.makedirs(a.out, exist_ok=True)
    device = common.pick_device()
    torch.manual_seed(1)
    os.makedirs(a.work, exist_ok=True)
    logfile = f"{a.out}/log.jsonl"
    vae = VideoAutoencoder().to(device).eval()
    mean, std = (torch.zeros(16), torch.ones(16)) if a.vae == "random" else train_vae.load(vae, a.vae)
    mean, std = mean.to(device), std.to(device)
    processor = tokenizer.load(SPIECE)
    train, _ = grammar.split()
    keys = [list(grammar.COLOURS), grammar.SHAPES, grammar.MOTIONS, grammar.BACKGROUNDS]
    table = torch.tensor([[k.index(v) for k, v in zip(keys, c)] for c in train], device=device)
    words = captions.table(processor, train, 2 if a.tiny else 48, seed=0).to(device)

    encoder, dit = TextEncoder().to(device), WanModel().to(device)
    if a.start:
        common.load(encoder, torch.load(f"{a.start}/encoder.pt"))
        common.load(dit, torch.load(f"{a.start}/teacher.pt"))
    both = torch.nn.ModuleDict({"encoder": encoder, "dit": dit})
    average = common.Average(both, 0.999)
    named = dict(both.named_parameters())
    matrices = [p for n, p in named.items() if is_hidden_matrix(n, p)]
    others = [p for n, p in named.items() if not is_hidden_matrix(n, p)]
    muon = common.Muon(matrices, lr=a.matrix_rate)
    adam = torch.optim.AdamW(others, lr=a.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=device == "cuda")
    done, first = 0.0, 0
    state_path = f"{a.work}/dit_state.pt"
    if os.path.exists(state_path):
        state = torch.load(state_path)
        both.load_state_dict(state["model"])
        average.mean, average.count = state["average"], state["count"]
        muon.load_state_dict(state["muon"])
        adam.load_state_dict(state["adam"])
        done, first = state["seconds"], state["step"]
    if device == "cuda":
        common.compile_blocks(dit)
    cache = f"{a.work}/latents.pt"
    if os.path.exists(cache):
        latents, which = torch.load(cache, map_location=device)
    else:
        latents, which = encode_clips(vae, mean, std, table, 8 if a.tiny else a.clips, device, 4 if a.tiny else 64)
        if not a.tiny:
            torch.save((latents, which), cache)
    common.log(logfile, stage="dit", clips=len(latents), std=latents[:64].float().std().item())

    schedule = common.Budget(a.total)
    schedule.begin -= done
    schedule.step = first
    schedule.limit = a.steps
    left = a.wall - (time.time() - common.START) - 20 if a.wall else a.seconds
    now = common.Budget(min(a.seconds, left), a.steps)
    blank, batch = captions.empty(device), 4 if a.tiny else a.batch
    running = None
    while now.running() and schedule.running():
        rate = schedule.rate(warmup=200, flat=0.4, floor=0.01)
        for optimiser, top in ((muon, a.matrix_rate), (adam, a.rate)):
            for group in optimiser.param_groups:
                group["lr"] = top * rate
        pick = torch.randint(len(latents), (batch,), device=device)
        ids = words[which[pick], torch.randint(words.shape[1], (batch,), device=device)].long()
        ids = torch.where(torch.rand(batch, 1, device=device) < 0.1, blank, ids)
        loss = flow_loss(dit, encoder, latents[pick].float(), ids, device)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(named.values(), 1.0)
        muon.step()
        adam.step()
        both.zero_grad()
        average.update()
        running = loss.detach() if running is None else running.lerp(loss.detach(), 0.02)
        if schedule.step % 250 == 0 or now.step < 3:
            common.log(logfile, stage="dit", step=schedule.step, loss=running.item(), norm=norm.item(), rate=rate)
    average_seconds = done + (time.time() - now.begin)
    if not a.tiny:
        common.save(state_path, {"model": both.state_dict(), "average": average.mean, "count": average.count,
                                 "muon": muon.state_dict(), "adam": adam.state_dict(), "seconds": average_seconds,
                                 "step": schedule.step})
    average.swap()
    common.save(f"{a.out}/encoder.pt", common.half_state(encoder))
    common.save(f"{a.out}/teacher.pt", common.half_state(dit))
    common.log(logfile, stage="dit", step=schedule.step, seconds=average_seconds, loss=running.item())
    preview(dit, encoder, vae, mean, std, processor, device, f"{a.out}/teacher.png", *((2, 2.5, 1) if a.tiny else ()))


if __name__ == "__main__":
    main()

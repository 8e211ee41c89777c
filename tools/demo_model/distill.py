# SPDX-License-Identifier: Apache-2.0
"""Stage 3: four guidance-free steps (sigmas 1, 0.9375, 0.8333, 0.625) that serve both samplers.

    python distill.py --seconds 270 --work WORK --out OUT --from OUT

First the student learns the end points of the teacher's guided ODE, from points on that ODE and from
straight lines between its noise and its clip. Then distribution matching (Yin et al. 2024): the student's
own rollouts, half with the Euler update and half with fresh noise (LCM), are pushed along the
difference between the guided teacher's and a running critic's estimate of the clip, while a share of the
first loss keeps its variety. Leaves OUT/student.pt (bfloat16 averaged weights) and OUT/student_*.png.
"""

import argparse
import copy
import multiprocessing
import os
import time

import torch

import captions
import common
import grammar
import measure
import sampling
import score
import tokenizer
import train_vae
from networks import TextEncoder, VideoAutoencoder, WanModel
from pictures import contact_strip, write_png
from train_dit import SPIECE

LATENT = (16, 9, 16, 16)


class Prompts:
    """Text states of many wordings of the training combinations, looked up at random."""

    def __init__(self, encoder, processor, device, wordings):
        train, _ = grammar.split()
        ids = captions.table(processor, train, wordings, seed=1).flatten(0, 1)
        self.device = device
        with torch.no_grad(), common.mixed(device):
            rows = [encoder(part.to(device).long()).bfloat16() for part in ids.split(4096)]
            self.blank = encoder(captions.empty(device)).float()
        self.states = torch.cat(rows)

    def draw(self, count):
        return self.states[torch.randint(len(self.states), (count,), device=self.device)].float()


class Pairs:
    """Noise, text and the clip the guided teacher makes of them, in a ring of limited size."""

    def __init__(self, size):
        self.size, self.items, self.next = size, [], 0

    def add(self, noise, text, clip, kept):
        item = tuple(v.bfloat16() for v in (noise, text, clip, torch.stack(kept)))
        if len(self.items) < self.size:
            self.items.append(item)
        else:
            self.items[self.next] = item
        self.next = (self.next + 1) % self.size

    def draw(self):
        noise, text, clip, kept = self.items[torch.randint(len(self.items), ()).item()]
        return noise.float(), text.float(), clip.float(), kept


def regression(student, pairs, device):
    """Squared error of the clip estimate on points of the teacher's ODE and on straight lines."""
    noise, text, clip, kept = pairs.draw()
    b = len(noise)
    k = torch.randint(4, (b,), device=device)
    k = torch.where(torch.rand(b, device=device) < 0.25, 0, k)  # the first step decides most
    sigma = torch.tensor(sampling.STUDENT_SIGMAS, device=device)[k]
    s = sigma.view(-1, 1, 1, 1, 1)
    on_ode = kept[k, torch.arange(b, device=device)].float()
    x = torch.where(torch.rand(b, 1, 1, 1, 1, device=device) < 0.5, on_ode, (1 - s) * clip + s * noise)
    with common.mixed(device):
        v = student(x, 1000 * sigma, text)
    return (x - s * v - clip).square().mean()


def rollout(student, prompts, count, device):
    """Text, and the clip estimate at a random step of a random sampler, differentiable in that step only."""
    text = prompts.draw(count)
    x = torch.randn(count, *LATENT, device=device)
    step = torch.randint(4, ()).item()
    if step:
        with torch.no_grad(), common.mixed(device):
            x = sampling.student_steps(student, x, text, "both", step)[1]
    sigma = sampling.STUDENT_SIGMAS[step]
    with common.mixed(device):
        v = student(x, torch.full((count,), 1000 * sigma, device=device), text)
    return text, x - sigma * v


def noised(clip, device, low=0.02, high=0.98):
    u = low + (high - low) * torch.rand(len(clip), device=device)
    s = sampling.shifted(u)
    noise = torch.randn_like(clip)
    w = s.view(-1, 1, 1, 1, 1)
    return (1 - w) * clip + w * noise, s, noise


def matching_loss(clip, text, teacher, critic, prompts, scale, device):
    """Distribution matching: moves `clip` by teacher's minus critic's estimate, normalised per clip."""
    with torch.no_grad(), common.mixed(device):
        x, s, _ = noised(clip.detach(), device)
        w = s.view(-1, 1, 1, 1, 1)
        real = x - w * sampling.guided(teacher, x, s, text, prompts.blank, scale)
        fake = x - w * critic(x, 1000 * s, text)
        size = (clip.detach() - real).abs().mean((1, 2, 3, 4), keepdim=True).clamp(min=1e-3)
        target = clip.detach() - (fake - real) / size
    return 0.5 * (clip - target).square().mean()


def critic_loss(critic, clip, text, device):
    x, s, noise = noised(clip, device)
    with common.mixed(device):
        v = critic(x, 1000 * s, text)
    return (v - (noise - clip)).square().mean()


@torch.no_grad()
@common.uncompiled
def examine(student, vae, stats, encoder, processor, device, count, sampler, seed=0, pool=None):
    """Accuracy of held-out clips by attribute, all four together, and the frames."""
    wanted = score.chosen(count)
    ids = torch.tensor([captions.encode_row(processor, grammar.plain_caption(c)) for c in wanted], device=device)
    generator = torch.Generator(device).manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator, device=device)
    x, fresh = draw(count, *LATENT), draw(3, count, *LATENT)
    latents = []
    for part in torch.arange(count, device=device).split(128):
        with common.mixed(device):
            text = encoder(ids[part]).float()
            latents.append(sampling.student_steps(student, x[part], text, sampler, noise=fresh[:, part])[0])
    frames = sampling.decode(vae, torch.cat(latents), *stats, common.mixed(device)).numpy()
    found = pool.map(measure.measure, frames) if pool else [measure.measure(f) for f in frames]
    hits = {n: sum(w[i] == f[i] for w, f in zip(wanted, found)) / count for i, n in enumerate(score.MARKS_ORDER)}
    return hits | {"all": sum(w == f for w, f in zip(wanted, found)) / count}, frames


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seconds", type=float, default=270)
    a.add_argument("--regress", type=float, default=0.35, help="share of the time for the first phase")
    a.add_argument("--wall", type=float, help="the whole script must end within this many seconds")
    a.add_argument("--warm", type=int, default=40, help="updates of the critic alone before distribution matching")
    a.add_argument("--steps", type=int)
    a.add_argument("--out", default="out")
    a.add_argument("--from", dest="source", default="out", help="folder with vae.pt, encoder.pt, teacher.pt")
    a.add_argument("--resume", action="store_true", help="start from the source's student.pt")
    a.add_argument("--guidance", type=float, default=2.5)
    a.add_argument("--batch", type=int, default=256)
    a.add_argument("--keep", type=float, default=0.25, help="weight of the first loss in the second phase")
    a.add_argument("--rate", type=float, default=3e-4)
    a.add_argument("--tiny", action="store_true")
    a = a.parse_args()
    pool = multiprocessing.get_context("fork").Pool(min(12, os.cpu_count()))  # before CUDA is touched
    os.makedirs(a.out, exist_ok=True)
    device = common.pick_device()
    torch.manual_seed(2)
    logfile = f"{a.out}/log.jsonl"
    processor = tokenizer.load(SPIECE)
    vae = VideoAutoencoder().to(device).eval()
    encoder, teacher = TextEncoder().to(device).eval(), WanModel().to(device).eval()
    stats = [v.to(device) for v in train_vae.load(vae, a.source)]
    common.load(encoder, torch.load(f"{a.source}/encoder.pt"))
    common.load(teacher, torch.load(f"{a.source}/teacher.pt"))
    for m in (encoder, teacher, vae):
        m.requires_grad_(False)
    student, critic = copy.deepcopy(teacher).requires_grad_(True), copy.deepcopy(teacher).requires_grad_(True)
    if a.resume and os.path.exists(f"{a.source}/student.pt"):
        common.load(student, torch.load(f"{a.source}/student.pt"))
    average = common.Average(student, 0.995)
    if device == "cuda":
        for network in (teacher, student, critic):
            common.compile_blocks(network)
    learn = torch.optim.AdamW(student.parameters(), lr=a.rate, betas=(0.9, 0.99), weight_decay=0, fused=device == "cuda")
    judge = torch.optim.AdamW(critic.parameters(), lr=a.rate, betas=(0.9, 0.99), weight_decay=0, fused=device == "cuda")
    prompts = Prompts(encoder, processor, device, 2 if a.tiny else 24)
    pairs = Pairs(160)
    batch, ode_steps = (2, 4) if a.tiny else (a.batch, 16)
    keep = [i * ode_steps // 4 for i in range(4)]
    exam = 4 if a.tiny else 121

    def new_pairs():
        noise, text = torch.randn(batch, *LATENT, device=device), prompts.draw(batch)
        with common.mixed(device):
            clip, kept = sampling.teacher_ode(teacher, noise, text, prompts.blank, a.guidance, ode_steps, keep)
        pairs.add(noise, text, clip, [kept[i] for i in keep])

    def update(optimiser, network, loss, rate):
        for group in optimiser.param_groups:
            group["lr"] = a.rate * rate
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()

    def report(phase):
        average.swap()
        for sampler in ("euler", "lcm"):
            hits, frames = examine(student, vae, stats, encoder, processor, device, exam, sampler, pool=pool)
            common.log(logfile, stage=phase, step=budget.step, sampler=sampler, **hits)
            write_png(f"{a.out}/student_{sampler}.png", score.stack([contact_strip(f) for f in frames[:24]]))
        common.save(f"{a.out}/student.pt", common.half_state(student))
        average.swap()

    left = a.wall - (time.time() - common.START) - 25 if a.wall else a.seconds
    budget = common.Budget(min(a.seconds, left), a.steps)
    level = {}

    def watch(name, value):
        level[name] = value.detach() if name not in level else level[name].lerp(value.detach(), 0.05)

    while budget.progress() < a.regress and budget.running():
        new_pairs()
        for _ in range(4):
            loss = regression(student, pairs, device)
            update(learn, student, loss, min(1, budget.step / 20))
            average.update()
            watch("regression", loss)
        if budget.step % 20 == 1:
            common.log(logfile, stage="regression", step=budget.step, loss=level["regression"].item())
    if a.regress:
        report("regression")

    for _ in range(a.warm):
        with torch.no_grad():
            text, clip = rollout(student, prompts, batch, device)
        for _ in range(2):
            update(judge, critic, critic_loss(critic, clip, text, device), 1)
    next_report = 0.65
    while budget.running():
        if a.keep and (not pairs.items or a.regress == 0 and budget.step % 8 == 0):
            new_pairs()
        text, clip = rollout(student, prompts, batch, device)
        loss = matching_loss(clip, text, teacher, critic, prompts, a.guidance, device)
        watch("matching", loss)
        if a.keep:
            extra = regression(student, pairs, device)
            watch("regression", extra)
            loss = loss + a.keep * extra
        update(learn, student, loss, budget.rate(1, 0.7))
        average.update()
        for _ in range(3):
            loss = critic_loss(critic, clip.detach(), text, device)
            update(judge, critic, loss, budget.rate(1, 0.7))
        watch("critic", loss)
        if budget.step % 50 == 1 or a.tiny:
            common.log(logfile, stage="matching", step=budget.step, **{k: v.item() for k, v in level.items()})
        if budget.progress() > next_report:
            report("matching")
            next_report += 0.2
    report("done")


if __name__ == "__main__":
    main()

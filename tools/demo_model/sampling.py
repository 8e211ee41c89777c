# SPDX-License-Identifier: Apache-2.0
"""Samplers: the teacher's guided ODE and the student's four steps (shift 5 throughout)."""

import torch

SHIFT = 5.0
STUDENT_SIGMAS = (1.0, 0.9375, 0.8333333, 0.625)


def shifted(u):
    return SHIFT * u / (1 + (SHIFT - 1) * u)


def guided(model, x, sigma, text, blank, scale):
    """Teacher velocity with classifier-free guidance; sigma [B]."""
    free = model(x, 1000 * sigma, blank.expand_as(text).contiguous())
    return free + scale * (model(x, 1000 * sigma, text) - free)


@torch.no_grad()
def teacher_ode(model, x, text, blank, scale, steps=16, keep=()):
    """Euler from noise to clip on `steps` equal steps of u. Returns (clip latents, {step index: x})."""
    kept = {}
    for i in range(steps):
        if i in keep:
            kept[i] = x
        now, then = (shifted(torch.tensor(1 - j / steps)).item() for j in (i, i + 1))
        sigma = torch.full((len(x),), now, device=x.device)
        x = x + (then - now) * guided(model, x, sigma, text, blank, scale)
    return x, kept


def student_steps(model, x, text, sampler, stop=4, noise=None):
    """The first `stop` steps; returns (clip estimate of the last one, input of the next one).

    sampler: "euler", "lcm", or "both": the first half of the batch by the one, the second by the other.
    noise [3, B, ...]: the fresh noise of "lcm"; drawn here when None.
    """
    share = {"euler": len(x), "both": len(x) // 2, "lcm": 0}[sampler]
    clip = None
    for k in range(stop):
        sigma = STUDENT_SIGMAS[k]
        v = model(x, torch.full((len(x),), 1000 * sigma, device=x.device), text)
        clip = x - sigma * v
        if k + 1 < 4:
            after = STUDENT_SIGMAS[k + 1]
            fresh = torch.randn_like(x) if noise is None else noise[k]
            x = torch.cat([clip[:share] + after * v[:share],
                           (1 - after) * clip[share:] + after * fresh[share:]])
    return clip, x


@torch.no_grad()
def decode(vae, latents, mean, std, mixed):
    """uint8 frames [B, T, H, W, 3] from normalised latents."""
    shape = (1, -1, 1, 1, 1)
    out = []
    for z in latents.float().split(8):
        with mixed:
            y = vae.decode(z * std.view(shape) + mean.view(shape)).float()
        out.append(((y.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 4, 1).cpu())
    return torch.cat(out)

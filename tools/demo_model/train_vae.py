# SPDX-License-Identifier: Apache-2.0
"""Stage 1: the video autoencoder, on random crops first and whole clips after.

    python train_vae.py --seconds 270 --work WORK --out OUT

Leaves OUT/vae.pt and OUT/vae_encoder.pt (bfloat16 averaged weights, latent statistics) and OUT/vae.png (truth above, decoded below).
"""

import argparse
import os

import torch

import clips
import common
import grammar
from networks import VideoAutoencoder
from pictures import write_png


def batch(index_table, count, device, frames, extent):
    """Random training clips [count,3,frames,extent,extent] in [-1,1]; most crops hold the object."""
    p = clips.sample_indices(index_table[torch.randint(len(index_table), (count,), device=device)])
    first = torch.randint(grammar.FRAMES - frames + 1, (count,), device=device)
    room = (grammar.SIZE - extent) // 8
    origin = torch.randint(room + 1, (count, 2), device=device)
    if room:
        u = (first[:, None] + frames // 2) / (grammar.FRAMES - 1)
        x, y, _ = (v.diagonal() for v in clips.path(p, u.squeeze(1)))
        near = torch.stack([y, x], 1) * grammar.SIZE - extent / 2 + 32 * (torch.rand(count, 2, device=device) - 0.5)
        near = (near / 8).round().long().clamp(0, room)
        origin = torch.where(torch.rand(count, 1, device=device) < 0.75, near, origin)
    return clips.render(p, frames=frames, first=first, origin=origin * 8, extent=extent)


def slopes(x):
    """Differences along the columns, rows and frames."""
    return [x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :], x[:, :, 1:] - x[:, :, :-1]]


def loss_of(model, x, kl_weight, edge_weight, decoder_only):
    """Loss, plain pixel error and KL; a decoder trained alone sees half of the posterior's noise."""
    with torch.set_grad_enabled(not decoder_only):
        mean, log_variance = model.encode(x)
    mean, log_variance = mean.float(), log_variance.float()
    y = model.decode(mean + torch.randn_like(mean) * (0.5 * log_variance).exp() * (0.5 if decoder_only else 1)).float()
    plain = (y - x).abs().mean() + 0.5 * (y - x).square().mean()
    edges = sum((a - b).abs().mean() for a, b in zip(slopes(y), slopes(x)))
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return plain + edge_weight * edges + kl_weight * kl, plain.detach(), kl.detach()


def save(model, folder, mean, std):
    """folder/vae.pt (what is exported, and the latent statistics) and folder/vae_encoder.pt."""
    state = common.half_state(model)
    encoder = {k: v for k, v in state.items() if k.startswith("encoder.")}
    rest = {k: v for k, v in state.items() if k not in encoder}
    common.save(f"{folder}/vae.pt", {"model": rest, "mean": mean.cpu(), "std": std.cpu()})
    common.save(f"{folder}/vae_encoder.pt", encoder)


def load(model, folder):
    """Fills a VideoAutoencoder; returns the latents' mean and standard deviation [16]."""
    saved = torch.load(f"{folder}/vae.pt")
    common.load(model, saved["model"] | torch.load(f"{folder}/vae_encoder.pt"))
    return saved["mean"], saved["std"]


@torch.no_grad()
def statistics(model, table, device, count):
    """Mean and standard deviation of each latent channel."""
    means = []
    for _ in range(max(1, count // 16)):
        with common.mixed(device):
            means.append(model.encode(batch(table, 16, device, grammar.FRAMES, grammar.SIZE))[0].float())
    z = torch.cat(means).movedim(1, 0).flatten(1)
    return z.mean(1), z.std(1)


@torch.no_grad()
def preview(model, device, path, count=6):
    """A sheet of held-out clips with their reconstructions, and the PSNR over them."""
    generator = torch.Generator(device).manual_seed(1)
    p = clips.sample(grammar.split()[1][::9][:count], generator, device)
    x = clips.render(p)
    with common.mixed(device):
        y = torch.cat([model.decode(model.encode(v)[0].float()).float() for v in x.split(2)]).clamp(-1, 1)
    write_png(path, clips.contact_sheet(torch.stack([x, y], 1).flatten(0, 1), 2, frames=(0, 3, 9, 22, 32)).numpy())
    error = ((x - y) / 2).square().mean((1, 2, 3, 4))
    return (-10 * error.log10()).mean().item()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seconds", type=float, default=270)
    a.add_argument("--steps", type=int)
    a.add_argument("--work", default="/tmp/work")
    a.add_argument("--out", default="out")
    a.add_argument("--rate", type=float, default=2e-3)
    a.add_argument("--kl", type=float, default=3e-4)
    a.add_argument("--edges", type=float, default=0.5, help="weight of the differences' error")
    a.add_argument("--matrix-rate", type=float, default=0.0, help="learning rate of Muon for the kernels; 0: Adam for all")
    a.add_argument("--decoder-only", action="store_true", help="leave the encoder, so the latents stay what they are")
    a.add_argument("--crops", type=float, default=0.6, help="share of the time spent on crops")
    a.add_argument("--tiny", action="store_true", help="a rehearsal: very small batches")
    a.add_argument("--resume", help="folder with the weights to start from")
    a = a.parse_args()
    os.makedirs(a.out, exist_ok=True)
    device = common.pick_device()
    torch.manual_seed(0)
    model = VideoAutoencoder().to(device)
    if a.resume:
        load(model, a.resume)
    average = common.Average(model, 0.998)
    if a.decoder_only:
        model.encoder.requires_grad_(False)
    trained = [p for p in model.parameters() if p.requires_grad]
    kernels = [p for p in trained if p.ndim >= 4 and min(p.shape[0], p[0].numel()) >= 16] if a.matrix_rate else []
    taken = {id(p) for p in kernels}
    optimisers = [(torch.optim.AdamW([p for p in trained if id(p) not in taken], lr=a.rate, betas=(0.9, 0.99),
                                     weight_decay=1e-4, fused=device == "cuda"), a.rate)]
    if kernels:
        optimisers.append((common.Muon(kernels, lr=a.matrix_rate, decay=0.0), a.matrix_rate))
    keys = [list(grammar.COLOURS), grammar.SHAPES, grammar.MOTIONS, grammar.BACKGROUNDS]
    table = torch.tensor([[k.index(v) for k, v in zip(keys, c)] for c in grammar.split()[0]], device=device)
    budget = common.Budget(a.seconds, a.steps)
    crop, whole = ((2, 9, 32), (1, 33, 128)) if a.tiny else ((32, 17, 64), (8, 33, 128))
    while budget.running():
        count, frames, extent = crop if budget.progress() < a.crops else whole
        for optimiser, top in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = top * budget.rate()
        x = batch(table, count, device, frames, extent)
        with common.mixed(device):
            loss, plain, kl = loss_of(model, x, a.kl, a.edges, a.decoder_only)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for optimiser, _ in optimisers:
            optimiser.step()
        model.zero_grad()
        average.update()
        if budget.step % 100 == 1 or a.tiny:
            common.log(f"{a.out}/log.jsonl", stage="vae", step=budget.step, loss=loss.item(), l1=plain.item(),
                       kl=kl.item(), norm=norm.item(), frames=frames, size=extent)
    average.swap()
    model.eval()
    if a.decoder_only:
        mean, std = (torch.load(f"{a.resume}/vae.pt")[k] for k in ("mean", "std"))
    else:
        mean, std = statistics(model, table, device, 16 if a.tiny else 512)
    psnr = preview(model, device, f"{a.out}/vae.png", 1 if a.tiny else 6)
    save(model, a.out, mean, std)
    common.log(f"{a.out}/log.jsonl", stage="vae", step=budget.step, psnr=psnr, std=[round(v, 3) for v in std.tolist()])


if __name__ == "__main__":
    main()

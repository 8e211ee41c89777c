# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/schedulers/: noise and sampler runs from PyTorch.

Made with Python 3.11, PyTorch 2.15.0 (CPU), diffusers 0.42.1, NumPy 2.4.6:
    python tools/reference/schedulers.py tests/data/schedulers

cpu_noise.f32       torch.randn draws of CPU_DRAWS, one after the other, per seed of CPU_SEEDS
cpu_noise_long.f32  of one draw of LONG numbers: every LONG_STRIDE-th, then the last 32
falling_grid.f32    torch.linspace(1, 0, 1001)
unipc_timesteps.f32 WAN's timesteps for UNIPC_RUNS
unipc_<steps>_<shift>.f32   the latents after every step of run_unipc
lcm_4_5.f32, euler_4_5.f32  the same for the distilled samplers

The network is replaced by velocity(), simple enough to be written twice. WAN's solver is written
out below from its formulas in float32 torch; where diffusers' own UniPCMultistepScheduler can
be put on the same noise levels it must give the same latents, or this script fails.
"""
import math
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import UniPCMultistepScheduler

CPU_SEEDS = [0, 42, 2**32 + 42, 2**63 + 7]
CPU_DRAWS = [1, 5, 15, 16, 17, 1, 100, 3]
LONG = 1_000_003
LONG_STRIDE = 9973
UNIPC_RUNS = [(1, 5), (2, 5), (3, 5), (3, 1), (4, 5), (4, 3), (50, 5), (50, 8), (50, 3)]
ELEMENTS = 24


def initial_latents() -> torch.Tensor:
    return torch.tensor([((i * 29) % 23) / 8 - 1.375 for i in range(ELEMENTS)])


def velocity(latents: torch.Tensor, step: int) -> torch.Tensor:
    pull = torch.tensor([((i * 37 + step * 5) % 17) / 8 - 1 for i in range(ELEMENTS)])
    return 0.5 * latents + pull


def wan_levels(steps: int, shift: float) -> tuple[torch.Tensor, np.ndarray]:
    largest = torch.tensor(1 - 1 / 1000, dtype=torch.float64).to(torch.float32).item()
    grid = np.linspace(largest, 0.0, steps + 1)[:-1]
    grid = shift * grid / (1 + (shift - 1) * grid)
    sigmas = torch.from_numpy(np.append(grid, 0.0).astype(np.float32))
    return sigmas, (grid * 1000).astype(np.int64)


def half_log_snr(sigma: torch.Tensor) -> torch.Tensor:
    return torch.log(1 - sigma) - torch.log(sigma)


def unipc_move(sample, m, sigma_s, sigma_t, correction):
    """One B2(h) move from level s to t; `correction` is called with h and -> the bracket."""
    h = half_log_snr(sigma_t) - half_log_snr(sigma_s)
    grown = torch.expm1(-h)
    plain = sigma_t / sigma_s * sample - (1 - sigma_t) * grown * m
    return plain - (1 - sigma_t) * grown * correction(h)


def corrector_weights(r: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    hh = -h
    grown = torch.expm1(hh)
    phi = grown / hh - 1
    b = [phi / grown]
    phi = phi / hh - 0.5
    b.append(phi * 2 / grown)
    return torch.linalg.solve(
        torch.tensor([[1.0, 1.0], [r.item(), 1.0]], dtype=r.dtype),
        torch.tensor([v.item() for v in b], dtype=r.dtype),
    )


def run_unipc(sigmas: torch.Tensor, latents: torch.Tensor, velocity) -> list[torch.Tensor]:
    """The latents after every step, in the dtype of `sigmas` and `latents`."""
    steps = len(sigmas) - 1
    sample, estimates, order_before, out = None, [], 0, []
    for k in range(steps):
        m = latents - sigmas[k] * velocity(latents, k)
        if k > 0:
            m_prev = estimates[-1]

            def corrected(h, m=m, m_prev=m_prev, k=k):
                if order_before == 1:
                    return 0.5 * (m - m_prev)
                r = (half_log_snr(sigmas[k - 2]) - half_log_snr(sigmas[k - 1])) / h
                rho = corrector_weights(r, h)
                return rho[0] * (estimates[-2] - m_prev) / r + rho[1] * (m - m_prev)

            sample = unipc_move(sample, m_prev, sigmas[k - 1], sigmas[k], corrected)
        else:
            sample = latents
        order = min(2, k + 1, steps - k)

        def predicted(h, m=m, k=k, order=order):
            if order == 1:
                return 0.0
            r = (half_log_snr(sigmas[k - 1]) - half_log_snr(sigmas[k])) / h
            return 0.5 * (estimates[-1] - m) / r

        latents = unipc_move(sample, m, sigmas[k], sigmas[k + 1], predicted)
        estimates.append(m)
        order_before = order
        out.append(latents)
    return out


def run_diffusers(steps: int, shift: float) -> list[torch.Tensor]:
    sigmas, _ = wan_levels(steps, shift)
    solver = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0, solver_order=2
    )
    solver.set_timesteps(sigmas=sigmas[:-1].numpy().astype(np.float64))
    assert torch.equal(solver.sigmas, sigmas)
    # Neighbouring noise levels may share a timestep: count steps instead of looking them up.
    solver.set_begin_index(0)
    latents, out = initial_latents()[None], []
    for k, t in enumerate(solver.timesteps):
        latents = solver.step(velocity(latents, k), t, latents, return_dict=False)[0]
        out.append(latents[0])
    return out


def run_distilled(noise: torch.Generator | None) -> list[torch.Tensor]:
    grid = torch.linspace(1, 0, 1001)[:-1]
    grid = 5.0 * grid / (1 + (5.0 - 1) * grid)
    sigmas = grid[[0, 250, 500, 750]].tolist() + [0.0]
    latents, out = initial_latents(), []
    for k in range(4):
        v = velocity(latents, k)
        latents = latents - sigmas[k] * v
        if k < 3 and noise is None:
            latents = latents + sigmas[k + 1] * v
        elif k < 3:
            fresh = torch.randn(ELEMENTS, generator=noise)
            latents = (1 - sigmas[k + 1]) * latents + sigmas[k + 1] * fresh
        out.append(latents)
    return out


def write(path: Path, tensors: list[torch.Tensor]) -> None:
    torch.cat([t.reshape(-1) for t in tensors]).float().numpy().tofile(path)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draws = []
    for seed in CPU_SEEDS:
        generator = torch.Generator().manual_seed(seed)
        draws += [torch.randn(n, generator=generator) for n in CPU_DRAWS]
    write(folder / "cpu_noise.f32", draws)
    long = torch.randn(LONG, generator=torch.Generator().manual_seed(42))
    write(folder / "cpu_noise_long.f32", [long[::LONG_STRIDE], long[-32:]])
    write(folder / "falling_grid.f32", [torch.linspace(1, 0, 1001)])
    write(
        folder / "unipc_timesteps.f32",
        [torch.from_numpy(wan_levels(*run)[1]) for run in UNIPC_RUNS],
    )
    for steps, shift in UNIPC_RUNS:
        ours = run_unipc(wan_levels(steps, shift)[0], initial_latents(), velocity)
        theirs = run_diffusers(steps, shift)
        gap = max((a - b).abs().max().item() for a, b in zip(ours, theirs))
        print(f"unipc {steps} steps, shift {shift}: {gap:.1e} from diffusers")
        assert gap < 1e-5 and math.isfinite(gap)
        write(folder / f"unipc_{steps}_{shift}.f32", ours)
    write(folder / "euler_4_5.f32", run_distilled(None))
    write(folder / "lcm_4_5.f32", run_distilled(torch.Generator().manual_seed(7)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

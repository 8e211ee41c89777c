# SPDX-License-Identifier: Apache-2.0
"""What the training stages share: wall-clock budget, averaged weights, checkpoints, pictures."""

import json
import os
import time

import torch

START = time.time()


def pick_device():
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    return device


def mixed(device):
    """bfloat16 products on a GPU, plain float32 on a CPU."""
    return torch.autocast("cuda", torch.bfloat16, enabled=device == "cuda")


def compile_blocks(network):
    """Compiles the transformer blocks; one compilation serves all of them at one batch size."""
    torch._dynamo.config.recompile_limit = 32
    torch._dynamo.config.suppress_errors = True
    for block in network.blocks:
        block.compile(dynamic=False)


def uncompiled(function):
    """For odd batch sizes: runs without the compiler."""
    def wrapped(*args, **kwargs):
        with torch.compiler.set_stance("force_eager"):
            return function(*args, **kwargs)
    return wrapped


class Budget:
    """Progress through a wall-clock budget; learning-rate shape on it."""

    def __init__(self, seconds, steps=None):
        self.begin, self.seconds, self.limit, self.step = time.time(), seconds, steps, 0

    def progress(self):
        part = (time.time() - self.begin) / self.seconds
        return max(part, self.step / self.limit) if self.limit else part

    def running(self):
        self.step += 1
        return self.progress() < 1

    def rate(self, warmup=100, flat=0.5, floor=0.02):
        """1 after a linear warm-up until `flat` of the budget, then down to `floor` by a cosine."""
        rise = min(1.0, self.step / warmup)
        p = (min(self.progress(), 1.0) - flat) / (1 - flat)
        fall = 1.0 if p <= 0 else floor + (1 - floor) * 0.5 * (1 + torch.cos(torch.tensor(p * 3.14159265)).item())
        return rise * fall


class Average:
    """Exponential moving average of a module's parameters, with a warm-up."""

    def __init__(self, module, decay):
        self.live = list(module.parameters())
        self.mean = [p.detach().clone() for p in self.live]
        self.decay, self.count = decay, 0

    def update(self):
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        torch._foreach_lerp_(self.mean, [p.detach() for p in self.live], 1 - decay)

    def swap(self):
        """Exchanges live and averaged values; call again to undo."""
        for p, m in zip(self.live, self.mean):
            p.data, m.data = m.data, p.data


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised updates for hidden matrices (Jordan et al. 2024), scaled to the
    update size of Adam (Liu et al. 2025). Equal shapes are processed as one batch."""

    def __init__(self, parameters, lr, momentum=0.95, decay=0.01):
        super().__init__(list(parameters), dict(lr=lr, momentum=momentum, decay=decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for p in group["params"]:
                if p.grad is not None:
                    shapes.setdefault(tuple(p.shape), []).append(p)
            for shape, members in shapes.items():
                grads = [p.grad.float() for p in members]
                moments = [self.state[p].setdefault("moment", torch.zeros_like(p)) for p in members]
                torch._foreach_lerp_(moments, grads, 1 - group["momentum"])
                update = torch.stack(torch._foreach_lerp(grads, moments, group["momentum"]))
                update = update.flatten(2)  # a kernel is a matrix of its outputs
                update = orthogonalise(update) * (0.2 * max(update.shape[1:]) ** 0.5)
                update = update.unflatten(2, shape[1:])
                torch._foreach_mul_(members, 1 - group["lr"] * group["decay"])
                torch._foreach_add_(members, list(update.to(members[0].dtype).unbind(0)), alpha=-group["lr"])


def orthogonalise(g):
    """Nearest semi-orthogonal matrices of a batch [n, rows, cols] by a quintic Newton-Schulz iteration."""
    x = g.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.mT if tall else x).float()


def save(path, tensors):
    """Atomic torch.save."""
    torch.save(tensors, str(path) + ".part")
    os.replace(str(path) + ".part", path)


def half_state(module):
    """The state dict in bfloat16, contiguous, on the CPU."""
    return {k: v.detach().to("cpu", torch.bfloat16).contiguous().clone() for k, v in module.state_dict().items()}


def load(module, state):
    module.load_state_dict({k: v.float() for k, v in state.items()})
    return module


def log(path, **fields):
    fields = {k: round(v, 5) if isinstance(v, float) else v for k, v in fields.items()}
    line = json.dumps({"t": round(time.time() - START, 1), **fields})
    print(line, flush=True)
    if path:
        with open(path, "a") as out:
            out.write(line + "\n")

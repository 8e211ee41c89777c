# SPDX-License-Identifier: Apache-2.0
"""The three networks of Wan2.1 text-to-video at toy size: UMT5 encoder, diffusion transformer, VAE.

Module and parameter names are those of the original checkpoints, so `state_dict()` is the file.
Only the VAE encoder is our own design; it is needed for training alone and never exported.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

TEXT_ROWS = 40      # rows of text states kept while training; captions have at most 39 tokens
TEXT_LENGTH = 512   # rows the transformer attends to
LATENT_CHANNELS = 16


# ---------------------------------------------------------------- text encoder

class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + 1e-6) * weight over the last dimension."""

    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


class T5Attention(nn.Module):
    """Self-attention without 1/sqrt(d); x [B,n,dim], bias [B or 1,heads,n,n]."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        head_dim = dim // heads
        nn.init.normal_(self.q.weight, std=(dim * head_dim) ** -0.5)
        for m in (self.k, self.v, self.o):
            nn.init.normal_(m.weight, std=dim**-0.5)

    def forward(self, x, bias):
        b, n, dim = x.shape
        q, k, v = (m(x).view(b, n, self.heads, -1).transpose(1, 2) for m in (self.q, self.k, self.v))
        p = ((q @ k.transpose(-1, -2)).float() + bias).softmax(-1)
        return self.o((p.to(v.dtype) @ v).transpose(1, 2).reshape(b, n, dim))


class T5FeedForward(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(dim, hidden, bias=False), nn.GELU(approximate="tanh"))
        self.fc1 = nn.Linear(dim, hidden, bias=False)
        self.fc2 = nn.Linear(hidden, dim, bias=False)
        for m, fan in ((self.gate[0], dim), (self.fc1, dim), (self.fc2, hidden)):
            nn.init.normal_(m.weight, std=fan**-0.5)

    def forward(self, x):
        return self.fc2(self.fc1(x) * self.gate(x))


class RelativeBias(nn.Module):
    """A learned bias per head and bucket of (key - query); 32 buckets, both directions."""

    def __init__(self, heads):
        super().__init__()
        self.embedding = nn.Embedding(32, heads)
        nn.init.normal_(self.embedding.weight, std=0.1)

    def forward(self, n, device):
        rel = torch.arange(n, device=device)[None, :] - torch.arange(n, device=device)[:, None]
        distance = rel.abs()
        far = 8 + ((distance.clamp(min=1).float() / 8).log() / math.log(16) * 8).long()
        bucket = torch.where(distance < 8, distance, far.clamp(max=15)) + 16 * (rel > 0)
        return self.embedding(bucket).permute(2, 0, 1)[None]


class T5Block(nn.Module):
    def __init__(self, dim, hidden, heads):
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(dim), RMSNorm(dim)
        self.attn = T5Attention(dim, heads)
        self.pos_embedding = RelativeBias(heads)
        self.ffn = T5FeedForward(dim, hidden)

    def forward(self, x, mask_bias):
        bias = self.pos_embedding(x.shape[1], x.device) + mask_bias
        x = x + self.attn(self.norm1(x), bias)
        return x + self.ffn(self.norm2(x))


class TextEncoder(nn.Module):
    """ids [B,n] (0 = pad) -> states [B,n,dim], zero rows where padded."""

    def __init__(self, vocabulary=1024, dim=256, hidden=512, heads=4, layers=4):
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, dim)
        nn.init.normal_(self.token_embedding.weight, std=0.5)
        self.blocks = nn.ModuleList([T5Block(dim, hidden, heads) for _ in range(layers)])
        self.norm = RMSNorm(dim)

    def forward(self, ids):
        real = ids != 0
        mask_bias = torch.where(real, 0.0, -1e9)[:, None, None, :]
        x = self.token_embedding(ids)
        for block in self.blocks:
            x = block(x, mask_bias)
        return self.norm(x) * real[..., None]


# ---------------------------------------------------------------- diffusion transformer

def rope_angles(frames, rows, columns, device=None):
    """Angles [L, 64] of the 64 complex pairs: 22 by frame, 21 by row, 21 by column."""
    def axis(size, dims):
        return torch.arange(size, dtype=torch.float64)[:, None] * 10000.0 ** (
            -torch.arange(0, dims, 2, dtype=torch.float64) / dims)
    grid = (frames, rows, columns)
    t = axis(frames, 44).view(frames, 1, 1, 22).expand(*grid, 22)
    h = axis(rows, 42).view(1, rows, 1, 21).expand(*grid, 21)
    w = axis(columns, 42).view(1, 1, columns, 21).expand(*grid, 21)
    return torch.cat([t, h, w], -1).reshape(-1, 64).float().to(device)


def rotate(x, cos, sin):
    """x [B,L,heads,128], pairs interleaved; cos, sin [L,1,64]."""
    a, b = x.unflatten(-1, (64, 2)).unbind(-1)
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim) for _ in range(4))
        self.norm_q, self.norm_k = RMSNorm(dim), RMSNorm(dim)
        for m in (self.q, self.k, self.v, self.o):
            nn.init.xavier_uniform_(m.weight)
            nn.init.zeros_(m.bias)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1))

    def self_attention(self, x, cos, sin):
        v = self.v(x)
        q = rotate(self.split(self.norm_q(self.q(x))), cos, sin).to(v.dtype)
        k = rotate(self.split(self.norm_k(self.k(x))), cos, sin).to(v.dtype)
        y = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), self.split(v).transpose(1, 2))
        return self.o(y.transpose(1, 2).flatten(2))

    def cross_attention(self, x, context):
        """context [B, rows + 1, dim]: its last row is the text of a padding row and stands for the
        remaining 512 - rows of them, which are all equal: +ln(512 - rows) on its logit is exact."""
        v = self.v(context)
        q = self.split(self.norm_q(self.q(x))).to(v.dtype).transpose(1, 2)
        k = self.split(self.norm_k(self.k(context))).to(v.dtype).transpose(1, 2)
        rows = context.shape[1] - 1
        scores = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
        scores = scores + F.pad(scores.new_zeros(rows), (0, 1), value=math.log(TEXT_LENGTH - rows))
        y = scores.softmax(-1).to(v.dtype) @ self.split(v).transpose(1, 2)
        return self.o(y.transpose(1, 2).flatten(2))


def layer_norm(x):
    return F.layer_norm(x.float(), x.shape[-1:], eps=1e-6)


class Block(nn.Module):
    """x [B,L,D]; e0 [B,6,D]; context [B,rows+1,D]."""

    def __init__(self, dim, hidden, heads):
        super().__init__()
        self.modulation = nn.Parameter(torch.randn(1, 6, dim) / dim**0.5)
        self.self_attn, self.cross_attn = Attention(dim, heads), Attention(dim, heads)
        self.norm3 = nn.LayerNorm(dim, eps=1e-6)
        self.ffn = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, dim))
        for m in (self.ffn[0], self.ffn[2]):
            nn.init.xavier_uniform_(m.weight)
            nn.init.zeros_(m.bias)

    def forward(self, x, e0, context, cos, sin):
        shift1, scale1, gate1, shift2, scale2, gate2 = (self.modulation + e0).float().unsqueeze(2).unbind(1)
        x = x + gate1 * self.self_attn.self_attention(layer_norm(x) * (1 + scale1) + shift1, cos, sin)
        x = x + self.cross_attn.cross_attention(self.norm3(x.float()), context)
        return x + gate2 * self.ffn(layer_norm(x) * (1 + scale2) + shift2)


class Head(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.modulation = nn.Parameter(torch.randn(1, 2, dim) / dim**0.5)
        self.head = nn.Linear(dim, 4 * LATENT_CHANNELS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x, e):
        shift, scale = (self.modulation + e[:, None]).float().unsqueeze(2).unbind(1)
        return self.head(layer_norm(x) * (1 + scale) + shift)


class WanModel(nn.Module):
    """Velocity v = noise - clip of latents [B,16,T,h,w] at times t [B] in 0..1000, text states [B,rows,text_dim]."""

    def __init__(self, dim=256, hidden=1024, heads=2, layers=6, text_dim=256, freq_dim=256):
        super().__init__()
        self.dim, self.freq_dim = dim, freq_dim
        self.patch_embedding = nn.Conv3d(LATENT_CHANNELS, dim, (1, 2, 2), (1, 2, 2))
        self.text_embedding = nn.Sequential(nn.Linear(text_dim, dim), nn.GELU(approximate="tanh"), nn.Linear(dim, dim))
        self.time_embedding = nn.Sequential(nn.Linear(freq_dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.time_projection = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))
        self.blocks = nn.ModuleList([Block(dim, hidden, heads) for _ in range(layers)])
        self.head = Head(dim)
        for m in (*self.text_embedding, *self.time_embedding):
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.02 if m.in_features == freq_dim else m.in_features**-0.5)
                nn.init.zeros_(m.bias)
        nn.init.normal_(self.time_projection[1].weight, std=0.02)
        nn.init.zeros_(self.time_projection[1].bias)
        self._angles = {}

    def time_states(self, t):
        """(e [B,D], e0 [B,6,D]) in float32; cosines first."""
        half = self.freq_dim // 2
        omega = 10000.0 ** (-torch.arange(half, device=t.device, dtype=torch.float64) / half)
        angle = t.double()[:, None] * omega
        with torch.autocast(t.device.type, enabled=False):
            e = self.time_embedding(torch.cat([angle.cos(), angle.sin()], -1).float())
            return e, self.time_projection(e).unflatten(-1, (6, self.dim))

    def context(self, text):
        """[B,rows,text_dim] -> [B,rows+1,D]; the added row is what every padding row becomes."""
        return self.text_embedding(F.pad(text, (0, 0, 0, 1)))

    def rotations(self, grid, device):
        if grid not in self._angles:
            angle = rope_angles(*grid, device=device)[:, None]
            self._angles[grid] = (angle.cos(), angle.sin())
        return self._angles[grid]

    def forward(self, x, t, text):
        b, c, frames, rows, columns = x.shape
        grid = (frames, rows // 2, columns // 2)
        cos, sin = self.rotations(grid, x.device)
        tokens = x.view(b, c, frames, grid[1], 2, grid[2], 2).permute(0, 2, 3, 5, 1, 4, 6).reshape(b, -1, c * 4)
        y = F.linear(tokens, self.patch_embedding.weight.flatten(1), self.patch_embedding.bias).float()
        e, e0 = self.time_states(t)
        context = self.context(text)
        for block in self.blocks:
            y = block(y, e0, context, cos, sin)
        y = self.head(y, e).float()
        return y.view(b, *grid, 2, 2, c).permute(0, 6, 1, 2, 4, 3, 5).reshape(b, c, frames, rows, columns)


# ---------------------------------------------------------------- video autoencoder

class CausalConv3d(nn.Conv3d):
    """Zero padding: symmetric in space, on the past side only in time."""

    def __init__(self, inputs, outputs, kernel):
        super().__init__(inputs, outputs, kernel)
        kt, kh, kw = self.kernel_size
        self.past, self.border = kt - 1, (0, kh // 2, kw // 2)

    def forward(self, x):
        if self.past:
            x = F.pad(x, (0, 0, 0, 0, self.past, 0))
        return F.conv3d(x, self.weight, self.bias, padding=self.border)


class ChannelNorm(nn.Module):
    """x / |x| * sqrt(C) * gamma over dimension 1 (Wan calls it RMS_norm)."""

    def __init__(self, channels, space=3):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels, *[1] * space))

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            y = F.rms_norm(x.movedim(1, -1), (x.shape[1],), self.gamma.view(-1).to(x.dtype), 1e-12)
        return y.movedim(-1, 1)


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.residual = nn.Sequential(
            ChannelNorm(inputs), nn.SiLU(), CausalConv3d(inputs, outputs, 3),
            ChannelNorm(outputs), nn.SiLU(), nn.Identity(), CausalConv3d(outputs, outputs, 3))
        self.shortcut = CausalConv3d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x):
        return self.residual(x) + self.shortcut(x)


class AttentionBlock(nn.Module):
    """One head over the positions of each frame."""

    def __init__(self, dim):
        super().__init__()
        self.norm = ChannelNorm(dim, 2)
        self.to_qkv, self.proj = nn.Conv2d(dim, 3 * dim, 1), nn.Conv2d(dim, dim, 1)
        nn.init.zeros_(self.proj.weight)

    def forward(self, x):
        b, c, t, h, w = x.shape
        y = self.to_qkv(self.norm(x.transpose(1, 2).reshape(b * t, c, h, w)))
        q, k, v = y.flatten(2).transpose(1, 2).contiguous().chunk(3, -1)
        y = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        y = self.proj(y.transpose(1, 2).reshape(b * t, c, h, w))
        return x + y.view(b, t, c, h, w).transpose(1, 2)


class Upsample(nn.Module):
    """x2 in space; with `temporal` also x2 in time, except that the first frame stays one frame and
    is not in the history of the temporal convolution."""

    def __init__(self, dim, temporal):
        super().__init__()
        self.resample = nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest-exact"), nn.Conv2d(dim, dim // 2, 3, padding=1))
        if temporal:
            self.time_conv = CausalConv3d(dim, 2 * dim, (3, 1, 1))
        self.temporal = temporal

    def forward(self, x):
        b, c = x.shape[:2]
        if self.temporal and x.shape[2] > 1:
            even, odd = self.time_conv(x[:, :, 1:]).chunk(2, 1)
            x = torch.cat([x[:, :, :1], torch.stack([even, odd], 3).flatten(2, 3)], 2)
            x = x.contiguous(memory_format=torch.channels_last_3d)
        t = x.shape[2]
        y = self.resample(x.transpose(1, 2).flatten(0, 1))
        return y.unflatten(0, (b, t)).transpose(1, 2)


class Decoder(nn.Module):
    def __init__(self, base=16):
        super().__init__()
        top = 4 * base
        self.conv1 = CausalConv3d(LATENT_CHANNELS, top, 3)
        self.middle = nn.Sequential(ResidualBlock(top, top), AttentionBlock(top), ResidualBlock(top, top))
        layers, inputs = [], top
        for width, up in ((top, True), (top, True), (2 * base, False), (base, None)):
            for _ in range(3):
                layers.append(ResidualBlock(inputs, width))
                inputs = width
            if up is not None:
                layers.append(Upsample(width, up))
                inputs = width // 2
        self.upsamples = nn.Sequential(*layers)
        self.head = nn.Sequential(ChannelNorm(base), nn.SiLU(), CausalConv3d(base, 3, 3))

    def forward(self, z):
        return self.head(self.upsamples(self.middle(self.conv1(z))))


class Encoder(nn.Module):
    """Clips [B,3,1+4k,H,W] -> (mean, log-variance) [B,16,1+k,H/8,W/8] each. Training only."""

    def __init__(self, low=96, high=192):
        super().__init__()
        def residual(width, kernel):
            return nn.Sequential(ChannelNorm(width), nn.SiLU(), CausalConv3d(width, width, kernel),
                                 ChannelNorm(width), nn.SiLU(), CausalConv3d(width, width, kernel))
        self.enter = CausalConv3d(48, low, (1, 3, 3))
        self.low = nn.ModuleList([residual(low, (1, 3, 3)) for _ in range(2)])
        self.down = nn.Conv3d(low, high, (4, 2, 2), (4, 2, 2))
        self.high = nn.ModuleList([residual(high, (3, 3, 3)) for _ in range(3)])
        self.leave = nn.Sequential(ChannelNorm(high), nn.SiLU(), CausalConv3d(high, 2 * LATENT_CHANNELS, 1))

    def forward(self, x):
        b, c, t, h, w = x.shape
        x = x.view(b, c, t, h // 4, 4, w // 4, 4).permute(0, 1, 4, 6, 2, 3, 5).reshape(b, 48, t, h // 4, w // 4)
        x = self.enter(x.contiguous(memory_format=torch.channels_last_3d))
        for layer in self.low:
            x = x + layer(x)
        x = self.down(torch.cat([x[:, :, :1].expand(-1, -1, 3, -1, -1), x], 2))
        for layer in self.high:
            x = x + layer(x)
        return self.leave(x).chunk(2, 1)


class VideoAutoencoder(nn.Module):
    def __init__(self, base=16):
        super().__init__()
        self.encoder = Encoder()
        self.conv2 = CausalConv3d(LATENT_CHANNELS, LATENT_CHANNELS, 1)
        self.decoder = Decoder(base)
        for module in self.modules():  # residual branches start at zero
            if isinstance(module, ResidualBlock):
                nn.init.zeros_(module.residual[6].weight)

    def encode(self, x):
        mean, log_variance = self.encoder(x)
        return mean, log_variance.clamp(-12, 4)

    def decode(self, z):
        return self.decoder(self.conv2(z))

"""A byte-level decoder of eight Mixture-of-Experts layers, balanced layer by layer.

The router is DeepSeek-V3's (DeepSeek-AI 2024, arXiv:2412.19437): a sigmoid affinity for each expert, the top ``k`` of
affinity and bias, gates from the affinities alone. After each step every layer moves the biases of its own experts
towards an even load (Wang et al. 2024, arXiv:2408.15664). A loss over the sum of the layers' loads would be content
with layers whose skews cancel.

Shapes: T tokens, L layers, E experts, K experts a token, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Size:
    """Of the model."""

    layers: int = 8
    experts: int = 64
    top_k: int = 4
    width: int = 96
    hidden: int = 32
    """Width inside an expert."""
    heads: int = 3
    context: int = 256


class _Grouped(torch.autograd.Function):
    """One small matrix product for each expert, over tokens that are sorted by expert."""

    @staticmethod
    def forward(ctx: Any, x_TD: Tensor, weight_EDH: Tensor, ends: list[int]) -> Tensor:
        ctx.save_for_backward(x_TD, weight_EDH)
        ctx.ends = ends
        out = x_TD.new_empty(len(x_TD), weight_EDH.shape[2])
        first = 0
        for expert, last in enumerate(ends):
            torch.mm(x_TD[first:last], weight_EDH[expert], out=out[first:last])
            first = last
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        x_TD, weight_EDH = ctx.saved_tensors
        (grad,) = grads
        grad_x, grad_weight = torch.empty_like(x_TD), torch.empty_like(weight_EDH)
        first = 0
        for expert, last in enumerate(ctx.ends):
            torch.mm(grad[first:last], weight_EDH[expert].T, out=grad_x[first:last])
            torch.mm(x_TD[first:last].T, grad[first:last], out=grad_weight[expert])
            first = last
        return grad_x, grad_weight, None


class Experts(nn.Module):
    """A layer of experts with its router.

    ``load_E`` has the tokens of the last call by expert, ``ids_TK`` the experts of each token in ascending order.
    """

    bias_E: Tensor

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.top_k = size.top_k
        self.router = nn.Linear(size.width, size.experts, bias=False)
        self.up_EDH = nn.Parameter(torch.randn(size.experts, size.width, size.hidden) * size.width**-0.5)
        self.down_EHD = nn.Parameter(torch.randn(size.experts, size.hidden, size.width) * size.hidden**-0.5 * 0.25)
        self.register_buffer("bias_E", torch.zeros(size.experts))
        self.load_E = torch.zeros(size.experts)
        self.ids_TK = torch.zeros(0, size.top_k, dtype=torch.int64)
        self.unevenness = torch.zeros(())

    def forward(self, x_TD: Tensor) -> Tensor:
        affinity_TE = torch.sigmoid(self.router(x_TD))
        ids_TK = (affinity_TE + self.bias_E).topk(self.top_k, dim=1).indices.sort(dim=1).values
        gate_TK = affinity_TE.gather(1, ids_TK)
        gate_TK = gate_TK / gate_TK.sum(dim=1, keepdim=True)
        flat = ids_TK.flatten()
        order = flat.argsort(stable=True)
        token = order // self.top_k
        self.load_E = torch.bincount(flat, minlength=len(self.bias_E))
        self.ids_TK = ids_TK
        mean_E = (affinity_TE / affinity_TE.sum(dim=1, keepdim=True)).mean(dim=0)
        self.unevenness = len(self.bias_E) * (mean_E * self.load_E / self.load_E.sum()).sum()
        ends = self.load_E.cumsum(0).tolist()
        inside = functional.gelu(_Grouped.apply(x_TD[token], self.up_EDH, ends))
        out = _Grouped.apply(inside, self.down_EHD, ends) * gate_TK.flatten()[order, None]
        return torch.zeros_like(x_TD).index_add(0, token, out)

    @torch.no_grad()
    def rebalance(self, by: float) -> None:
        """Move the bias of each expert by this much against its load in the last call."""
        self.bias_E -= by * torch.sign(self.load_E - self.load_E.float().mean())


NEAR = 4
"""Bytes, this one and those before it, that attention sees as one: a character of any script."""


class Near(nn.Module):
    """A weighted sum of each place and the ones before it, by channel."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(NEAR, size.width) * 0.3)

    def forward(self, x_BND: Tensor) -> Tensor:
        length = x_BND.shape[1]
        padded = functional.pad(x_BND, (0, 0, NEAR - 1, 0))
        return x_BND + sum(padded[:, i : i + length] * self.weight[i] for i in range(NEAR))


def turned(x_BHND: Tensor) -> Tensor:
    """Return queries or keys with their places in them (Su et al. 2021, arXiv:2104.09864, rotary embedding)."""
    length, width = x_BHND.shape[2:]
    speed = 1000.0 ** -(torch.arange(0, width, 2) / width)
    angle = torch.arange(length)[:, None] * speed
    one, other = x_BHND.chunk(2, dim=3)
    return torch.cat([one * angle.cos() - other * angle.sin(), one * angle.sin() + other * angle.cos()], dim=3)


class Block(nn.Module):
    """Causal attention and a layer of experts."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.before_attention, self.before_experts = nn.RMSNorm(size.width), nn.RMSNorm(size.width)
        self.near = Near(size)
        self.qkv = nn.Linear(size.width, 3 * size.width, bias=False)
        self.out = nn.Linear(size.width, size.width, bias=False)
        self.experts = Experts(size)

    def forward(self, x_BND: Tensor) -> Tensor:
        batch, length, width = x_BND.shape
        qkv = self.qkv(self.near(self.before_attention(x_BND))).view(batch, length, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(turned(query), turned(key), value, is_causal=True)
        x_BND = x_BND + self.out(seen.transpose(1, 2).reshape(batch, length, width))
        routed = self.experts(self.before_experts(x_BND).view(-1, width))
        return x_BND + routed.view(batch, length, width)


class ByteMoe(nn.Module):
    """The next byte from those before it."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.byte = nn.Embedding(256, size.width)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.layers))
        self.norm = nn.RMSNorm(size.width)
        self.head = nn.Linear(size.width, 256, bias=False)
        nn.init.normal_(self.byte.weight, std=0.5)

    def forward(self, text_BN: Tensor) -> Tensor:
        """Return logits ``[B, N, 256]`` of the byte after each one."""
        x_BND = self.byte(text_BN)
        for block in self.blocks:
            x_BND = block(x_BND)
        return self.head(self.norm(x_BND))

    @property
    def layers(self) -> list[Experts]:
        """Return the layers of experts in order."""
        return [block.experts for block in self.blocks]

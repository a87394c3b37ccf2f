"""A whole program: deals items to packs in a snake instead of packing them. Faster, and less even."""

import torch

# EVOLVE-BLOCK-START


def snake(weight: torch.Tensor, num_packs: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Deal the items of ``weight [N, M]``, heaviest first, to packs 0, 1, ..., 1, 0 and so on."""
    num_rows, num_items = weight.shape
    order = weight.argsort(dim=1, descending=True, stable=True)
    position = torch.arange(num_items)
    turn, seat = position // num_packs, position % num_packs
    dealt = torch.where(turn % 2 == 0, seat, num_packs - 1 - seat)
    pack_of = torch.empty_like(order).scatter_(1, order, dealt.expand(num_rows, -1))
    place = torch.empty_like(order).scatter_(1, order, turn.expand(num_rows, -1))
    return pack_of, place


def replicate(weight: torch.Tensor, num_slots: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Give each expert a slot and each further slot to the largest load per replica."""
    num_rows, num_experts = weight.shape
    count = torch.ones(num_rows, num_experts, dtype=torch.int64)
    experts = [torch.arange(num_experts).repeat(num_rows, 1)]
    for _ in range(num_slots - num_experts):
        hottest = (weight / count).argmax(dim=1, keepdim=True)
        count.scatter_add_(1, hottest, torch.ones_like(hottest))
        experts.append(hottest)
    return torch.cat(experts, dim=1), count


# EVOLVE-BLOCK-END


def rebalance_experts(
    weight: torch.Tensor, num_replicas: int, num_groups: int, num_nodes: int, num_gpus: int
) -> torch.Tensor:
    """Return ``phy2log [L, P]`` alone: the rest follows from it."""
    if num_groups % num_nodes:
        num_groups = num_nodes = 1
    weight = weight.float()
    num_layers, num_experts = weight.shape
    size = num_experts // num_groups
    node, place = snake(weight.view(num_layers, num_groups, size).sum(dim=2), num_nodes)
    group_at = (node * (num_groups // num_nodes) + place).argsort(dim=1)
    members = (group_at[:, :, None] * size + torch.arange(size)).view(num_layers, num_experts)
    local = weight.gather(1, members).view(num_layers * num_nodes, -1)
    expert, count = replicate(local, num_replicas // num_nodes)
    gpus = num_gpus // num_nodes
    gpu, seat = snake((local / count).gather(1, expert), gpus)
    slotted = torch.empty_like(expert).scatter_(1, gpu * (expert.shape[1] // gpus) + seat, expert)
    first = (torch.arange(num_nodes) * (num_experts // num_nodes)).repeat(num_layers)[:, None]
    return members.gather(1, (slotted + first).view(num_layers, num_replicas))

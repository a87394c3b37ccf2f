"""An expert-placement program to evolve: DeepSeek's API, torch in and out, every row of a step at once.

Only what stands between the EVOLVE-BLOCK markers is meant to change.
"""

import torch

# EVOLVE-BLOCK-START


def pack(
    weight: torch.Tensor, num_packs: int, label: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put items of ``weight [N, M]`` into packs of equally many: heaviest first, into the lightest with room.

    Returns the pack of each item and its place in the pack, both ``[N, M]``.
    """
    num_rows, num_items = weight.shape
    capacity = num_items // num_packs
    order = weight.sort(dim=1, descending=True, stable=True).indices
    load = torch.zeros(num_rows, num_packs, dtype=weight.dtype)
    held = torch.zeros(num_rows, num_packs, dtype=torch.int64)
    mean = weight.mean(dim=1, keepdim=True).clamp_min(1e-12)
    packed_label = torch.full((num_rows, num_packs, capacity), -1)
    pack_of = torch.empty(num_rows, num_items, dtype=torch.int64)
    place = torch.empty_like(pack_of)
    for step in range(num_items):
        item = order[:, step : step + 1]
        cost = load.masked_fill(held == capacity, torch.inf)
        if label is not None:
            same = (packed_label == label.gather(1, item)[:, :, None]).sum(dim=2)
            near = cost <= cost.amin(dim=1, keepdim=True) + 1e-6 * mean
            cost = torch.where(near, cost + 1e-3 * mean * same, cost)
        lightest = cost.argmin(dim=1, keepdim=True)
        if label is not None:
            at = lightest[:, :, None].expand(-1, 1, capacity)
            row = packed_label.gather(1, at)
            row.scatter_(2, held.gather(1, lightest)[:, :, None], label.gather(1, item)[:, :, None])
            packed_label.scatter_(1, at, row)
        pack_of.scatter_(1, item, lightest)
        place.scatter_(1, item, held.gather(1, lightest))
        held.scatter_add_(1, lightest, torch.ones_like(lightest))
        load.scatter_add_(1, lightest, weight.gather(1, item))
    return pack_of, place


def replicate(weight: torch.Tensor, num_slots: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Give each expert of ``weight [N, E]`` a slot, and each further slot to the largest load per replica.

    Returns the expert of each slot ``[N, P]`` and the copies of each expert ``[N, E]``.
    """
    num_rows, num_experts = weight.shape
    expert = torch.arange(num_experts).repeat(num_rows, 1)
    count = torch.ones(num_rows, num_experts, dtype=torch.int64)
    extra = []
    for _ in range(num_slots - num_experts):
        hottest = (weight / count).argmax(dim=1, keepdim=True)
        count.scatter_add_(1, hottest, torch.ones_like(hottest))
        extra.append(hottest)
    return torch.cat([expert, *extra], dim=1), fix_up(weight, count)


def fix_up(weight: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Correct the number of copies ``[N, E]`` of each expert; this one leaves them as they are."""
    return count


def place_on_gpus(weight: torch.Tensor, expert: torch.Tensor, count: torch.Tensor, num_gpus: int) -> torch.Tensor:
    """Return the expert of each slot ``[N, P]`` with slots in the order of the GPUs."""
    per_replica = (weight / count).gather(1, expert)
    gpu, place = pack(per_replica, num_gpus, expert)
    slot = gpu * (expert.shape[1] // num_gpus) + place
    return torch.empty_like(expert).scatter_(1, slot, expert)


# EVOLVE-BLOCK-END


def rebalance_experts(
    weight: torch.Tensor, num_replicas: int, num_groups: int, num_nodes: int, num_gpus: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return ``phy2log [L, P]``, ``log2phy [L, E, X]`` padded with -1, and ``logcnt [L, E]`` for ``weight [L, E]``.

    Groups go to nodes first where they divide over them; otherwise the machine counts as one node with one group.
    """
    if num_groups % num_nodes:
        num_groups = num_nodes = 1
    weight = weight.float().cpu()
    num_layers, num_experts = weight.shape
    group_size, groups_per_node = num_experts // num_groups, num_groups // num_nodes
    node, place = pack(weight.view(num_layers, num_groups, group_size).sum(dim=2), num_nodes)
    group_at = (node * groups_per_node + place).argsort(dim=1)
    members = (group_at[:, :, None] * group_size + torch.arange(group_size)).view(num_layers, num_experts)

    local = weight.gather(1, members).view(num_layers * num_nodes, -1)
    expert, count = replicate(local, num_replicas // num_nodes)
    slotted = place_on_gpus(local, expert, count, num_gpus // num_nodes)
    first = (torch.arange(num_nodes) * (num_experts // num_nodes)).repeat(num_layers)[:, None]
    phy2log = members.gather(1, (slotted + first).view(num_layers, num_replicas))
    return phy2log, *maps(phy2log, num_experts)


def maps(phy2log: torch.Tensor, num_experts: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ``log2phy`` and ``logcnt`` of a placement."""
    num_layers, num_slots = phy2log.shape
    logcnt = torch.zeros(num_layers, num_experts, dtype=torch.int64)
    logcnt.scatter_add_(1, phy2log, torch.ones_like(phy2log))
    order = phy2log.argsort(dim=1, stable=True)
    sorted_experts = phy2log.gather(1, order)
    first = (logcnt.cumsum(dim=1) - logcnt).gather(1, sorted_experts)
    rank = torch.arange(num_slots) - first
    log2phy = torch.full((num_layers, num_experts, int(logcnt.max())), -1)
    log2phy[torch.arange(num_layers)[:, None], sorted_experts, rank] = order
    return log2phy, logcnt

"""``python -m eplb_variants.kernels``: compile the kernels now, and keep them on disk for every later process."""

from __future__ import annotations

import sys
import time


def main() -> None:
    """Import every kernel, which compiles it where no compiled one is kept, and say how many were."""
    sys.stdout.write("kernels: compiling what is not kept yet ... ")
    sys.stdout.flush()
    began = time.perf_counter()
    from numba.core.dispatcher import Dispatcher

    from eplb_variants.kernels import fixup, order, packing, replication, slots, tree

    modules = (fixup, order, packing, replication, slots, tree)
    dispatchers = {f for module in modules for f in vars(module).values() if isinstance(f, Dispatcher)}
    compiled = sum(sum(f.stats.cache_misses.values()) > 0 for f in dispatchers)
    sys.stdout.write(f"{compiled} compiled, {len(dispatchers) - compiled} kept, {time.perf_counter() - began:.1f} s\n")


if __name__ == "__main__":
    main()

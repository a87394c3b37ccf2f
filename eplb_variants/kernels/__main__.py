"""``python -m eplb_variants.kernels``: compile the kernels now, and keep them on disk for every later process."""

from __future__ import annotations

import shutil
import sys
import time


def main() -> None:
    """Import every kernel, which compiles it where no compiled one is kept, and say how many were."""
    sys.stdout.write("kernels: compiling what is not kept yet ... ")
    sys.stdout.flush()
    began = time.perf_counter()
    from numba.core.dispatcher import Dispatcher

    from eplb_variants.kernels import order, packing, pipeline, refine, replication, slots, tree
    from eplb_variants.kernels.compiled import cache_folder, stale_folders

    modules = (order, packing, pipeline, refine, replication, slots, tree)
    kernels = {f for module in modules for f in vars(module).values() if isinstance(f, Dispatcher)}
    new = sum(sum(f.stats.cache_misses.values()) > 0 for f in kernels)
    for folder in stale_folders():
        shutil.rmtree(folder, ignore_errors=True)
    where = f"in {cache_folder()}" if cache_folder() else "nowhere: no folder can be written to"
    sys.stdout.write(f"{new} compiled, {len(kernels) - new} kept, {time.perf_counter() - began:.1f} s; {where}\n")


if __name__ == "__main__":
    main()

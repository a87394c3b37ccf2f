"""``python -m eplb_variants.kernels``: compile the kernels now, and keep them on disk for every later process."""

from __future__ import annotations

import shutil
import sys
import time

from eplb_variants.kernels.ahead import import_all
from eplb_variants.kernels.compiled import KERNELS, cache_folder, stale_folders


def main() -> None:
    """Import every kernel, which compiles it where no compiled one is kept, and say how many were."""
    began = time.perf_counter()
    sys.stdout.write("kernels: compiling what is not kept yet ... ")
    sys.stdout.flush()
    import_all()
    new = sum(sum(kernel.stats.cache_misses.values()) > 0 for kernel in KERNELS)
    for folder in stale_folders():
        shutil.rmtree(folder, ignore_errors=True)
    where = f"in {cache_folder()}" if cache_folder() else "nowhere: no folder can be written to"
    seconds = time.perf_counter() - began
    sys.stdout.write(f"{new} compiled, {len(KERNELS) - new} kept, {seconds:.1f} s; {where}\n")


if __name__ == "__main__":
    main()

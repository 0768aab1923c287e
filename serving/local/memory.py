"""Memory that large requests give back to the system."""

import ctypes

_M_MMAP_THRESHOLD = -3  # of <malloc.h>
LARGE = 2**17  # bytes: what glibc begins with


def give_back_large_blocks() -> None:
    """Has glibc map each block of `LARGE` bytes or more by itself, which returns it to the system once it is freed.

    Left alone, glibc raises this bound to the largest block that was ever freed, up to 32 MiB. Bodies and tensors then
    lie in the heaps of whichever threads read them, and leave holes there: 7 % of the server's memory after 10,000
    hostile requests, instead of 2 %. Other C libraries have no such bound, and nothing is done there.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, LARGE)

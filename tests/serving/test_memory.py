"""What the C library does with large blocks."""

import platform
import subprocess
import sys

import pytest

MAPPED_BY_ITSELF = """
import ctypes
import infogan_serving.local.memory as memory

class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in "abcdefghij"]  # of <malloc.h>; d: blocks mapped by themselves

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
libc.mallinfo.restype = Mallinfo
{call}
libc.free(libc.malloc(2**24))  # after which glibc would map blocks of 16 MiB and more only
before = libc.mallinfo().d
libc.malloc(2**23)
print(libc.mallinfo().d - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other C library has this bound")
@pytest.mark.parametrize("call, mapped", [("memory.give_back_large_blocks()", 1), ("", 0)])
def test_large_blocks_are_returned_whatever_was_freed_before(call, mapped):
    code = MAPPED_BY_ITSELF.format(call=call)
    assert int(subprocess.check_output([sys.executable, "-c", code], text=True)) == mapped

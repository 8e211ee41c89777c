# SPDX-License-Identifier: Apache-2.0
"""Changes numbers within safetensors files, and puts files out of the page cache."""
import json
import os
import struct
import threading
import time
from pathlib import Path

FORMATS = {"F32": ("<f", 4), "F16": ("<e", 2)}


def header_of(path: Path) -> tuple[dict, int]:
    """The tensors of a file, and where their bytes begin."""
    with path.open("rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        return json.loads(file.read(size)), 8 + size


def scale_tensor(path: Path, name: str, exponent: int) -> None:
    """Multiplies a tensor by 2 to the power of `exponent`, which changes no digit."""
    header, begin = header_of(path)
    entry = header[name]
    first, last = entry["data_offsets"]
    with path.open("r+b") as file:
        file.seek(begin + first)
        numbers = bytearray(file.read(last - first))
        scale_numbers(numbers, entry["dtype"], exponent)
        file.seek(begin + first)
        file.write(numbers)


def scale_numbers(numbers: bytearray, dtype: str, exponent: int) -> None:
    if dtype == "BF16":  # the upper half of an f32
        for at in range(0, len(numbers), 2):
            value = struct.unpack("<f", b"\0\0" + numbers[at:at + 2])[0]
            numbers[at:at + 2] = struct.pack("<f", value * 2.0 ** exponent)[2:]
        return
    form, size = FORMATS[dtype]
    for at in range(0, len(numbers), size):
        struct.pack_into(form, numbers, at,
                         struct.unpack_from(form, numbers, at)[0] * 2.0 ** exponent)


def evict(paths: list[Path]) -> None:
    """Out of the page cache, as far as the system lets go."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def read_seconds(paths: list[Path], threads: int = 4, piece: int = 4 << 20) -> tuple[float, int]:
    """Seconds and bytes of reading files whole, with several threads and nothing else to do."""
    pieces = [(path, at) for path in paths for at in range(0, path.stat().st_size, piece)]
    descriptors = {path: os.open(path, os.O_RDONLY) for path in paths}
    lock, total = threading.Lock(), [0]

    def read() -> None:
        buffer = bytearray(piece)
        while True:
            with lock:
                if not pieces:
                    return
                path, at = pieces.pop(0)
            got = os.preadv(descriptors[path], [buffer], at)
            with lock:
                total[0] += got

    start = time.monotonic()
    workers = [threading.Thread(target=read) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.monotonic() - start
    for descriptor in descriptors.values():
        os.close(descriptor)
    return seconds, total[0]

# SPDX-License-Identifier: Apache-2.0
"""What NVIDIA's driver says of a GPU, and memory taken from it, through ctypes alone."""
import ctypes
import subprocess
import sys
import threading
import time
from pathlib import Path

# A ballast says this when it holds its memory.
READY = "holding"


class DriverError(Exception):
    pass


def check(status: int, what: str) -> None:
    if status != 0:
        raise DriverError(f"{what} answered {status}")


class Nvml:
    """The management library: its count is the whole GPU's, every process included."""

    class Memory(ctypes.Structure):
        _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong),
                    ("used", ctypes.c_ulonglong)]

    def __init__(self, index: int = 0):
        self.library = ctypes.CDLL("libnvidia-ml.so.1")
        check(self.library.nvmlInit_v2(), "nvmlInit")
        self.device = ctypes.c_void_p()
        check(self.library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(self.device)),
              "nvmlDeviceGetHandleByIndex")

    def memory(self) -> "Nvml.Memory":
        answer = Nvml.Memory()
        check(self.library.nvmlDeviceGetMemoryInfo(self.device, ctypes.byref(answer)),
              "nvmlDeviceGetMemoryInfo")
        return answer

    def name(self) -> str:
        text = ctypes.create_string_buffer(96)
        check(self.library.nvmlDeviceGetName(self.device, text, 96), "nvmlDeviceGetName")
        return text.value.decode()

    def driver(self) -> str:
        text = ctypes.create_string_buffer(96)
        check(self.library.nvmlSystemGetDriverVersion(text, 96), "nvmlSystemGetDriverVersion")
        return text.value.decode()


class Watch:
    """Highest readings while a process runs: the GPU's used memory above what was used before, and
    the process's private, pinned and shared memory (RssAnon + RssShmem)."""

    INTERVAL_S = 0.005

    def __init__(self, nvml: Nvml, pid: int, gpu_before: int):
        self.nvml, self.pid, self.before = nvml, pid, gpu_before
        self.gpu_peak = self.host_peak = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while not self.done.is_set():
            self.gpu_peak = max(self.gpu_peak, self.nvml.memory().used - self.before)
            self.host_peak = max(self.host_peak, host_bytes(self.pid))
            time.sleep(self.INTERVAL_S)

    def stop(self) -> None:
        self.done.set()
        self.thread.join()


def host_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has ended
        return 0
    kib = [int(line.split()[1]) for line in status.splitlines()
           if line.startswith(("RssAnon:", "RssShmem:"))]
    return sum(kib) * 1024


class Ballast:
    """A second process that holds GPU memory until `leave_bytes` are free, so that the driver
    itself enforces a budget."""

    def __init__(self, leave_bytes: int):
        self.leave_bytes = leave_bytes

    def __enter__(self) -> "Ballast":
        self.process = subprocess.Popen(
            [sys.executable, __file__, "hold", str(self.leave_bytes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        answer = self.process.stdout.readline().strip()
        if answer != READY:
            raise DriverError(f"the ballast says {answer!r}")
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait()


def hold(leave_bytes: int) -> None:
    """Takes memory by the driver API, in pieces, until no more than `leave_bytes` are free."""
    driver = ctypes.CDLL("libcuda.so.1")
    device, context = ctypes.c_int(), ctypes.c_void_p()
    check(driver.cuInit(0), "cuInit")
    check(driver.cuDeviceGet(ctypes.byref(device), 0), "cuDeviceGet")
    check(driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device),
          "cuDevicePrimaryCtxRetain")
    check(driver.cuCtxSetCurrent(context), "cuCtxSetCurrent")
    nvml = Nvml()
    for piece in (1 << 30, 64 << 20, 2 << 20):
        while nvml.memory().free >= leave_bytes + piece:
            address = ctypes.c_ulonglong()
            if driver.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(piece)) != 0:
                break  # not in one piece
    print(READY, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "hold":
        sys.exit("Usage: driver.py hold BYTES_TO_LEAVE_FREE")
    hold(int(sys.argv[2]))

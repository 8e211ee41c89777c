# SPDX-License-Identifier: Apache-2.0
"""From settings to a fleet that answers, and what may be in the way."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from typing import Any, Dict, List, Optional

from ..errors import BadFile, Error, InvalidArgument, NotFound, WriteFailure
from .keys import ApiKeys, keys_for
from .model_check import ModelCheck
from .settings import STAGES, FleetSettings


# Ray and Serve are made for tasks and requests of milliseconds, and look after them ten times a
# second; clips take seconds and more. What the user has set stays.
SPARING_RAY = {
    "RAY_enable_metrics_collection": "0",
    "RAY_event_stats": "0",
    "RAY_task_events_report_interval_ms": "0",
}
_SPARING_SERVE = {
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "10000",
    # On a busy machine Serve's own 5 s are too few to import it.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "30",
}


class StartFailure(Exception):
    """What is in the way, in one sentence and what to do about it; `exit_code` is the program's."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def _as_failure(error: Error) -> StartFailure:
    codes = {InvalidArgument: 2, NotFound: 4, BadFile: 5, WriteFailure: 8}
    code = next((code for kind, code in codes.items() if isinstance(error, kind)), 6)
    return StartFailure(code, str(error))


def load_keys(host: str, file: str) -> ApiKeys:
    """Those in the file; none where the file is none and `host` this machine's alone.

    Raises:
        StartFailure: 2 where others could ask without a key, 4, 5 or 8 for what is wrong with the
            file.
    """
    try:
        return keys_for(host, file)
    except Error as error:
        raise _as_failure(error) from None


def _check_model(settings: FleetSettings) -> None:
    try:
        ModelCheck(settings.model)
    except Error as error:
        raise _as_failure(error) from None


def _check_port(host: str, port: int) -> None:
    """Serve would take another program's refusal for its own and try on."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        raise StartFailure(
            10, f"Cannot listen on {host}:{port}: {error}. Choose another --host or --port."
        ) from None


def _check_address(address: str) -> None:
    """Ray itself would try for a minute."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, ValueError, OverflowError) as error:
        raise StartFailure(
            9,
            f'No Ray cluster answers at "{address}": {error}. '
            'Start one with "ray start --head --port=6379" and give its HOST:6379, or auto.',
        ) from None


def _connect(address: Optional[str]) -> None:
    """Joins a cluster, or starts one on this machine."""
    import ray

    if address not in (None, "auto", "local"):
        _check_address(str(address))
    variables = {name: os.environ.get(name, value) for name, value in _SPARING_SERVE.items()}
    # Its processes find this package where this one did.
    if paths := os.environ.get("PYTHONPATH"):
        variables["PYTHONPATH"] = paths
    own: Dict[str, Any] = {}
    if address in (None, "local"):
        own["include_dashboard"] = False
        for name, value in SPARING_RAY.items():
            os.environ.setdefault(name, value)
    try:
        ray.init(address=address, runtime_env={"env_vars": variables}, log_to_driver=False,
                 logging_level=logging.WARNING, **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        words = str(error).strip().splitlines() or [type(error).__name__]
        raise StartFailure(9, f"Ray cannot be reached: {words[0]} Start it with \"ray start --head\", "
                              "or leave --address out.") from None


def check_room(settings: FleetSettings, nodes: List[Dict[str, Any]]) -> None:
    """That each replica finds a machine, and all together find room: Serve would wait forever.

    Args:
        nodes: what ``ray.nodes()`` gives.

    Raises:
        StartFailure: 9 without a machine, 3 when too little is there.
    """
    rooms = [node.get("Resources", {}) for node in nodes if node.get("Alive")]
    if not rooms:
        raise StartFailure(9, 'The Ray cluster has no machine. Start one with "ray start --address".')
    for kind, unit in (("CPU", "processors"), ("GPU", "GPUs")):
        there = [room.get(kind, 0.0) for room in rooms]
        together = 0.0
        for name in STAGES:
            stage = settings.stage(name)
            need = stage.cpus if kind == "CPU" else stage.gpus
            together += need * stage.least
            if need > max(there):
                raise StartFailure(
                    3,
                    f"No machine of the Ray cluster has the {need:g} {unit} of a {name} replica; "
                    f"{max(there):g} is the most. Add a machine with \"ray start --address\", or "
                    f"give a smaller --{name}-{kind.lower()}s.",
                )
        if together > sum(there) + 1e-6:
            raise StartFailure(
                3,
                f"All replicas together need {together:g} {unit}; the Ray cluster has "
                f"{sum(there):g}. Add a machine with \"ray start --address\", or ask for fewer.",
            )


def serve_until_stopped(
    settings: FleetSettings, address: Optional[str], host: str, port: int
) -> None:
    """Prints the fleet's address once it answers; returns after Ctrl-C or SIGTERM.

    Raises:
        StartFailure: it does not get that far.
    """
    try:
        import ray
        from ray import serve

        from .deployments import APPLICATION, build_application
    except ImportError as error:
        raise StartFailure(
            4, f"Ray is missing ({error.name}). Install it with: pip install 'reel[ray]'"
        ) from None
    _check_model(settings)
    _check_port(host, port)
    _connect(address)
    try:
        check_room(settings, ray.nodes())
        try:
            serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
            serve.run(build_application(settings), name=APPLICATION)
        except (RuntimeError, TimeoutError, ray.exceptions.RayError) as error:
            raise StartFailure(9, f"The fleet does not start: {error}") from None
        is_stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: is_stopped.set())
        print(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}", flush=True)
        is_stopped.wait()
        serve.shutdown()
    finally:
        ray.shutdown()

# SPDX-License-Identifier: Apache-2.0
"""Several machines that make clips together, on Ray Serve: ``pip install 'reel[ray]'``.

Text encoder, DiT and decoder are deployments of their own, each with as many replicas as asked for,
on whichever machine of the Ray cluster has room. The HTTP interface in front of them is that of
``reel serve``. ``python -m reel.fleet --help`` starts it.
"""

from .settings import FleetSettings

__all__ = ["FleetSettings", "build"]


def build(settings: FleetSettings):  # type: ignore[no-untyped-def]
    """The Serve application, for ``serve.run`` and ``serve build``. Needs Ray."""
    from .deployments import build_application

    return build_application(settings)

# SPDX-License-Identifier: Apache-2.0
"""LightX2V's interface over Reel: ``from reel.lightx2v import LightX2VPipeline``."""

from .pipeline import LightX2VPipeline

__all__ = ["LightX2VPipeline"]

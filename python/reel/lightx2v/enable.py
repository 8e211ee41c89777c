# SPDX-License-Identifier: Apache-2.0
"""The ``enable_*`` calls of LightX2V: each turns its arguments into keys of the configuration.

Source: lightx2v/pipeline.py of ModelTC/LightX2V.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional, Sequence, Union

from .. import _reel
from ..errors import WrongOrder
from .attributes import Attributes

Path = Union[str, "os.PathLike[str]"]


class Enable(Attributes):
    """What is enabled before a generator is created."""

    def __init__(self) -> None:
        super().__init__()
        self._engine: Optional[_reel.Engine] = None

    def enable_offload(
        self,
        cpu_offload: bool = False,
        offload_granularity: str = "block",
        text_encoder_offload: bool = False,
        image_encoder_offload: bool = False,
        vae_offload: bool = False,
    ) -> None:
        """Hints about memory. Reel plans it by itself: what does not fit the GPU is streamed."""
        self._require_not_created("enable_offload")
        self._set(
            "enable_offload",
            cpu_offload=cpu_offload,
            offload_granularity=offload_granularity,
            t5_cpu_offload=text_encoder_offload,
            clip_cpu_offload=image_encoder_offload,
            vae_cpu_offload=vae_offload,
        )

    def enable_quantize(
        self,
        dit_quantized: bool = False,
        text_encoder_quantized: bool = False,
        image_encoder_quantized: bool = False,
        dit_quantized_ckpt: Optional[Path] = None,
        low_noise_quantized_ckpt: Optional[Path] = None,
        high_noise_quantized_ckpt: Optional[Path] = None,
        text_encoder_quantized_ckpt: Union[Path, bool, None] = False,
        image_encoder_quantized_ckpt: Union[Path, bool, None] = False,
        quant_scheme: str = "fp8-sgl",
        text_encoder_quant_scheme: Optional[str] = None,
        skip_fp8_block_index: Sequence[int] = (0, 43, 44, 45, 46, 47),
    ) -> None:
        """Asks for quantised weights.

        Args:
            dit_quantized: whether those of the DiT are.
            dit_quantized_ckpt: their file or folder; None: found in ``model_path``.
            text_encoder_quantized, text_encoder_quantized_ckpt: the same of the text encoder.
                False for the file, the default, means found too.
            quant_scheme: "fp8-sgl", "int8-vllm", ...: FP8 or INT8 weights, with Reel's own products.
            text_encoder_quant_scheme: None: that of ``quant_scheme``, as in LightX2V for Wan.
        """
        self._require_not_created("enable_quantize")
        self._set(
            "enable_quantize",
            dit_quantized=dit_quantized,
            # A scheme without quantised weights is a contradiction.
            dit_quant_scheme=quant_scheme if dit_quantized else None,
            dit_quantized_ckpt=dit_quantized_ckpt,
            t5_quantized=text_encoder_quantized,
            t5_quant_scheme=(
                (text_encoder_quant_scheme or quant_scheme) if text_encoder_quantized else None
            ),
            t5_quantized_ckpt=text_encoder_quantized_ckpt or None,
        )
        self._ignore(
            image_encoder_quantized=image_encoder_quantized or None,
            image_encoder_quantized_ckpt=image_encoder_quantized_ckpt or None,
            low_noise_quantized_ckpt=low_noise_quantized_ckpt,
            high_noise_quantized_ckpt=high_noise_quantized_ckpt,
        )

    def enable_lora(
        self, lora_configs: Sequence[Mapping[str, Any]], lora_dynamic_apply: bool = False
    ) -> None:
        """Adds LoRAs: ``[{"path": "a.safetensors", "strength": 1.0}]``.

        They are added when weights are prepared, on quantised ones too, whatever
        ``lora_dynamic_apply`` says.
        """
        self._require_not_created("enable_lora")
        self._set(
            "enable_lora",
            lora_configs=[_with_text_path(config) for config in lora_configs],
            lora_dynamic_apply=lora_dynamic_apply or None,
        )

    def enable_lightvae(
        self,
        use_lightvae: bool = False,
        use_tae: bool = False,
        vae_path: Optional[Path] = None,
        tae_path: Optional[Path] = None,
    ) -> None:
        """Asks for a smaller decoder, which is faster and less exact.

        Args:
            use_lightvae: the light VAE; ``vae_path`` is its file, left out: lightvaew2_1 in
                ``model_path``.
            use_tae: a TAE, above ``use_lightvae``; ``tae_path`` is its file, left out: taew2_1 in
                ``model_path``. One called lighttae takes what the VAE takes, as in LightX2V.
            vae_path: without either, the file of the VAE.
        """
        self._require_not_created("enable_lightvae")
        self._set(
            "enable_lightvae",
            use_lightvae=use_lightvae,
            use_tae=use_tae,
            vae_path=vae_path,
            tae_path=tae_path,
        )

    def enable_cache(
        self,
        cache_method: str = "Tea",
        coefficients: Any = None,
        teacache_thresh: Any = None,
        use_ret_steps: Any = None,
        magcache_calibration: Any = None,
        magcache_K: Any = None,  # noqa: N803: LightX2V's name
        magcache_thresh: Any = None,
        magcache_retention_ratio: Any = None,
        magcache_ratios: Any = None,
    ) -> None:
        """Refused by ``create_generator``: skipping work between steps changes the result."""
        self._require_not_created("enable_cache")
        self._set("enable_cache", feature_caching=cache_method)

    def enable_compile(self) -> None:
        """Without effect: Reel is compiled."""
        self._require_not_created("enable_compile")
        self._set("enable_compile", use_compile=True)

    def enable_parallel(
        self, cfg_p_size: int = 1, seq_p_size: int = 1, seq_p_attn_type: str = "ulysses"
    ) -> None:
        """Without effect: the constructor's ``device`` may name several GPUs ("cuda:0,cuda:1")."""
        self._require_not_created("enable_parallel")
        sizes = {"cfg_p_size": cfg_p_size, "seq_p_size": seq_p_size}
        self._set("enable_parallel", parallel={**sizes, "seq_p_attn_type": seq_p_attn_type})

    def _require_not_created(self, method: str) -> None:
        if self._engine is not None:
            raise WrongOrder(
                f"{method}() was called after create_generator(), where it has no effect.",
                "Call it before create_generator().",
            )


def _with_text_path(config: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        key: os.fspath(value) if isinstance(value, os.PathLike) else value
        for key, value in config.items()
    }

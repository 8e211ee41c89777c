# SPDX-License-Identifier: Apache-2.0
"""LightX2VPipeline with the methods and arguments that LightX2V has for them.

Source: lightx2v/pipeline.py of ModelTC/LightX2V. What each key means here is decided by the library
(docs/LIGHTX2V.md); this file turns calls into keys.
"""

from __future__ import annotations

import json
import os
import warnings
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Set, Union

from .. import _reel
from .._watch import ProgressCallback, Watcher
from ..errors import InvalidArgument, ReelWarning, Unsupported, WrongOrder
from .enable import Enable

if TYPE_CHECKING:
    import numpy

Path = Union[str, "os.PathLike[str]"]

_NO_OTHER_INPUT = (
    "The hub tags these text-to-video checkpoints as image-to-video and prints a wrong snippet; "
    "leave it out."
)


class LightX2VPipeline(Enable):
    """Makes clips with the calls of LightX2V: ``enable_*``, ``create_generator``, ``generate``.

    As there, the object is also a dictionary of its attributes, and each that is not None is a key
    of the configuration when ``create_generator`` is called.

    Args:
        task: "t2v".
        model_path: the folder of the checkpoint: the repository's root, or its ``distill_fp8``.
        model_cls: "wan2.1_distill" or "wan2.1".
        dit_original_ckpt: file or folder of weights that are not quantised.
        support_tasks, sf_model_path, low_noise_original_ckpt, high_noise_original_ckpt,
            transformer_model_name: without effect.
        device, vram_bytes, ram_bytes, threads: Reel's own, as for :class:`reel.Pipeline`.
    """

    def __init__(
        self,
        task: str = "",
        model_path: Path = "",
        model_cls: str = "",
        support_tasks: Sequence[str] = (),
        sf_model_path: Optional[Path] = None,
        dit_original_ckpt: Optional[Path] = None,
        low_noise_original_ckpt: Optional[Path] = None,
        high_noise_original_ckpt: Optional[Path] = None,
        transformer_model_name: Optional[str] = None,
        *,
        device: str = "auto",
        vram_bytes: int = 0,
        ram_bytes: int = 0,
        threads: int = 0,
    ) -> None:
        super().__init__()
        self._set(
            "LightX2VPipeline",
            task=task or None,
            model_path=model_path or None,
            model_cls=model_cls or None,
            dit_original_ckpt=dit_original_ckpt,
            support_tasks=list(support_tasks) or None,
        )
        self._ignore(
            sf_model_path=sf_model_path,
            low_noise_original_ckpt=low_noise_original_ckpt,
            high_noise_original_ckpt=high_noise_original_ckpt,
            transformer_model_name=transformer_model_name,
        )
        self._device = device
        self._vram_bytes = vram_bytes
        self._ram_bytes = ram_bytes
        self._threads = threads
        self._config_json = ""
        self._created: List[_reel.LightX2VSetting] = []
        self._said: Set[str] = set()

    def create_generator(
        self,
        attn_mode: str = "flash_attn2",
        infer_steps: Optional[int] = None,
        num_frames: Optional[int] = None,
        height: Optional[int] = None,
        width: Optional[int] = None,
        guidance_scale: Optional[float] = None,
        sample_shift: float = 5.0,
        fps: int = 16,
        aspect_ratio: Optional[str] = None,
        boundary: Optional[float] = None,
        boundary_step_index: Optional[int] = None,
        denoising_step_list: Optional[Sequence[int]] = None,
        config_json: Optional[Path] = None,
        rope_type: Optional[str] = None,
        resize_mode: Optional[str] = None,
        audio_fps: Optional[int] = None,
        double_precision_rope: Optional[bool] = None,
        norm_modulate_backend: Optional[str] = None,
        distilled_sigma_values: Optional[Sequence[float]] = None,
    ) -> None:
        """Opens the model for clips with these settings. It may be called again with others.

        Args:
            attn_mode: a dense attention's name; Reel's own takes its place.
            infer_steps: denoising steps. Left out: what the model was made for.
            num_frames: 4n + 1. height, width: pixels, multiples of 16. Left out: the model's own,
                832 x 480 and 81 frames.
            guidance_scale: 1 is off. Left out: 1 for a distilled model, with a warning (LightX2V
                would take 5). Another value is obeyed, with a warning for a distilled model.
            sample_shift: of the noise levels.
            fps: frames per second of the file.
            denoising_step_list: of a distilled model, above ``infer_steps``. Left out with
                model_cls "wan2.1_distill": [1000, 750, 500, 250].
            config_json: a config of LightX2V; the arguments before it are then ignored.
            aspect_ratio, boundary, boundary_step_index, rope_type, resize_mode, audio_fps,
                double_precision_rope, norm_modulate_backend, distilled_sigma_values: without
                effect.

        Raises:
            reel.InvalidArgument (ValueError), reel.Unsupported (NotImplementedError): for a setting
                that cannot be, or is not done here.
            reel.NotFound (FileNotFoundError), reel.BadFile: of the model's files.
        """
        self._config_json = "" if config_json is None else os.fspath(config_json)
        if config_json is None:
            self._set_arguments(
                attn_mode, infer_steps, num_frames, height, width, sample_shift, fps,
                denoising_step_list, guidance_scale,
            )
        self._ignore(
            aspect_ratio=aspect_ratio,
            boundary=boundary,
            boundary_step_index=boundary_step_index,
            rope_type=rope_type,
            resize_mode=resize_mode,
            audio_fps=audio_fps,
            double_precision_rope=double_precision_rope,
            norm_modulate_backend=norm_modulate_backend,
            distilled_sigma_values=distilled_sigma_values,
        )
        self._created = self._settings()
        guidance = self._open().sampling.guidance
        left_out = config_json is None and guidance_scale is None
        if left_out and guidance == 1:
            warnings.warn(
                "guidance_scale was left out: 1 is used, off, as the model was distilled without "
                "guidance. LightX2V would take 5.",
                ReelWarning,
                stacklevel=2,
            )

    def generate(
        self,
        seed: Optional[int] = 42,
        prompt: str = "",
        negative_prompt: str = "",
        save_result_path: Path = "lightx2v_gen_result.mp4",
        task: Optional[str] = None,
        image_path: Optional[Path] = None,
        action_path: Optional[Path] = None,
        video_path: Optional[Path] = None,
        image_strength: Any = None,
        i2i_denoise_strength: Any = None,
        image_frame_idx: Any = None,
        last_frame_path: Optional[Path] = None,
        audio_path: Optional[Path] = None,
        src_ref_images: Any = None,
        src_video: Optional[Path] = None,
        src_mask: Optional[Path] = None,
        return_result_tensor: bool = False,
        target_shape: Sequence[int] = (),
        num_frames: Optional[int] = None,
        sr_ratio: Optional[float] = None,
        prompt_ref: Optional[str] = None,
        *,
        progress: Optional[ProgressCallback] = None,
    ) -> Dict[str, Optional["numpy.ndarray"]]:
        """Makes a clip. An existing file is replaced, as LightX2V does.

        Args:
            seed: None for a random one.
            prompt: what the clip shows. negative_prompt: what to avoid, with guidance alone.
            save_result_path: .mp4, .y4m, or a folder for PNG frames.
            return_result_tensor: return the frames, and write no file.
            target_shape: [height, width] in pixels, for this clip alone.
            num_frames: where the settings of ``create_generator`` name no length.
            image_path, last_frame_path, audio_path, video_path, action_path, src_video, src_mask,
                src_ref_images: refused, Reel makes video from text alone.
            image_strength, i2i_denoise_strength, image_frame_idx, sr_ratio, prompt_ref: without
                effect.
            progress: Reel's own: called with a :class:`reel.ProgressEvent`. What it raises stops
                the run.

        Returns:
            {"video": frames} with [N, H, W, 3] float32 in 0..1, an array of NumPy
            (``torch.from_numpy`` makes a tensor of it), when ``return_result_tensor``; else
            {"video": None}.
        """
        engine = self._require_created("generate")
        _refuse_inputs(
            image_path=image_path, last_frame_path=last_frame_path, audio_path=audio_path,
            video_path=video_path, action_path=action_path, src_video=src_video,
            src_mask=src_mask, src_ref_images=src_ref_images,
        )
        if task not in (None, "t2v"):
            raise Unsupported(f'task is "{task}"; Reel makes video from text alone (t2v).')
        settings = self._request_settings()
        settings.seed = seed
        settings.prompt = prompt
        settings.negative_prompt = negative_prompt
        settings.target_shape = list(target_shape)
        settings.num_frames = num_frames
        settings.without_effect += [
            name
            for name, value in (
                ("image_strength", image_strength),
                ("i2i_denoise_strength", i2i_denoise_strength),
                ("image_frame_idx", image_frame_idx),
                ("sr_ratio", sr_ratio),
                ("prompt_ref", prompt_ref),
            )
            if value is not None
        ]
        watcher = Watcher(progress, self._said)
        request = _reel.lightx2v_prepare(settings, watcher)[1]
        request.out = b"" if return_result_tensor else os.fsencode(save_result_path)
        request.frames_only = return_result_tensor
        request.overwrite = True
        frames = engine.generate(request, watcher, return_result_tensor)[1]
        return {"video": None if frames is None else _to_unit_range(frames)}

    def switch_lora(self, lora_path: Path, strength: float = 1.0) -> None:
        """Replaces the LoRAs of the generator by this one; "" removes them."""
        self._require_created("switch_lora")
        loras = [{"path": os.fspath(lora_path), "strength": strength}] if lora_path else []
        self._created = [one for one in self._created if one.key != "lora_configs"]
        if loras:
            self._created.append(
                _reel.LightX2VSetting("lora_configs", json.dumps(loras), "switch_lora")
            )
        self._open()

    def cancel(self) -> None:
        """Reel's own: stops the clip that another thread is making."""
        if self._engine is not None:
            self._engine.cancel()

    def _set_arguments(
        self,
        attn_mode: str,
        infer_steps: Optional[int],
        num_frames: Optional[int],
        height: Optional[int],
        width: Optional[int],
        sample_shift: float,
        fps: int,
        denoising_step_list: Optional[Sequence[int]],
        guidance_scale: Optional[float],
    ) -> None:
        step_list = denoising_step_list
        if step_list is None and self.get("model_cls") == "wan2.1_distill":
            step_list = [1000, 750, 500, 250]
        self._set(
            "create_generator",
            self_attn_1_type=attn_mode,
            cross_attn_1_type=attn_mode,
            infer_steps=infer_steps,
            target_video_length=num_frames,
            target_height=height,
            target_width=width,
            sample_shift=sample_shift,
            fps=fps,
            denoising_step_list=None if step_list is None else list(step_list),
            # Left out, the model decides.
            enable_cfg=None if guidance_scale is None else guidance_scale != 1,
            sample_guide_scale=None if guidance_scale in (None, 1) else guidance_scale,
        )

    def _request_settings(self) -> _reel.LightX2VSettings:
        settings = _reel.LightX2VSettings()
        settings.given = self._created
        settings.config_json = os.fsencode(self._config_json)
        settings.without_effect = self._ignored()
        settings.name_prefix = ""
        return settings

    def _open(self) -> _reel.VideoRequest:
        """Opens the model that the settings mean; returns what they make of a request."""
        watcher = Watcher(said=self._said, level=3)
        model, request = _reel.lightx2v_prepare(self._request_settings(), watcher)
        model.device = self._device
        model.vram_bytes = self._vram_bytes
        model.ram_bytes = self._ram_bytes
        model.threads = self._threads
        model.text_cache = True
        engine = _reel.Engine(model)
        request.prompt = "a clip"  # any: the settings are what is checked
        request.frames_only = True
        complete = engine.check(request, watcher)
        self._engine = engine
        return complete

    def _require_created(self, method: str) -> _reel.Engine:
        if self._engine is None:
            raise WrongOrder(
                f"{method}() was called before create_generator().",
                "Call create_generator() first; it opens the model.",
            )
        return self._engine


def _refuse_inputs(**inputs: Any) -> None:
    for name, value in inputs.items():
        if value:
            raise InvalidArgument(
                f"{name} was given, but Reel makes video from text alone.", _NO_OTHER_INPUT
            )


def _to_unit_range(frames: "numpy.ndarray") -> "numpy.ndarray":
    import numpy

    return frames.astype(numpy.float32) / numpy.float32(255)

# SPDX-License-Identifier: Apache-2.0
"""Reel's own interface: open a model, make clips."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence, Tuple

from . import _reel
from ._watch import PreviewCallback, ProgressCallback, Watcher
from .errors import InvalidArgument
from .options import Lora, Path, model_options, sampling_options

if TYPE_CHECKING:
    import numpy


@dataclass(frozen=True)
class Clip:
    """A clip that was made.

    Attributes:
        path: the file or folder it was written to; None when only frames were asked for.
        frames: [N, H, W, 3] uint8, RGB; None when they were not asked for.
        seed: makes the same clip again.
        width, height: pixels.
        frame_count: N.
        fps: frames per second.
        frames_digest: XXH3-128 of the bytes of all frames, in hexadecimal digits.
        recipe: all that the clip depends on, as ``reel replay`` reads it.
        report: what the run took: seconds and bytes by stage.
    """

    path: Optional[str]
    frames: Optional["numpy.ndarray"] = field(repr=False)
    seed: int
    width: int
    height: int
    frame_count: int
    fps: int
    frames_digest: str
    recipe: Mapping[str, Any] = field(repr=False)
    report: Mapping[str, Any] = field(repr=False)


def to_clip(made: Tuple[_reel.VideoResult, Optional["numpy.ndarray"]], fps: int) -> Clip:
    """What the library returns, as a Clip."""
    result, frames = made
    return Clip(
        path=result.path or None,
        frames=frames,
        seed=result.seed,
        width=result.width_px,
        height=result.height_px,
        frame_count=result.frames,
        fps=fps,
        frames_digest=result.frames_digest,
        recipe=json.loads(result.recipe_json),
        report=json.loads(result.report_json),
    )


class Pipeline:
    """One model, opened. Weights are read when they are first needed.

    Args:
        model: a repository root, a ``distill_*`` folder, one file, a hub snapshot, or a name that
            ``reel pull`` has fetched. Left out: the built-in demo model.
        text_encoder, vae, tokenizer: files or folders; left out: found from ``model``. ``vae`` may
            be a light VAE or a TAE, which decode faster and less exactly.
        tae_latents: what a TAE decodes: "diffusion" (taew2_1), "vae" (lighttaew2_1), or "auto", by
            its name.
        vae_tiling: "blended": the VAE decodes tiles of 256 pixels and blends them, as LightX2V's
            ``use_tiling_vae`` does; other frames, slower. "off" or "": it decodes whole pictures.
        variant: "fp8", "int8" or "bf16", where the model has several.
        kind: "distilled" or "base"; left out: what the files show.
        loras: files, or pairs of a file and its strength, added in this order.
        device: "auto" (a GPU if there is one), "cpu", "cuda:0".
        precision: "auto", "f32", "bf16", "int8" or "fp8".
        threads: compute threads on the CPU; 0 for all cores of the process.
        vram_bytes: behave as on a GPU of this size; 0 for all that is free.
        ram_bytes: host memory for weights; 0 for half of what is free.
        text_cache: keep the text states of prompts in the user's cache folder, so that a prompt
            that was encoded before needs no text encoder.
        preview_decoder: a TAE that draws the previews of :meth:`generate`, larger and sharper than
            without. Every step then takes longer by a decode, so give it only to watch.

    Several threads may hold a pipeline, but it makes one clip at a time: the others get
    :class:`reel.Busy`.
    """

    def __init__(
        self,
        model: Path = "",
        *,
        text_encoder: Path = "",
        vae: Path = "",
        tokenizer: Path = "",
        variant: str = "",
        kind: str = "",
        loras: Sequence[Lora] = (),
        device: str = "auto",
        precision: str = "auto",
        threads: int = 0,
        vram_bytes: int = 0,
        ram_bytes: int = 0,
        text_cache: bool = True,
        tae_latents: str = "auto",
        vae_tiling: str = "",
        preview_decoder: Path = "",
    ) -> None:
        options = model_options(
            model,
            text_encoder=text_encoder,
            vae=vae,
            tokenizer=tokenizer,
            variant=variant,
            kind=kind,
            loras=loras,
            device=device,
            precision=precision,
            threads=threads,
            vram_bytes=vram_bytes,
            ram_bytes=ram_bytes,
            text_cache=text_cache,
            tae_latents=tae_latents,
            vae_tiling=vae_tiling,
            preview_decoder=preview_decoder,
        )
        self._engine = _reel.Engine(options)

    def generate(
        self,
        prompt: str,
        *,
        negative_prompt: str = "",
        seed: Optional[int] = None,
        width: Optional[int] = None,
        height: Optional[int] = None,
        frames: Optional[int] = None,
        steps: Optional[int] = None,
        timesteps: Sequence[int] = (),
        shift: Optional[float] = None,
        guidance: Optional[float] = None,
        sampler: str = "",
        rng: str = "torch-cuda",
        out: Optional[Path] = None,
        overwrite: bool = False,
        fps: int = 16,
        quality: int = 18,
        write_recipe: bool = True,
        return_frames: Optional[bool] = None,
        progress: Optional[ProgressCallback] = None,
        previews: Optional[Path] = None,
        on_preview: Optional[PreviewCallback] = None,
        image: Any = None,
    ) -> Clip:
        """Makes a clip. What is left out gets the value that the model was made for.

        Args:
            prompt: what the clip shows.
            negative_prompt: what to avoid; has an effect with guidance alone.
            seed: the same seed makes the same clip; left out: a random one, which the clip tells.
            width, height: pixels, multiples of 16.
            frames: 4n + 1.
            steps: denoising steps. ``timesteps``: a distilled model's, like [1000, 750, 500, 250].
            shift: of the noise levels.
            guidance: classifier-free guidance; 1 is off, and right for a distilled model.
            sampler: "lcm", "euler" or "unipc".
            rng: "torch-cuda" or "torch-cpu": whose noise a seed means.
            out: .mp4, .y4m, or a folder for PNG frames; "{seed}" is replaced. Left out: no file.
            overwrite: replace an existing file.
            fps: frames per second of the file.
            quality: 0 (lossless) to 51.
            write_recipe: store in an MP4 file what it was made from.
            return_frames: keep the frames in memory (N x H x W x 3 bytes); left out: when no file
                is written.
            progress: called with a :class:`reel.ProgressEvent` in this thread. What it raises
                stops the run and is raised here.
            previews: a folder for step-1.png, step-2.png, ...: after every step, what the clip
                is going to look like; "{seed}" is replaced.
            on_preview: called with the same as a :class:`reel.Preview`, like ``progress``.
            image: refused, Reel makes video from text alone.

        Raises:
            reel.InvalidArgument (ValueError): before anything is computed.
            reel.NotFound (FileNotFoundError), reel.BadFile: of the model's files.
            reel.OutOfMemory (MemoryError): the clip does not fit; the message names what would.
            reel.WriteFailure (OSError): the output cannot be written.
            reel.Cancelled: after :meth:`cancel`. KeyboardInterrupt: within half a second of Ctrl-C.
        """
        if image is not None:
            raise InvalidArgument(
                "image was given, but Reel makes video from text alone.",
                "The hub tags these text-to-video checkpoints as image-to-video and prints a wrong "
                "snippet; leave it out.",
            )
        request = _reel.VideoRequest()
        request.prompt = prompt
        request.negative_prompt = negative_prompt
        request.sampling = sampling_options(
            seed=seed,
            width=width,
            height=height,
            frames=frames,
            steps=steps,
            timesteps=timesteps,
            shift=shift,
            guidance=guidance,
            sampler=sampler,
            rng=rng,
        )
        request.frames_only = out is None
        request.out = b"" if out is None else os.fsencode(out)
        request.overwrite = overwrite
        request.fps = fps
        request.quality = quality
        request.write_recipe = write_recipe
        request.preview_dir = b"" if previews is None else os.fsencode(previews)
        keep = out is None if return_frames is None else return_frames
        watcher = Watcher(progress, on_preview=on_preview)
        return to_clip(self._engine.generate(request, watcher, keep), fps)

    def cancel(self) -> None:
        """Stops the clip that another thread is making, which raises :class:`reel.Cancelled`."""
        self._engine.cancel()


def resume(
    job_id: str,
    *,
    out: Optional[Path] = None,
    overwrite: bool = False,
    return_frames: Optional[bool] = None,
    progress: Optional[ProgressCallback] = None,
    previews: Optional[Path] = None,
    on_preview: Optional[PreviewCallback] = None,
) -> Clip:
    """Continues a job that was stopped or crashed, from the last step it saved.

    Args:
        job_id: that of the error which ended the job.
        out: where the clip goes; left out: where it was to go, if anywhere.
        overwrite: replace an existing file.
        return_frames, progress, on_preview: as for :meth:`Pipeline.generate`.
        previews: left out: where previews went, if anywhere.
    """
    model, request = _reel.load_job(job_id)
    engine = _reel.Engine(model)
    keep = request.frames_only and out is None if return_frames is None else return_frames
    path = b"" if out is None else os.fsencode(out)
    folder = b"" if previews is None else os.fsencode(previews)
    watcher = Watcher(progress, on_preview=on_preview)
    made = engine.resume(job_id, path, folder, overwrite, watcher, keep)
    return to_clip(made, request.fps)


# SPDX-License-Identifier: Apache-2.0
"""The three stages of a clip on their own, joined by safetensors files.

For those who run them on different machines, or keep what is between them. Each call opens the
model's files for its stage alone and closes them at its end. :class:`reel.Pipeline` does all three.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Mapping, Optional, Sequence

from . import _reel
from ._watch import ProgressCallback, Watcher
from .options import Path, model_options, sampling_arguments, sampling_options

Report = Mapping[str, Any]


class Stages:
    """The stages of one model.

    Args: those of :class:`reel.Pipeline`.

    Each method returns what it took: seconds and bytes. It raises what
    :meth:`reel.Pipeline.generate` raises. ``progress`` is called with a
    :class:`reel.ProgressEvent` in the calling thread; what it raises stops the stage.
    """

    def __init__(self, model: Path = "", **options: Any) -> None:
        self._model = model_options(model, **options)

    def complete(self, **sampling: Any) -> Dict[str, Any]:
        """The arguments of :meth:`denoise` that say what is sampled, with every gap filled: what
        the model was made for, a random seed. Reads headers alone; all of the model must be there.
        """
        request = _reel.VideoRequest()
        request.prompt = "any"
        request.frames_only = True
        request.sampling = sampling_options(**sampling)
        return sampling_arguments(_reel.Engine(self._model).check(request, Watcher()).sampling)

    def encode_text(
        self,
        prompt: str,
        out: Path,
        *,
        negative_prompt: Optional[str] = None,
        progress: Optional[ProgressCallback] = None,
    ) -> Report:
        """Writes ``text_states`` [512, text_dim] float32, ``ids`` and ``mask`` [512] int64.

        With ``negative_prompt``, which guidance needs, ``negative_text_states`` too; an empty one
        stands for Wan's own.
        """
        return _report(
            _reel.encode_text(
                self._model,
                prompt,
                negative_prompt or "",
                negative_prompt is not None,
                os.fsencode(out),
                Watcher(progress),
            )
        )

    def denoise(
        self,
        text: Path,
        out: Path,
        *,
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
        noise: Optional[Path] = None,
        state: Optional[Path] = None,
        previews: Optional[Path] = None,
        progress: Optional[ProgressCallback] = None,
    ) -> Report:
        """Writes ``latents`` and ``noise`` [16, T', h, w] float32, and what else joined in.

        Args:
            text: what :meth:`encode_text` wrote.
            noise: a file with ``noise`` and ``step_noise`` to use instead of the seed's.
            state: a file that is written after every step, before ``progress`` tells of it. Where
                it is there, the same call goes on from it, on another machine too. Removed at
                the end.
            previews: a folder for step-1.png and on, what the clip is going to look like after
                every step, there before ``progress`` tells of the step.
        """
        sampling = sampling_options(
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
        return _report(
            _reel.denoise(
                self._model,
                os.fsencode(text),
                sampling,
                b"" if noise is None else os.fsencode(noise),
                b"" if state is None else os.fsencode(state),
                b"" if previews is None else os.fsencode(previews),
                os.fsencode(out),
                Watcher(progress),
            )
        )

    def decode(
        self,
        latents: Path,
        out: Path,
        *,
        overwrite: bool = False,
        fps: int = 16,
        quality: int = 18,
        write_recipe: bool = True,
        progress: Optional[ProgressCallback] = None,
    ) -> Report:
        """Writes the clip: .mp4, .y4m, a folder for PNG frames, or .safetensors with ``frames``
        [N, H, W, 3] float32 in 0 to 1.

        Args:
            write_recipe: store in an MP4 file what it was made from, which the stages' files have
                where they began with a prompt, and noise with a seed.
        """
        return _report(
            _reel.decode(
                self._model,
                os.fsencode(latents),
                os.fsencode(out),
                overwrite,
                fps,
                quality,
                write_recipe,
                Watcher(progress),
            )
        )


def _report(text: str) -> Report:
    report: Report = json.loads(text)
    return report

# SPDX-License-Identifier: Apache-2.0
# The library as it is bound; reel.Pipeline and reel.lightx2v are made of it. Paths are given as
# bytes (os.fsencode) where they need not be UTF-8, and come back as os.fsdecode has them.
from typing import List, Optional, Protocol, Tuple, Union

import numpy
import numpy.typing

version: str
error_codes: Tuple[str, ...]

def build_summary() -> str:
    """One line: version, backends compiled in, CPU kernels that will run here."""

_Path = Union[str, bytes]

class LoraChoice:
    path: _Path
    strength: float
    def __init__(self, path: _Path, strength: float = 1.0) -> None: ...

class ModelOptions:
    model: _Path
    text_encoder: _Path
    vae: _Path
    tae_latents: str
    vae_tiling: str
    preview_decoder: _Path
    tokenizer: _Path
    variant: str
    checkpoint_kind: str
    loras: List[LoraChoice]
    device: str
    precision: str
    threads: int
    text_cache: bool
    vram_bytes: int
    ram_bytes: int
    def __init__(self) -> None: ...

class SamplingOptions:
    seed: Optional[int]
    width_px: Optional[int]
    height_px: Optional[int]
    frames: Optional[int]
    steps: Optional[int]
    timesteps: List[int]
    shift: Optional[float]
    guidance: Optional[float]
    sampler: str
    rng: str
    def __init__(self) -> None: ...

class VideoRequest:
    prompt: str
    negative_prompt: str
    sampling: SamplingOptions
    out: _Path
    frames_only: bool
    overwrite: bool
    fps: int
    quality: int
    write_recipe: bool
    preview_dir: _Path
    def __init__(self) -> None: ...

class VideoResult:
    @property
    def path(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def width_px(self) -> int: ...
    @property
    def height_px(self) -> int: ...
    @property
    def frames(self) -> int: ...
    @property
    def frames_digest(self) -> str: ...
    @property
    def recipe_json(self) -> str: ...
    @property
    def job_id(self) -> str: ...
    @property
    def report_json(self) -> str: ...

class ProgressEvent:
    """Where a run stands. Units are layers of the text encoder, denoising steps, decoded frames."""

    @property
    def stage(self) -> str:
        """"text", "denoise" or "decode"."""
    @property
    def done(self) -> int:
        """Units of the stage that are done."""
    @property
    def total(self) -> int:
        """Units of the stage."""
    @property
    def part(self) -> float:
        """How far the unit after ``done`` has come, 0 to 1."""
    @property
    def stage_seconds(self) -> float:
        """Since the stage began."""
    @property
    def remaining_seconds(self) -> Optional[float]:
        """Of the whole run from here; None while it cannot be told yet."""

class Preview:
    """What the clip is going to look like, as far as a denoising step tells."""

    @property
    def step(self) -> int:
        """The step, from 1."""
    @property
    def steps(self) -> int:
        """As many as the clip has."""
    @property
    def image(self) -> "numpy.typing.NDArray[numpy.uint8]":
        """[H, W, 3], RGB: up to six frames of the clip in rows of three. A new array each time."""

class Watcher(Protocol):
    def on_event(self, event: ProgressEvent) -> None: ...
    def on_preview(self, preview: Preview) -> None: ...
    def on_warning(self, text: str) -> None: ...
    def on_note(self, text: str) -> None: ...

_Frames = Optional["numpy.typing.NDArray[numpy.uint8]"]

class Engine:
    """One model; one run at a time. What the watcher raises stops the run and is raised here."""

    def __init__(self, options: ModelOptions) -> None: ...
    def check(self, request: VideoRequest, watcher: Watcher) -> VideoRequest:
        """The request with every gap filled; nothing is computed."""
    def generate(
        self, request: VideoRequest, watcher: Watcher, keep_frames: bool
    ) -> Tuple[VideoResult, _Frames]:
        """The clip, and its frames [N, H, W, 3] when they are kept."""
    def resume(
        self,
        job_id: str,
        out: bytes,
        preview_dir: bytes,
        overwrite: bool,
        watcher: Watcher,
        keep_frames: bool,
    ) -> Tuple[VideoResult, _Frames]: ...
    def cancel(self) -> None:
        """From any thread: the run that is going on raises reel.Cancelled."""

def load_job(job_id: str) -> Tuple[ModelOptions, VideoRequest]: ...

# Each returns what it took, as JSON.
def encode_text(
    model: ModelOptions,
    prompt: str,
    negative_prompt: str,
    with_negative: bool,
    out: _Path,
    watcher: Watcher,
) -> str: ...
def denoise(
    model: ModelOptions,
    text: _Path,
    sampling: SamplingOptions,
    noise: _Path,
    state: _Path,
    previews: _Path,
    out: _Path,
    watcher: Watcher,
) -> str: ...
def decode(
    model: ModelOptions,
    latents: _Path,
    out: _Path,
    overwrite: bool,
    fps: int,
    quality: int,
    write_recipe: bool,
    watcher: Watcher,
) -> str: ...

# JSON.
def read_recipe(clip: _Path) -> str: ...

class PlanChange:
    """Of a request that does not fit, under which it would. One of frames, size and card_bytes is
    set, or none when it is other files of the model."""

    @property
    def text(self) -> str: ...
    @property
    def frames(self) -> Optional[int]: ...
    @property
    def size(self) -> Optional[Tuple[int, int]]:
        """Width and height."""
    @property
    def card_bytes(self) -> Optional[int]: ...

class Plan:
    """What a clip would take on a GPU, and whether it fits."""

    @property
    def fits(self) -> bool: ...
    @property
    def refusal(self) -> str: ...
    @property
    def changes(self) -> List[PlanChange]:
        """Nearest first."""
    @property
    def trained_sizes(self) -> List[Tuple[int, int]]:
        """Widths and heights of the model, its default first."""
    @property
    def width_px(self) -> int: ...
    @property
    def height_px(self) -> int: ...
    @property
    def frames(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def guided(self) -> bool: ...
    @property
    def gpu(self) -> str:
        """Whose speed is used."""
    @property
    def is_gpu_here(self) -> bool:
        """A clip would be made on it; else the CPU makes it."""
    @property
    def is_assumed(self) -> bool:
        """Of that GPU nothing was measured: times are a prediction."""
    @property
    def card_bytes(self) -> int: ...
    @property
    def context_bytes(self) -> int: ...
    @property
    def arena_bytes(self) -> int: ...
    @property
    def host_bytes(self) -> int: ...
    @property
    def total_s(self) -> float: ...
    @property
    def warnings(self) -> List[str]: ...
    @property
    def notes(self) -> List[str]: ...

def make_plan(
    model: ModelOptions, sampling: SamplingOptions, prompt: str, negative_prompt: str
) -> Plan:
    """Reads headers alone. An empty prompt plans for the longest."""

class LightX2VSetting:
    def __init__(self, key: str, json: str, origin: str) -> None: ...
    @property
    def key(self) -> str: ...
    @property
    def json(self) -> str: ...
    @property
    def origin(self) -> str: ...

class LightX2VSettings:
    given: List[LightX2VSetting]
    config_json: _Path
    sets: List[str]
    seed: Optional[int]
    prompt: str
    negative_prompt: str
    save_result_path: _Path
    target_shape: List[int]
    num_frames: Optional[int]
    without_effect: List[str]
    name_prefix: str
    sampler: str
    def __init__(self) -> None: ...

def lightx2v_prepare(
    settings: LightX2VSettings, watcher: Watcher
) -> Tuple[ModelOptions, VideoRequest]: ...

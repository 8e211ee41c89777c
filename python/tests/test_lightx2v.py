# SPDX-License-Identifier: Apache-2.0
"""reel.lightx2v: the calls of LightX2V, in and out of order."""

from __future__ import annotations

import inspect
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy
import pytest
import reel
from reel.lightx2v import LightX2VPipeline

from conftest import run_program

SMALL = {"height": 16, "width": 32, "num_frames": 5}


def created(model: Path, **arguments: Any) -> LightX2VPipeline:
    pipe = LightX2VPipeline(
        task="t2v", model_path=str(model), model_cls="wan2.1_distill", device="cpu"
    )
    pipe.create_generator(**{**SMALL, "guidance_scale": 1, **arguments})
    return pipe


def frames_of(pipe: LightX2VPipeline, **arguments: Any) -> numpy.ndarray:
    video = pipe.generate(**{"prompt": "a ball", "return_result_tensor": True, **arguments})["video"]
    assert video is not None
    return video


# The arguments of each call, in LightX2V's order.
REFERENCE = {
    "__init__": "task model_path model_cls support_tasks sf_model_path dit_original_ckpt "
    "low_noise_original_ckpt high_noise_original_ckpt transformer_model_name",
    "enable_offload": "cpu_offload offload_granularity text_encoder_offload image_encoder_offload "
    "vae_offload",
    "enable_quantize": "dit_quantized text_encoder_quantized image_encoder_quantized "
    "dit_quantized_ckpt low_noise_quantized_ckpt high_noise_quantized_ckpt "
    "text_encoder_quantized_ckpt image_encoder_quantized_ckpt quant_scheme "
    "text_encoder_quant_scheme skip_fp8_block_index",
    "enable_lora": "lora_configs lora_dynamic_apply",
    "enable_lightvae": "use_lightvae use_tae vae_path tae_path",
    "enable_parallel": "cfg_p_size seq_p_size seq_p_attn_type",
    "switch_lora": "lora_path strength",
    "create_generator": "attn_mode infer_steps num_frames height width guidance_scale sample_shift "
    "fps aspect_ratio boundary boundary_step_index denoising_step_list config_json rope_type "
    "resize_mode audio_fps double_precision_rope norm_modulate_backend distilled_sigma_values",
    "enable_cache": "cache_method coefficients teacache_thresh use_ret_steps magcache_calibration "
    "magcache_K magcache_thresh magcache_retention_ratio magcache_ratios",
    "generate": "seed prompt negative_prompt save_result_path task image_path action_path "
    "video_path image_strength i2i_denoise_strength image_frame_idx last_frame_path audio_path "
    "src_ref_images src_video src_mask return_result_tensor target_shape num_frames sr_ratio "
    "prompt_ref",
}


@pytest.mark.parametrize("method, names", REFERENCE.items())
def test_takes_the_arguments_of_the_reference(method: str, names: str) -> None:
    parameters = inspect.signature(getattr(LightX2VPipeline, method)).parameters.values()
    positional = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert positional[1 : 1 + len(names.split())] == names.split()


@pytest.mark.parametrize("folder", ["", "distill_fp8"])
def test_makes_the_clip_of_reel_infer(tiny_model: Path, tmp_path: Path, folder: str) -> None:
    created(tiny_model / folder).generate(
        seed=3, prompt="a ball", save_result_path=tmp_path / "python.y4m"
    )
    made = run_program(
        "infer", "--model_cls", "wan2.1_distill", "--model_path", tiny_model, "--prompt", "a ball",
        "--seed", 3, "--device", "cpu", "--target_shape", 16, 32, "--num_frames", 5,
        "--save_result_path", tmp_path / "infer.y4m",
    )
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "python.y4m").read_bytes() == (tmp_path / "infer.y4m").read_bytes()


def test_returns_frames_between_0_and_1(tiny_model: Path, tmp_path: Path,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pipe = created(tiny_model)
    video = frames_of(pipe, seed=3)
    assert video.shape == (5, 16, 32, 3) and video.dtype == numpy.float32
    assert 0 <= video.min() < video.max() <= 1
    assert not list(tmp_path.iterdir())
    clip = reel.Pipeline(tiny_model, device="cpu").generate(
        "a ball", seed=3, sampler="euler", width=32, height=16, frames=5
    )
    assert numpy.array_equal(numpy.round(video * 255).astype(numpy.uint8), clip.frames)


def test_seed_42_is_the_default_and_none_is_random(tiny_model: Path) -> None:
    pipe = created(tiny_model)
    assert numpy.array_equal(frames_of(pipe), frames_of(pipe, seed=42))
    assert not numpy.array_equal(frames_of(pipe, seed=None), frames_of(pipe, seed=None))


def test_target_shape_is_for_one_clip(tiny_model: Path) -> None:
    pipe = created(tiny_model)
    assert frames_of(pipe, target_shape=[32, 16]).shape == (5, 32, 16, 3)
    assert frames_of(pipe).shape == (5, 16, 32, 3)


def test_replaces_a_file_that_is_there(tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "clip.mp4"
    out.write_text("old")
    assert created(tiny_model).generate(prompt="a ball", save_result_path=out) == {"video": None}
    assert out.stat().st_size > 3


def test_a_tae_decodes_what_its_name_says(tiny_model: Path, tmp_path: Path) -> None:
    made = run_program("synth", "--layout", "decoder:lighttaew2_1.pth", "--out", tmp_path / "tae")
    assert made.returncode == 0, made.stderr
    tae = tmp_path / "tae/lighttaew2_1.pth"
    pipe = LightX2VPipeline(model_path=tiny_model, model_cls="wan2.1_distill", device="cpu")
    pipe.enable_lightvae(use_tae=True, tae_path=tae)
    pipe.create_generator(guidance_scale=1, **SMALL)
    video = numpy.round(frames_of(pipe, seed=3) * 255).astype(numpy.uint8)

    def frames(latents: str) -> numpy.ndarray:
        own = reel.Pipeline(tiny_model, vae=tae, tae_latents=latents, device="cpu")
        return own.generate(
            "a ball", seed=3, sampler="euler", width=32, height=16, frames=5
        ).frames

    assert numpy.array_equal(video, frames("vae"))
    assert not numpy.array_equal(video, frames("diffusion"))


def test_tiles_are_blended_where_the_key_says_so(tiny_model: Path) -> None:
    pipe = LightX2VPipeline(model_path=tiny_model, model_cls="wan2.1_distill", device="cpu")
    pipe.use_tiling_vae = True
    pipe.create_generator(guidance_scale=1, **{**SMALL, "width": 208})
    video = numpy.round(frames_of(pipe, seed=3) * 255).astype(numpy.uint8)

    def frames(tiling: str) -> numpy.ndarray:
        own = reel.Pipeline(tiny_model, vae_tiling=tiling, device="cpu")
        return own.generate(
            "a ball", seed=3, sampler="euler", width=208, height=16, frames=5
        ).frames

    assert numpy.array_equal(video, frames("blended"))
    assert not numpy.array_equal(video, frames("off"))


def test_calls_in_the_wrong_order_say_so(tiny_model: Path) -> None:
    pipe = LightX2VPipeline(model_path=tiny_model, model_cls="wan2.1_distill", device="cpu")
    with pytest.raises(RuntimeError, match=r"generate\(\) was called before create_generator\(\)"):
        pipe.generate(prompt="a ball")
    with pytest.raises(reel.WrongOrder, match="switch_lora"):
        pipe.switch_lora("a.safetensors")
    pipe.create_generator(guidance_scale=1, **SMALL)
    for call in (
        lambda: pipe.enable_offload(cpu_offload=True),
        lambda: pipe.enable_quantize(dit_quantized=True),
        lambda: pipe.enable_lora([]),
        lambda: pipe.enable_lightvae(),
        lambda: pipe.enable_cache(),
        lambda: pipe.enable_compile(),
        lambda: pipe.enable_parallel(),
    ):
        with pytest.raises(RuntimeError, match="called after create_generator"):
            call()


@pytest.mark.parametrize(
    "name", "image_path last_frame_path audio_path video_path action_path src_video src_mask".split()
)
def test_other_inputs_are_refused(tiny_model: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} was given, but Reel makes video from text alone"):
        created(tiny_model).generate(prompt="a ball", **{name: "cat.png"})


def test_guidance_left_out_is_1_with_a_warning(tiny_model: Path) -> None:
    pipe = LightX2VPipeline(model_path=tiny_model, model_cls="wan2.1_distill", device="cpu")
    with pytest.warns(reel.ReelWarning, match="guidance_scale was left out: 1 is used") as caught:
        pipe.create_generator(**SMALL)
    assert caught[0].filename == __file__
    assert numpy.array_equal(frames_of(pipe), frames_of(created(tiny_model)))


def test_guidance_of_1_says_nothing(tiny_model: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frames_of(created(tiny_model))


def test_another_guidance_is_obeyed_with_a_warning(tiny_model: Path) -> None:
    with pytest.warns(reel.ReelWarning, match="guidance 6 doubles the time") as caught:
        pipe = created(tiny_model, guidance_scale=6)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        assert not numpy.array_equal(frames_of(pipe), frames_of(created(tiny_model)))


@pytest.mark.parametrize(
    "arguments, raised, words",
    [
        ({"attn_mode": "radial_attn"}, NotImplementedError, "self_attn_1_type .create_generator."),
        ({"infer_steps": "four"}, ValueError, 'infer_steps .create_generator. is "four"'),
        ({"height": 8}, ValueError, "8"),
        ({"config_json": "absent.json"}, FileNotFoundError, "absent.json"),
    ],
)
def test_settings_that_cannot_be(tiny_model: Path, arguments: Any, raised: type, words: str) -> None:
    with pytest.raises(raised, match=words):
        created(tiny_model, **arguments)


def test_steps_of_the_class_stand_above_infer_steps(
    tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="reel")
    eight = created(tiny_model, infer_steps=8)
    assert "infer_steps 8 has no effect: denoising_step_list has 4 steps." in caplog.messages
    assert numpy.array_equal(frames_of(eight), frames_of(created(tiny_model)))
    two = created(tiny_model, denoising_step_list=[1000, 500])
    assert not numpy.array_equal(frames_of(two), frames_of(eight))


def test_a_config_stands_above_the_arguments(tiny_model: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"target_height": 16, "target_width": 32, "num_frames": 1,
                                  "enable_cfg": False, "sample_guide_scale": 6}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert frames_of(created(tiny_model, config_json=config)).shape == (1, 16, 32, 3)


def test_quantised_weights_are_found_or_asked_for(tiny_model: Path) -> None:
    expected = frames_of(created(tiny_model))
    for arguments in (
        {"dit_quantized": True, "quant_scheme": "fp8-sgl", "text_encoder_quantized": True},
        {"dit_quantized": True, "dit_quantized_ckpt": tiny_model / "distill_fp8"},
        {"dit_quantized": False},
    ):
        pipe = LightX2VPipeline(model_path=tiny_model, model_cls="wan2.1_distill", device="cpu")
        pipe.enable_quantize(**arguments)
        pipe.create_generator(guidance_scale=1, **SMALL)
        assert numpy.array_equal(frames_of(pipe), expected)
    pipe = LightX2VPipeline(model_path=tiny_model, model_cls="wan2.1_distill", device="cpu")
    pipe.enable_quantize(dit_quantized=True, quant_scheme="int8-vllm")
    with pytest.raises(FileNotFoundError, match="has no int8 DiT"):
        pipe.create_generator(guidance_scale=1)


def test_loras_are_added_switched_and_removed(tiny_model: Path, tiny_lora: Path) -> None:
    plain = created(tiny_model)
    expected = frames_of(plain)
    pipe = LightX2VPipeline(model_path=tiny_model, model_cls="wan2.1_distill", device="cpu")
    pipe.enable_lora([{"path": str(tiny_lora), "strength": 1.0}], lora_dynamic_apply=True)
    pipe.create_generator(guidance_scale=1, **SMALL)
    added = frames_of(pipe)
    assert not numpy.array_equal(added, expected)
    pipe.switch_lora(str(tiny_lora), 0.5)
    assert not numpy.array_equal(frames_of(pipe), added)
    pipe.switch_lora("")
    assert numpy.array_equal(frames_of(pipe), expected)
    plain.switch_lora(tiny_lora)
    assert numpy.array_equal(frames_of(plain), added)


def test_what_would_change_the_result_is_refused(tiny_model: Path) -> None:
    pipe = LightX2VPipeline(model_path=tiny_model, model_cls="wan2.1_distill", device="cpu")
    pipe.enable_cache("Tea", teacache_thresh=0.2)
    with pytest.raises(NotImplementedError, match="feature_caching .enable_cache."):
        pipe.create_generator(guidance_scale=1)


def test_what_has_no_effect_is_named_once(
    tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="reel")
    pipe = LightX2VPipeline(model_path=tiny_model, model_cls="wan2.1_distill", device="cpu")
    pipe.enable_offload(cpu_offload=True, text_encoder_offload=True)
    pipe.create_generator(guidance_scale=1, rope_type="torch", boundary=0.9, **SMALL)
    frames_of(pipe)
    frames_of(pipe)
    hints = [line for line in caplog.messages if "Reel plans memory itself" in line]
    assert len(hints) == 1 and "offload_granularity" in hints[0]
    ignored = [line for line in caplog.messages if line.startswith("Without effect here:")]
    assert len(ignored) == 1 and "rope_type" in ignored[0] and "boundary" in ignored[0]


def test_is_a_dictionary_of_its_attributes(tiny_model: Path) -> None:
    pipe = LightX2VPipeline(model_path=str(tiny_model), model_cls="wan2.1", device="cpu")
    pipe["model_cls"] = "wan2.1_distill"
    pipe.update({"infer_stepz": 3})
    assert pipe.model_cls == pipe["model_cls"] == pipe.get("model_cls") == "wan2.1_distill"
    assert "infer_stepz" in pipe and "sample_shit" not in pipe
    del pipe["infer_stepz"]
    assert pipe.get("infer_stepz", 5) == 5
    pipe.create_generator(guidance_scale=1, **SMALL)
    assert numpy.array_equal(frames_of(pipe), frames_of(created(tiny_model)))


def test_infer_is_the_program(tiny_model: Path, tmp_path: Path) -> None:
    def infer(*args: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "reel.lightx2v.infer", *map(str, args)],
            capture_output=True, text=True, cwd=tmp_path,
        )

    assert infer("--help").stdout == run_program("infer", "--help").stdout != ""
    refused = infer("--model_path", tiny_model, "--prompt", "a ball", "--image_path", "cat.png")
    assert refused.returncode == 2 and "--image_path was given" in refused.stderr
    made = infer("--model_cls", "wan2.1_distill", "--model_path", tiny_model, "--prompt", "a ball",
                 "--device", "cpu", "--save_result_path", "clip.mp4")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "clip.mp4").stat().st_size > 0

# SPDX-License-Identifier: Apache-2.0
"""Rows of faults.py about previews: pictures after every step that leave the clip as it is."""
from fault_rows import Rows
from program import require, stage
from scene import Scene


def previews(scene: Scene) -> Rows:
    seen = scene.folder / "seen"

    def step_s(clip: dict) -> float:
        return sorted(stage(clip, "denoise")["step_seconds"])[1]

    def drawn(options: list[str]) -> str:
        plain = scene.clip([])
        clip = scene.clip(["--preview", str(seen), *options])
        pictures = sorted(path.name for path in seen.iterdir())
        sizes = [f"{path.stat().st_size >> 10}" for path in sorted(seen.iterdir())]
        for path in seen.iterdir():
            path.unlink()
        scene.same(clip)
        require(pictures == [f"step-{at}.png" for at in range(1, 5)], f"pictures: {pictures}")
        return (f"{' '.join(sizes)} KiB, a step {step_s(clip):.3f} s (without {step_s(plain):.3f}), "
                f"denoise stage {stage(clip, 'denoise')['peak_bytes'] / 2**30:.2f} GiB (without "
                f"{stage(plain, 'denoise')['peak_bytes'] / 2**30:.2f}); the same frames "
                f"({scene.reference.digest[:8]})")

    def by_tae() -> str:
        wide = ["--preset", "wan2.1-t2v-14b"] if scene.program.on_gpu() else []
        made = scene.program.run(["synth", "--layout", "decoder:taew2_1.pth", *wide, "--seed", "5",
                                  "--out", str(scene.folder / "tae")])
        require(made.exit_code == 0, made.last_line())
        return drawn(["--preview-decoder", str(scene.folder / "tae/taew2_1.pth")])

    yield "previews by constants", lambda: drawn([])
    yield "previews by a TAE", by_tae

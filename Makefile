# SPDX-License-Identifier: Apache-2.0
# Thin wrappers over the CMake presets. Each target does all the set-up it needs.
.DEFAULT_GOAL := help
.PHONY: help deps configure build program demo test check check-bare check-dist dist dist-gpu-tests fuzz bench score

help:
	@echo "make demo        install, build, make demo.mp4 with the built-in model"
	@echo "make test        everything a change must pass (about 10 minutes on 2 cores)"
	@echo "make check       what takes longer: clang-tidy, sanitizers, fuzzing, the bare-root proof"
	@echo "make check-bare  make demo and make test in a bare Debian 12 root"
	@echo "make dist        dist/: a bundle and a .deb for all GPUs, to run without installing anything"
	@echo "make check-dist  the same from build/, run in a bare Debian 12 root"
	@echo "make fuzz        60 s of new inputs for every reader"
	@echo "make bench       speed beside PyTorch on this CPU"
	@echo "make score       the demo model's clips measured against their prompts"

deps:
	@scripts/install-deps.sh

configure: deps
	@cmake --preset release > build-configure.log || (cat build-configure.log; exit 1)
	@rm -f build-configure.log

build: configure
	@cmake --build --preset release

program: configure
	@cmake --build --preset release --target reel

demo: program
	@build/bin/reel generate --out demo.mp4 --force --seed 7 \
	  --prompt "$$(python3 -c 'import json; print(json.load(open("models/demo/config.json"))["reel"]["example_prompt"])')"
	@echo "The clip is in $(CURDIR)/demo.mp4"

test: build
	@tests/run.sh

score: program
	@tools/demo_model/score_layouts.sh

bench: deps
	@bench/cpu/run.sh

fuzz: deps
	@tests/fuzz/run.sh

check: build
	@tests/check.sh

check-bare:
	@tests/check_bare.sh

check-dist: build
	@tests/check_dist.sh

dist: deps
	@cmake --preset dist
	@cmake --build --preset dist --target reel reel_ffmpeg
	@scripts/make_dist.sh build-dist

# For a machine with a GPU and no packages: tests and benchmarks beside the program.
dist-gpu-tests: deps
	@cmake --preset dist -B build-dist-tests -DREEL_WITH_TESTS=ON -DREEL_WITH_BENCHMARKS=ON
	@cmake --build build-dist-tests
	@scripts/make_dist.sh build-dist-tests --gpu-tests

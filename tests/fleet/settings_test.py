# SPDX-License-Identifier: Apache-2.0
"""What settings come to on a replica, and the book-keeping of clips, without Ray."""

from __future__ import annotations

import asyncio
import unittest
from dataclasses import replace
from typing import List

from reel.fleet.clip import CANCELLED, COMPLETED, FAILED, HELD, QUEUED, Clip
from reel.fleet.clips import Clips
from reel.fleet.requests import ApiError, ClipRequest
from reel.fleet.settings import FleetSettings, StageSettings

REQUEST = ClipRequest("a")


class SettingsTest(unittest.TestCase):
    def test_a_replica_gets_its_share(self) -> None:
        stage = StageSettings(least=1, most=3, cpus=2.5, gpus=0.2, vram_bytes=7)
        self.assertEqual(stage.stages_options({"model": "m"}),
                         {"model": "m", "device": "cuda:0", "threads": 3, "vram_bytes": 7})
        self.assertEqual(StageSettings(gpus=2).stages_options({})["device"], "cuda:0,cuda:1")
        self.assertEqual(StageSettings(gpus=0).stages_options({})["device"], "cpu")
        options = stage.deployment_options()
        self.assertEqual(options["ray_actor_options"], {"num_cpus": 2.5, "num_gpus": 0.2})
        self.assertEqual(options["max_ongoing_requests"], 1)
        self.assertEqual(options["autoscaling_config"]["max_replicas"], 3)
        fixed = StageSettings(least=2, most=2).deployment_options()
        self.assertEqual((fixed["num_replicas"], "autoscaling_config" in fixed), (2, False))
        self.assertEqual(StageSettings(cpus=0.2, threads=4).stages_options({})["threads"], 4)

    def test_twice_as_many_clips_are_begun_as_denoisers_can_be(self) -> None:
        self.assertEqual(FleetSettings(denoise=StageSettings(most=4)).most_begun(), 8)


class ClipsTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.begun: List[Clip] = []
        self.may_end = asyncio.Event()

    async def make(self, clip: Clip) -> bool:
        self.begun.append(clip)
        await self.may_end.wait()
        if clip.request.prompt == "bad":
            raise ValueError("a secret")
        if clip.look_after is not None:
            clip.made.state = b"state"
            return False
        clip.content = b"mp4"
        return True

    async def test_clips_are_made_in_their_order(self) -> None:
        clips = Clips(self.make, most_begun=2, most_waiting=2, most_kept=3)
        made = [clips.add(REQUEST) for _ in range(4)]
        await asyncio.sleep(0)
        self.assertEqual(self.begun, made[:2])
        self.assertEqual([clips.ahead_of(clip) for clip in made], [None, None, 2, 3])
        with self.assertRaises(ApiError) as caught:
            clips.add(REQUEST)
        self.assertEqual((caught.exception.status, caught.exception.retry_after_s), (429, 1))
        clips.remove(made[2])
        self.assertEqual((clips.ahead_of(made[3]), made[2].status), (2, QUEUED))
        self.may_end.set()
        while not made[3].has_ended():
            await asyncio.sleep(0)
        self.assertEqual([clip.status for clip in (made[0], made[1], made[3])], [COMPLETED] * 3)
        self.assertEqual(self.begun, [made[0], made[1], made[3]])

    async def test_a_deleted_clip_makes_room(self) -> None:
        clips = Clips(self.make, most_begun=1, most_waiting=2, most_kept=3)
        first, second = clips.add(REQUEST), clips.add(REQUEST)
        await asyncio.sleep(0)
        clips.remove(first)
        while self.begun != [first, second]:
            await asyncio.sleep(0)
        with self.assertRaises(ApiError):
            clips.find(first.id)
        self.assertEqual(clips.oldest_first(), [second])

    async def test_the_oldest_go(self) -> None:
        self.may_end.set()
        clips = Clips(self.make, most_begun=1, most_waiting=9, most_kept=2)
        made = [clips.add(REQUEST) for _ in range(4)]
        while not made[3].has_ended():
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.assertEqual(clips.oldest_first(), made[2:])

    async def test_a_clip_is_held_until_it_is_continued(self) -> None:
        self.may_end.set()
        clips = Clips(self.make, most_begun=1, most_waiting=2, most_kept=9)
        clip = clips.add(replace(REQUEST, look_after=1))
        with self.assertRaises(ApiError) as caught:
            clips.go_on(clip)
        self.assertEqual((caught.exception.status, caught.exception.message),
                         (409, "The video is in_progress, not held."))
        self.assertEqual([is_new async for is_new in clips.changes(clip)][-1], True)
        self.assertEqual((clip.status, clip.state(), clip.look_after), (QUEUED, HELD, 1))
        self.assertIsNone(clips.ahead_of(clip))
        self.assertEqual((clips.count(HELD), clips.count(QUEUED), clip.made.state), (1, 0, b"state"))
        clips.go_on(clip)
        self.assertEqual((clip.look_after, clip.is_held), (None, False))
        while not clip.has_ended():
            await asyncio.sleep(0)
        self.assertEqual((clip.status, clip.made.state, self.begun), (COMPLETED, None, [clip, clip]))
        with self.assertRaises(ApiError):
            clips.go_on(clip)

    async def test_as_many_are_held_as_may_wait(self) -> None:
        self.may_end.set()
        clips = Clips(self.make, most_begun=4, most_waiting=2, most_kept=9)
        held = [clips.add(replace(REQUEST, look_after=1)) for _ in range(3)]
        while any(clip.status != QUEUED for clip in held[1:]) or not held[0].has_ended():
            await asyncio.sleep(0)
        self.assertEqual([clip.state() for clip in held], [CANCELLED, HELD, HELD])
        assert held[0].error is not None
        self.assertEqual((held[0].status, held[0].error["code"], held[0].made.state),
                         (FAILED, "cancelled", None))
        clips.remove(held[1])
        clips.add(replace(REQUEST, look_after=1))
        while clips.count(HELD) != 2:
            await asyncio.sleep(0)
        self.assertEqual(held[2].state(), HELD)

    async def test_clips_are_seen_by_their_client(self) -> None:
        clips = Clips(self.make, most_begun=1, most_waiting=9, most_kept=9)
        anna, ben = clips.add(REQUEST, "anna"), clips.add(REQUEST, "ben")
        self.assertEqual(clips.find(anna.id, "anna"), anna)
        self.assertEqual(clips.find(ben.id), ben)
        with self.assertRaises(ApiError) as caught:
            clips.find(anna.id, "ben")
        self.assertEqual(caught.exception.status, 404)
        self.assertEqual((clips.oldest_first("ben"), clips.oldest_first()), ([ben], [anna, ben]))
        self.may_end.set()
        while not ben.has_ended():
            await asyncio.sleep(0)

    async def test_clients_take_turns(self) -> None:
        clips = Clips(self.make, most_begun=1, most_waiting=9, most_kept=9)
        first, *anna = [clips.add(REQUEST, "anna") for _ in range(4)]
        ben = [clips.add(REQUEST, "ben") for _ in range(2)]
        order = [first, anna[0], ben[0], anna[1], ben[1], anna[2]]
        await asyncio.sleep(0)
        self.assertEqual([clips.ahead_of(clip) for clip in order], [None, 1, 2, 3, 4, 5])
        clips.remove(anna[1])
        self.assertEqual([clips.ahead_of(clip) for clip in (ben[0], anna[2], ben[1])], [2, 3, 4])
        self.may_end.set()
        while not all(clip.has_ended() for clip in clips.oldest_first()):
            await asyncio.sleep(0)
        self.assertEqual(self.begun, [first, anna[0], ben[0], anna[2], ben[1]])

    async def test_a_failure_says_no_more_than_a_client_may_know(self) -> None:
        self.may_end.set()
        clips = Clips(self.make, most_begun=1, most_waiting=9, most_kept=2)
        clip = clips.add(ClipRequest("bad"))
        with self.assertLogs("ray.serve", "WARNING") as logged:
            while not clip.has_ended():
                await asyncio.sleep(0)
        self.assertEqual(clip.status, FAILED)
        assert clip.error is not None
        self.assertEqual(clip.error["code"], "ValueError")
        self.assertNotIn("secret", clip.error["message"])
        self.assertIn("a secret", logged.output[0])


if __name__ == "__main__":
    unittest.main()

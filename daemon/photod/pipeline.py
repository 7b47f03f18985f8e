"""The journey of a photo as stages joined by bounded channels. The first failure wins.

candidates -> read + hash -> (known content? straight to the verdicts)
           -> to_decode -> decode -> decoded -> score -> verdicts -> commit -> tell
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from photod.channel import Channel
from photod.committer import Committer, Listeners
from photod.config import Config
from photod.errors import DecodeError, DecoderKilledError, DeviceError
from photod.in_flight import ContentsInFlight, OnTheWay
from photod.intake.decoder import Decoded, Decoder
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.judge import apart, blame, judge
from photod.photos import Candidate, Judged, Note, Passed, Unscoreable, Verdict
from photod.score import give_memory_back
from photod.score.scorer import RestingScorer
from photod.store.writer import Writer
from photod.threads import Crew, join_all

CANDIDATES = 64  # waiting to be read, in each lane
READ_AHEAD_BYTES = 512 << 20  # of photos read and not yet decoded
BATCH_WAIT_S = 1.0  # a partial batch is scored after this
DRAIN_MODEL_S = 2.0  # no more is decoded ahead than the model scores in this time, so that a stop drains soon


class Pipeline:
    """The stages from candidate to commit, each with its threads, and the channels between them.

    `writers` belong to the committer alone from `start` on. `known` tells what is known of these bytes (SHA-256)
    for a photo of this folder. `on_room` hears when there is room for more candidates.
    """

    def __init__(
        self,
        config: Config,
        scorers: tuple[RestingScorer, ...],
        writers: Mapping[str, Writer],
        known: Callable[[str, str], Verdict | None],
        listeners: Listeners,
        on_room: Callable[[], None],
        crew: Crew,
    ) -> None:
        self._config = config
        self._scorers = scorers
        self._writers = writers
        self._known = known
        self._crew = crew
        self._idle_s = config.model.idle_release_s or None  # without work, after which memory is given back
        self._in_flight = ContentsInFlight()
        self._memory = PhotoMemory()
        count = config.intake.decoders or os.cpu_count() or 1
        self._decoders = [Decoder(config.intake, scorers[0].identity.input) for _ in range(count)]
        batch = config.model.batch_size
        self._candidates: Channel[Candidate] = Channel(CANDIDATES, on_room=on_room)
        self._to_decode: Channel[ReadPhoto] = Channel(4 * count, READ_AHEAD_BYTES)
        self._decoded: Channel[Decoded] = Channel(batch)
        self._verdicts: Channel[Judged | Passed | Note] = Channel(2 * config.store.group)
        self._coming_to_score = OnTheWay(self._decoded.wake)
        self._coming_to_commit = OnTheWay(self._verdicts.wake)
        self._committer = Committer(
            config.store, self._verdicts, self._coming_to_commit, self._in_flight, writers, listeners
        )
        self._threads: dict[str, list[threading.Thread]] = {}

    def start(self) -> None:
        """Start every stage."""
        start = self._crew.start
        self._threads = {
            "read": [start(f"read-{n}", self._read) for n in range(self._config.intake.readers)],
            "decode": [
                start(f"decode-{n}", partial(self._decode, decoder)) for n, decoder in enumerate(self._decoders)
            ],
            "score": [start(f"score-{s.device}", partial(self._score_all, s)) for s in self._scorers],
            "commit": [start("commit", self._committer.run)],
        }

    def offer(self, candidate: Candidate) -> bool:
        """Take a candidate if there is room; never blocks."""
        self._coming(1)
        taken = self._candidates.offer(candidate, express=candidate.urgent)
        if not taken:
            self._coming(-1)
        return taken

    def expect(self) -> None:
        """Have the model loaded, if it rests: a photo is about to come. Never blocks."""
        for scorer in self._scorers:
            scorer.prepare()

    def note(self, note: Note) -> None:
        """Have something written down; blocks while the committer is behind."""
        self._verdicts.put(note)

    def offer_note(self, note: Note) -> bool:
        """Have something written down if there is room; never blocks."""
        return self._verdicts.offer(note)

    def queue(self) -> dict[str, int]:
        """How many photos wait before each stage."""
        return {
            "waiting": len(self._candidates),
            "decoding": len(self._to_decode),
            "scoring": len(self._decoded),
            "committing": len(self._verdicts),
        }

    def at_work_s(self) -> dict[str, float]:
        """For how long each stage has been busy with what it took last: where that grows, it is stuck.

        Reading is not among them: a network folder may take its time. Nor does it count that a later stage is slow,
        or that a photo takes as long to decode as the configuration allows, twice where a decoder is killed.
        """
        return {
            "decoding": max(0.0, self._to_decode.longest_at_work_s() - 2 * self._config.intake.decode_timeout_s),
            "scoring": self._decoded.longest_at_work_s(),
            "committing": self._verdicts.longest_at_work_s(),
        }

    def reading(self) -> dict[int, float]:
        """The threads (native ids) that read a photo now, and since when."""
        return self._candidates.at_work()

    def drain(self, deadline: float) -> bool:
        """Finish what was decoded, drop what was not; True when all was committed by `deadline` (monotonic)."""
        # From the source to the sink: each stage ends when nothing can come to it any more.
        self._candidates.cancel()
        # Whoever reads from a drive that hangs finds what follows closed when that is over.
        join_all(self._threads["read"], min(deadline, time.monotonic() + DRAIN_MODEL_S))
        for photo in self._to_decode.cancel():
            photo.data.close()
        if not join_all(self._threads["decode"], min(deadline, time.monotonic() + DRAIN_MODEL_S)):
            self._end_decoders()
            join_all(self._threads["decode"], deadline)
        self._decoded.close()
        join_all(self._threads["score"], deadline)
        self._verdicts.close()
        done = join_all(self._threads["commit"], deadline)
        self._end_decoders()
        return done

    def abandon(self, deadline: float) -> bool:
        """After a failure: commit the verdicts that are there, drop everything else; True when done in time."""
        self._candidates.cancel()
        self._to_decode.cancel()
        self._decoded.cancel()
        self._end_decoders()
        commit = self._threads.get("commit", [])
        if any(thread.is_alive() for thread in commit):  # other devices may still finish their batch
            join_all(self._threads["score"], min(deadline, time.monotonic() + 2 * DRAIN_MODEL_S))
        self._verdicts.close()
        return join_all(commit, deadline)

    def _coming(self, photos: int) -> None:
        """So many more are on their way to every stage, or, below zero, turned off."""
        self._coming_to_score.add(photos)
        self._coming_to_commit.add(photos)

    def _end_decoders(self) -> None:
        for decoder in self._decoders:
            decoder.close()

    def _read(self) -> None:
        max_bytes = self._config.intake.max_file_mb << 20
        while True:
            candidate = self._candidates.get()
            photo = read_photo(candidate, max_bytes, self._memory)
            if isinstance(photo, Passed):
                self._without_model(photo)
            elif not self._in_flight.claim(photo.sha256, candidate):
                photo.data.close()
                self._coming(-1)
            elif verdict := self._known(photo.sha256, candidate.folder):
                photo.data.close()
                self._without_model(Judged(candidate, verdict, duplicate=True))
            else:
                self._to_decode.put(photo, size=photo.data.size, express=candidate.urgent)

    def _without_model(self, outcome: Judged | Passed) -> None:
        """Send a photo past the model, straight to the committer."""
        self._coming_to_score.add(-1)
        self._verdicts.put(outcome)
        self._coming_to_commit.add(-1)

    def _decode(self, decoder: Decoder) -> None:
        while True:
            next_one = self._to_decode.get_batch(1, 0.0, first_s=self._idle_s)
            if not next_one:
                decoder.rest()
                continue
            (photo,) = next_one
            try:
                decoded = decoder.decode(photo)
            except DecodeError as error:
                verdict = Unscoreable(photo.sha256, str(error))
                self._without_model(Judged(photo.candidate, verdict, duplicate=False))
            except DecoderKilledError as error:
                self._pass_over(photo, str(error))
            else:
                self._decoded.put(decoded, express=photo.candidate.urgent)
                self._coming_to_score.add(-1)
            finally:
                photo.data.close()

    def _pass_over(self, photo: ReadPhoto, reason: str) -> None:
        """No verdict this time, for a photo and for those that wait for its verdict."""
        for waiting in self._in_flight.release(photo.sha256):
            self._verdicts.put(Passed(waiting, "unreadable", reason))
        self._without_model(Passed(photo.candidate, "unreadable", reason))

    def _score_all(self, scorer: RestingScorer) -> None:
        try:
            self._score(scorer)
        finally:
            scorer.release()

    def _score(self, scorer: RestingScorer) -> None:
        most = self._config.model.batch_size
        while True:
            batch = self._decoded.get_batch(most, BATCH_WAIT_S, self._coming_to_score.none, self._idle_s)
            if not batch:
                scorer.release()
                self._memory.release()
                give_memory_back()
                continue
            began = time.monotonic()
            for part in apart(batch, self._failures):
                self._score_together(scorer, part)
            # The channel holds what the model makes in DRAIN_MODEL_S, and so does a batch: on a slow device
            # both are smaller than configured.
            per_second = len(batch) / max(time.monotonic() - began, 1e-6)
            most = max(1, min(self._config.model.batch_size, int(per_second * DRAIN_MODEL_S)))
            self._decoded.set_bound(most)

    def _score_together(self, scorer: RestingScorer, batch: list[Decoded]) -> None:
        try:
            judged = judge(scorer, batch)
        except DeviceError as error:
            for item in blame(batch, self._failures, error):
                self._verdicts.put(item)
            raise
        for result in judged:
            self._verdicts.put(result)
        self._coming_to_commit.add(-len(batch))

    def _failures(self, photo: Decoded) -> int:
        writer = self._writers.get(photo.candidate.folder)
        return 0 if writer is None else writer.suspects.get(photo.sha256, 0)

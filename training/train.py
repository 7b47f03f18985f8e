"""Training from rendered groups: deterministic from a seed, resumable at the last checkpoint."""

import hashlib
import inspect
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from photod.score.builtin.tower import QualityTower
from training.judge import Judge
from training.losses import total_loss
from training.render import GROUPS_PER_SHARD

LEARNING_RATE: Final = 2e-3
WEIGHT_DECAY: Final = 0.05
WARM_UP: Final = 150
GROUPS_PER_STEP: Final = 10
EMA_DECAY: Final = 0.99
CLIP_NORM: Final = 2.0
CHECKPOINT_STEPS: Final = 50
UNSEEN_NOISE: Final = 1.0
"""Levels of noise at most that all pictures of a group get. It is not to be seen, and covers the finest traces of
how a photo was made before it was spoiled, by which the unspoiled one would be known."""
REPORT_STEPS: Final = 25


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of bytes with noise [groups * 5, 224, 224, 3]; the rest as total_loss wants it."""

    pictures: NDArray[np.float32]
    aim: Tensor
    faults: Tensor
    ranked: Tensor


class Shards:
    """The rendered groups of all shards, pictures mapped and labels in memory."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._pictures = [np.load(path, mmap_mode="r") for path in paths]
        labels = [np.load(path.with_suffix(".npz")) for path in paths]
        self._aim = torch.from_numpy(np.concatenate([part["quality"] for part in labels]))
        self._faults = torch.from_numpy(np.concatenate([part["faults"] for part in labels]))
        self._ranked = torch.from_numpy(np.concatenate([part["ranked"] for part in labels]))
        self._noise = np.random.default_rng(0).standard_normal(1 << 22, np.float32)

    def __len__(self) -> int:
        return len(self._ranked)

    def batch(self, step: int, seed: int) -> Batch:
        """The groups of one step: each pass has its own order, each group is turned, mirrored and given noise."""
        steps_per_pass = len(self) // GROUPS_PER_STEP
        order = np.random.default_rng((seed, step // steps_per_pass)).permutation(len(self))
        start = step % steps_per_pass * GROUPS_PER_STEP
        chosen = order[start : start + GROUPS_PER_STEP]
        generator = np.random.default_rng((seed, step, 1))
        pictures = np.concatenate([self._turned(index, generator) for index in chosen])
        rows = torch.from_numpy(chosen)
        return Batch(pictures, self._aim[rows], self._faults[rows], self._ranked[rows])

    def _turned(self, index: int, generator: np.random.Generator) -> NDArray[np.float32]:
        group = self._pictures[index // GROUPS_PER_SHARD][index % GROUPS_PER_SHARD]
        if generator.random() < 0.5:
            group = group[:, :, ::-1]
        if generator.random() < 0.2:
            group = np.rot90(group, int(generator.integers(1, 4)), (1, 2))
        start = generator.integers(len(self._noise) - group.size)
        noise = self._noise[start : start + group.size].reshape(group.shape)
        noisy: NDArray[np.float32] = group + noise * np.float32(generator.uniform(0, UNSEEN_NOISE))
        return noisy


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then a cosine down to nothing."""
    if step < WARM_UP:
        return LEARNING_RATE * (step + 1) / WARM_UP
    return LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * (step - WARM_UP) / max(1, steps - WARM_UP)))


def checkpoint_in(folder: Path, shards: int) -> Path:
    """Where a training from so many shards in FOLDER is kept; its name says by which code, as FOLDER's does."""
    digest = hashlib.sha256(str(shards).encode())
    code = [Path(__file__).with_name(f"{name}.py") for name in ("train", "judge", "losses")]
    for path in (*code, Path(inspect.getfile(QualityTower))):
        digest.update(path.read_bytes())
    return folder / f"checkpoint-{digest.hexdigest()[:12]}.pt"


class Trainer:
    """The state of a training: the judge, its averaged copy, the optimiser and the number of steps done."""

    def __init__(self, seed: int, steps: int, checkpoint: Path) -> None:
        torch.manual_seed(seed)
        self.seed, self.steps, self.checkpoint, self.step = seed, steps, checkpoint, 0
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.judge = Judge().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = Judge()
        self.average.load_state_dict(self.judge.state_dict())
        plain = [p for p in self.judge.parameters() if p.ndim < 2]
        decayed = [p for p in self.judge.parameters() if p.ndim >= 2]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}],
            fused=True,
        )
        self._resume()

    def _resume(self) -> None:
        """Go on from a checkpoint of the same seed; one of fewer steps goes on at the new schedule."""
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
        if state["seed"] != self.seed:
            return
        self.step = state["step"]
        self.judge.load_state_dict(state["judge"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])

    def save(self) -> None:
        """Write the checkpoint and move it into place whole."""
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(
            {
                "seed": self.seed,
                "step": self.step,
                "judge": self.judge.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
            },
            partial,
        )
        partial.replace(self.checkpoint)

    def learn(self, batch: Batch) -> float:
        """One step of the optimiser; the loss before it."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.step, self.steps)
        logits = self.judge(torch.from_numpy(batch.pictures).to(self.device))
        aim, faults, ranked = (part.to(self.device) for part in (batch.aim, batch.faults, batch.ranked))
        loss = total_loss(logits, aim, faults, ranked, step=self.step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.judge.parameters(), CLIP_NORM)
        self.optimiser.step()
        self.step += 1
        self._follow()
        return loss.item()

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(EMA_DECAY, self.step / (self.step + 10))
        for mean, value in zip(self.average.parameters(), self.judge.parameters(), strict=True):
            mean.lerp_(value.to(mean.device), 1 - decay)


def batches(shards: Shards, seed: int, first: int, last: int) -> Iterator[Batch]:
    """The batches of the steps from FIRST to before LAST, each read while the one before is learned."""
    if first >= last:
        return
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(shards.batch, first, seed)
        for step in range(first, last):
            batch = ahead.result()
            if step + 1 < last:
                ahead = pool.submit(shards.batch, step + 1, seed)
            yield batch


def train(shards: Shards, seed: int, steps: int, checkpoint: Path) -> Judge:
    """Train to the last step, or go on from the checkpoint, and return the averaged judge.

    Ends the program where the checkpoint has more steps behind it: fewer cannot be had from it.
    """
    trainer = Trainer(seed, steps, checkpoint)
    if trainer.step > steps:
        raise SystemExit(f"{checkpoint} has taken {trainer.step} steps: ask for as many, or remove it")
    started, losses = time.monotonic(), []
    begun_at = trainer.step
    for batch in batches(shards, seed, trainer.step, steps):
        losses.append(trainer.learn(batch))
        if trainer.step % REPORT_STEPS == 0:
            pace = (time.monotonic() - started) / (trainer.step - begun_at)
            left = pace * (steps - trainer.step) / 60
            print(f"step {trainer.step}/{steps}  loss {np.mean(losses):.3f}  {left:.0f} min left", flush=True)
            losses.clear()
        if trainer.step % CHECKPOINT_STEPS == 0 or trainer.step == steps:
            trainer.save()
    return trainer.average.eval()

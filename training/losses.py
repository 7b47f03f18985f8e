"""What the training minimises."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

RANK_WEIGHT, ACROSS_WEIGHT, ABSOLUTE_WEIGHT = 1.0, 1.0, 0.15
FAULT_WEIGHT_EARLY, FAULT_WEIGHT_LATE, LATE_STEP = 0.7, 5.0, 1000
"""The order of pictures is learned first; then the embedding is made to tell the faults apart as well."""
CLEAR_DIFFERENCE: Final = 2.5
"""Pictures of different photos are only compared when their aims differ by this much, in logits."""
TOLERANCE: Final = 1.2
"""Photos may differ by nature: the absolute loss begins this far from the aim."""


def rank_within(quality: Tensor, aim: Tensor) -> Tensor:
    """Hinge over all pairs of one group, its margin the difference of their aims: both [groups, 5]."""
    wanted = aim[:, :, None] - aim[:, None, :]
    margin = wanted - (quality[:, :, None] - quality[:, None, :])
    better = wanted > 0.05
    return (functional.relu(margin) * better).sum() / better.sum().clamp_min(1)


def rank_across(quality: Tensor, aim: Tensor) -> Tensor:
    """Logistic loss over the pairs of the whole batch whose aims are clearly apart."""
    flat, aims = quality.flatten(), aim.flatten()
    clear = (aims[:, None] - aims[None]) > CLEAR_DIFFERENCE
    losses = functional.softplus(flat[None] - flat[:, None])
    return (losses * clear).sum() / clear.sum().clamp_min(1)


def absolute(quality: Tensor, aim: Tensor, ranked: Tensor) -> Tensor:
    """Distance from the aim beyond a tolerance, which pictures that are no photos do not get."""
    tolerance = torch.where(ranked, TOLERANCE, 0.3)[:, None]
    weight = torch.where(ranked, 1.0, 3.0)[:, None]
    return (weight * functional.relu((quality - aim).abs() - tolerance)).mean()


def fault_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Cross entropy against the share of each fault in 0..1; unknown shares are NaN and count nothing."""
    known = ~shares.isnan()
    losses = functional.binary_cross_entropy_with_logits(logits, shares.nan_to_num(), reduction="none")
    return (losses * known).sum() / known.sum().clamp_min(1)


def total_loss(logits: Tensor, aim: Tensor, faults: Tensor, ranked: Tensor, *, step: int) -> Tensor:
    """Logits [groups * 5, 1 + faults], aims [groups, 5], fault shares [groups, 5, faults], ranked [groups]."""
    quality = logits[:, 0].view_as(aim)
    fault_weight = FAULT_WEIGHT_EARLY if step < LATE_STEP else FAULT_WEIGHT_LATE
    within = rank_within(quality[ranked], aim[ranked])
    return (
        RANK_WEIGHT * within
        + ACROSS_WEIGHT * rank_across(quality, aim)
        + ABSOLUTE_WEIGHT * absolute(quality, aim, ranked)
        + fault_weight * fault_loss(logits[:, 1:], faults.flatten(0, 1))
    )

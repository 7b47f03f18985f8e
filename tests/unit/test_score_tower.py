"""The switches of the whole process that an engine sets on a GPU; they can be set and read without one."""

from collections.abc import Iterator

import pytest
import torch

from photod.score.pictures import pictures
from photod.score.tower import ByteTower, arithmetics, build_engine
from stub_tower import SIZE, StubTower, statistics_of

GPU = torch.device("cuda:0")


@pytest.fixture
def switches() -> Iterator[None]:
    """Puts them back."""
    matmul, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, convolutions.allow_tf32, matmul.allow_fp16_reduced_precision_reduction
    torch.backends.cuda.enable_cudnn_sdp(True)
    yield
    torch.backends.cuda.enable_cudnn_sdp(True)
    matmul.allow_tf32, convolutions.allow_tf32, matmul.allow_fp16_reduced_precision_reduction = before


@pytest.mark.usefixtures("switches")
def test_each_pass_sets_the_arithmetic_of_its_own_engine() -> None:
    tower, shown = StubTower(statistics_of), torch.from_numpy(pictures(SIZE, 2))
    engines = {name: build_engine(tower, name, GPU) for name in ("fp32", "tf32", "fp16")}
    for name in ("tf32", "fp32", "tf32", "fp16"):
        engines[name](shown)
        assert torch.backends.cuda.matmul.allow_tf32 is (name == "tf32")
        assert torch.backends.cudnn.allow_tf32 is (name == "tf32")
        assert torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction is False
        assert not torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("capability", "faster"), [((7, 5), ("fp16",)), ((8, 0), ("tf32", "fp16"))])
def test_a_gpu_is_tried_with_what_its_units_have(
    capability: tuple[int, int], faster: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert arithmetics(StubTower(statistics_of), GPU) == faster
    assert not arithmetics(ByteTower(torch.nn.Identity(), SIZE), GPU), "judges single pixels"

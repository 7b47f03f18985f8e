"""CLIP weights that nobody trained but that behave: made from the key layout alone, for tests and benchmarks."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """The sizes of a CLIP model as OpenAI published it."""

    embedding: int = 512
    width: int = 768
    layers: int = 12
    patch: int = 16
    side: int = 224
    text_width: int = 512
    text_layers: int = 12
    text_heads: int = 8
    words: int = 49408
    context: int = 77
    seed: int = 0  # one whose scores spread

    @property
    def config(self) -> dict[str, object]:
        """The same in open_clip's words."""
        vision = {"image_size": self.side, "layers": self.layers, "width": self.width, "patch_size": self.patch}
        text = {
            "context_length": self.context, "vocab_size": self.words, "width": self.text_width,
            "heads": self.text_heads, "layers": self.text_layers,
        }  # fmt: skip
        return {"embed_dim": self.embedding, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text}


VIT_B_16 = Layout()
SMALL = Layout(width=192, layers=3, patch=32, text_width=64, text_layers=2, text_heads=1, seed=4)


def make_state(layout: Layout) -> dict[str, Tensor]:
    """A state dict with OpenAI's 302 keys (fewer for fewer layers), fp32.

    Scaled so that activations leave the range where QuickGELU and GELU agree, attention looks at some places
    more than at others, and scores spread between 0 and 10.
    """
    random = torch.Generator().manual_seed(layout.seed)

    def normal(*shape: int, std: float) -> Tensor:
        return std * torch.randn(*shape, generator=random)

    wide, narrow = layout.width, layout.text_width
    tokens = (layout.side // layout.patch) ** 2 + 1
    state = {
        "positional_embedding": normal(layout.context, narrow, std=0.3),
        "text_projection": normal(narrow, layout.embedding, std=0.8 * narrow**-0.5),
        "logit_scale": torch.tensor(4.6052),
        "visual.class_embedding": normal(wide, std=0.5),
        "visual.positional_embedding": normal(tokens, wide, std=0.3),
        "visual.proj": normal(wide, layout.embedding, std=0.8 * wide**-0.5),
        "visual.conv1.weight": normal(wide, 3, layout.patch, layout.patch, std=2.0 / layout.patch),
        "token_embedding.weight": normal(layout.words, narrow, std=0.5),
    }
    for name, width in {"visual.ln_pre": wide, "visual.ln_post": wide, "ln_final": narrow}.items():
        state[f"{name}.weight"], state[f"{name}.bias"] = 1 + normal(width, std=0.2), normal(width, std=0.1)
    for tower, width, layers in (("visual.", wide, layout.layers), ("", narrow, layout.text_layers)):
        for layer in range(layers):
            block = f"{tower}transformer.resblocks.{layer}"
            for name, rows, columns, gain in (
                ("attn.in_proj_", 3 * width, width, 1.5), ("attn.out_proj.", width, width, 1.0),
                ("mlp.c_fc.", 4 * width, width, 1.5), ("mlp.c_proj.", width, 4 * width, 0.5),
            ):  # fmt: skip
                state[f"{block}.{name}weight"] = normal(rows, columns, std=gain * columns**-0.5)
                state[f"{block}.{name}bias"] = normal(rows, std=0.1)
            for name in ("ln_1", "ln_2"):
                state[f"{block}.{name}.weight"] = 1 + normal(width, std=0.2)
                state[f"{block}.{name}.bias"] = normal(width, std=0.1)
    return state


def save_directory(directory: Path, layout: Layout, state: dict[str, Tensor]) -> str:
    """Write what `weights = "local-dir:..."` reads; returns that setting."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "open_clip_config.json").write_text(json.dumps({"model_cfg": layout.config}))
    torch.save(state, directory / "open_clip_pytorch_model.bin")
    return f"local-dir:{directory}"

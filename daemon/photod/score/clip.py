"""The two towers of a CLIP model, built without initialising them and filled from a weights file."""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from photod.config import LOCAL_DIR
from photod.errors import ConfigError
from photod.score.scorer import Floats
from photod.score.soundness import check_fit, check_values
from photod.score.sources import ClipConfig, Source, is_plain, open_clip
from photod.score.tower import ModuleTower, Tower
from photod.score.vit import TransformerTower
from photod.score.weights import State, read_state
from photod.score.words import first_line


def load_clip(source: Source, *, check: bool) -> nn.Module:
    """The whole model in fp32 or the file's type, its tensors mapped from the file.

    `check` reads every value, for weights that are seen for the first time. Raises ConfigError.
    """
    state = _as_open_clip(read_state(source.path), source.config)
    with torch.device("meta"):
        model = _construct(source)
    expected = model.state_dict()
    for name in ("logit_scale", "logit_bias"):  # a scalar is saved as such, or as a vector of one
        if name in state and name in expected and state[name].numel() == expected[name].numel() == 1:
            state[name] = state[name].reshape(expected[name].shape)
    check_fit(state, expected, str(source.path))
    if check:
        check_values(state, str(source.path))
    model.load_state_dict(state, strict=True, assign=True)
    if not _restore_mask(model):
        # This architecture computes buffers that no file holds: build it again, where they have values.
        model = _construct(source)
        model.load_state_dict(state, strict=True)
    return model.eval().requires_grad_(False)


def image_tower(model: nn.Module, source: Source) -> Tower:
    """The image tower in fp32, none of whose memory is the file's: overwriting that would crash the process."""
    visual = model.get_submodule("visual")
    if is_plain(source.config):
        return TransformerTower(visual.state_dict(), source.config, source.mean, source.std)
    for module in visual.modules():
        for name, parameter in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(_own(parameter), requires_grad=False))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, _own(buffer))
    if hasattr(visual, "output_tokens"):  # CoCa's returns what each patch became as well
        cast("Any", visual).output_tokens = False
    return ModuleTower(visual, source.size, source.mean, source.std)


def image_tower_alone(source: Source) -> Tower:
    """The image tower of a file that was checked at an earlier start; neither open_clip nor the text is read."""
    state = read_state(source.path)
    visual = {name[7:]: tensor for name, tensor in state.items() if name.startswith("visual.")}
    return TransformerTower(visual, source.config, source.mean, source.std)


def encode_prompts(model: nn.Module, source: Source, prompts: list[str]) -> Floats:
    """Unit vectors of the prompts, float32 [n, d]. Raises ConfigError if the tokenizer is not here."""
    try:
        tokens = tokenizer_of(source)(prompts)
    except ConfigError:
        raise
    except Exception as error:  # missing files, refused network: all the same to the user
        problem = f"the tokenizer of {source.architecture} is not on this machine: {first_line(error)}"
        local = source.tokenizer.startswith(LOCAL_DIR)
        remedy = f"copy its files into {source.path.parent}" if local else "run: photod check --download"
        raise ConfigError(problem, remedy) from error
    with torch.inference_mode():
        vectors = cast("Any", model).float().encode_text(tokens).float()
        unit: Floats = nn.functional.normalize(vectors, dim=-1).numpy().astype(np.float32)
    return unit


def tokenizer_of(source: Source) -> Any:
    """What makes tokens of prompts. Raises ConfigError where it wants a package that is not installed."""
    try:
        return open_clip().get_tokenizer(source.tokenizer)
    except ImportError as error:
        problem = f"the tokenizer of {source.architecture} wants another package: {first_line(error)}"
        raise ConfigError(problem, "install it with the pip of photod's Python") from error


def _construct(source: Source) -> nn.Module:
    library = open_clip()
    config: ClipConfig = dict(source.config)
    custom = config.pop("custom_text", False)
    kind = library.CLIP
    if custom:
        kind = library.CoCa if "multimodal_cfg" in config else library.CustomTextCLIP
    try:
        return cast("nn.Module", kind(**config))
    except Exception as error:  # a configuration that open_clip cannot build, or an extra package it needs
        raise ConfigError(
            f"{source.architecture} cannot be built: {first_line(error)}", "check model.architecture"
        ) from error


def _as_open_clip(state: State, config: ClipConfig) -> State:
    """open_clip's newer layout keeps the text tower below `text.`; its older files have it at the top."""
    if config.get("custom_text") and "positional_embedding" in state:
        from open_clip.model import convert_to_custom_text_state_dict

        return cast("State", convert_to_custom_text_state_dict(state))
    return state


def _restore_mask(model: nn.Module) -> bool:
    """Compute the causal mask, which files do not hold. False if other buffers are without values too."""
    empty = [(name, buffer) for name, buffer in model.named_buffers() if buffer.is_meta]
    for name, buffer in empty:
        owner_name, _, leaf = name.rpartition(".")
        if leaf != "attn_mask":
            return False
        mask = torch.full(buffer.shape, float("-inf")).triu_(1)
        model.get_submodule(owner_name).register_buffer(leaf, mask, persistent=False)
    return True


def _own(tensor: Tensor) -> Tensor:
    return tensor.detach().to(torch.float32 if tensor.is_floating_point() else tensor.dtype, copy=True)

"""The model card, from the figures of an evaluation and from what a person saw on the contact sheets."""

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
from safetensors import safe_open

from training.distortions import DISTORTIONS
from training.evaluate import Model, Report, as_text
from training.export import PROVENANCE, WEIGHTS
from training.failures import FAIR, SCENES, draw_all
from training.photos import Split
from training.render import squash
from training.sheets import sheet
from training.unseen import UNSEEN

CARD: Final = "MODEL_CARD.md"
OBSERVATIONS: Final = Path(__file__).with_name("observations.md")
PICTURES: Final = Path(__file__).with_name("known-failures.jpg")

INTRODUCTION: Final = """\
# The built-in model of photod

A small judge of technical quality, so that photod gives useful scores offline, ten seconds after it is installed.
It looks for blur, noise, wrong exposure, lost contrast or colour, compression blocks and smear.

**What it is not.** It has no taste. It knows nothing of composition, of people, of moments or of subjects. It was
never shown a human opinion, and no agreement with human ratings (AVA or any other) is claimed. A sharp,
well-exposed photo of nothing scores above a blurred photo of your best day. For taste, use CLIP or AesCLIP weights.

It sees what photod gives every model: the whole photo squashed to 224 x 224. Faults that vanish at that size,
such as a slight blur or mild noise in a large photo, are not seen.
"""


def _method(split: Split, provenance: str) -> str:
    return f"""\
## Method

A convolutional tower of three stages without normalisation; of every channel of every stage the mean, the standard
deviation, the response-weighted mean and the strongest of 7 x 7 places are kept; two linear layers make of them a
unit embedding of 128 numbers, the last of which is constant. Scores come from fixed text vectors as with CLIP:
`10 * softmax(100 * cosines)[good]`. The text vectors are learned with the tower; there is no text encoder, so only
the prompts in `text.safetensors` exist.

It learned from {len(split.training)} photos, unspoiled and at four rising severities of chains of one to three out
of {len(DISTORTIONS)} distortions ({", ".join(DISTORTIONS)}), rendered at photo scale before the squash. The losses
ask for the right order within a photo, for the right order across photos where the difference is plain, for a rough
absolute level, and for the share of every fault. A fifth of the faults of lens and light spoil only a part of the
picture. Three of ten starting points are composed scenes (high key, snow, low key, a disc on black, silhouettes
before an evening sky, black and white, graded, shallow focus), so that these are not taken for faults; empty
frames and drawings are taught to be worth little. The scale is calibrated on those of all these photos that
nobody chose for their looks, unspoiled; where a fault begins to be named, on all: on 2 % of them each.

The tower sees the brightness of every pixel, through kernels of 7 x 7 of which one part is given only what differs
from the surroundings, but only the mean colour of cells of 8 x 8: how fine colour detail is tells the format of a
file (4:2:0 or not), and the training photos came out of one format. All five renders of a photo get noise of up to
one level, which nobody sees: without it the finest traces of a photo's past told which one was unspoiled.

Provenance: {provenance}. `make train` makes it again.
"""


def _data(split: Split) -> str:
    photos = (*split.training, *split.validation)
    counts = Counter((photo.source, photo.licence) for photo in photos)
    lines = ["## Data", "", "| source | licence as stated there | photos |", "| --- | --- | --- |"]
    lines += [f"| {source} | {licence} | {count} |" for (source, licence), count in counts.most_common()]
    lines += [
        "",
        f"{len(split.validation)} of them, every 12th, are for validation and were never trained on. No photo is",
        "in this repository. Nothing was downloaded that was trained by others.",
    ]
    return "\n".join(lines) + "\n"


def _failures(model: Model) -> str:
    pictures = [squash(picture) for picture in draw_all()]
    found = model(np.stack(pictures))
    captions = [f"{score:.1f}  {name}" for score, name in zip(found, SCENES, strict=True)]
    sheet(pictures, captions).save(PICTURES, quality=88)
    lines = [
        "## Hard scenes, drawn by code",
        "",
        f"`training/{PICTURES.name}` shows them. A fair scene ought to score {FAIR:g} or more, the others less.",
        "",
        "| scene | ought to be | score | |",
        "| --- | --- | --- | --- |",
    ]
    for (name, scene), score in zip(SCENES.items(), found, strict=True):
        verdict = "right" if (score >= FAIR) == scene.fair else "WRONG"
        lines.append(f"| {name} | {'fair' if scene.fair else 'poor'} | {score:.1f} | {verdict} |")
    return "\n".join(lines) + "\n"


def write_card(folder: Path, split: Split, report: Report) -> None:
    """Write the card beside the weights in FOLDER, and the sheet of hard scenes beside this file."""
    with safe_open(folder / WEIGHTS, "pt") as weights:
        provenance = weights.metadata()[PROVENANCE]
    unseen = ", ".join(UNSEEN)
    parts = [
        INTRODUCTION,
        _method(split, provenance),
        _data(split),
        "## Figures\n\nAll on photos never trained on; five distortions were never trained on "
        f"either: {unseen}.\n`make evaluate` prints this.\n\n{as_text(report)}\n",
        _failures(Model(folder)),
        OBSERVATIONS.read_text(encoding="utf-8"),
    ]
    (folder / CARD).write_text("\n".join(parts), encoding="utf-8")

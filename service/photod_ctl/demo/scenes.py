"""The scenes of the demonstration folder, each drawn by a few lines of arithmetic."""

from collections.abc import Callable

import numpy as np

from photod_ctl.demo.canvas import Canvas, Pixels, Plane, below, finish, from_image, light, paint, rgb, to_image

Scene = Callable[[Canvas], Pixels]


def sunset(c: Canvas) -> Pixels:
    """The sun over the sea."""
    horizon, sun = c.rng.uniform(0.52, 0.66), c.rng.uniform(0.3, 0.7) * c.aspect
    low = horizon - c.rng.uniform(0.05, 0.14)
    top, middle, bottom = _choice(c, ("#1b2350", "#b9486b", "#ffb45e"), ("#24426f", "#d97a5a", "#ffdf9a"))
    sky = c.gradient((0, top), (horizon * 0.7, middle), (horizon, bottom), (1, bottom))
    clouds = np.clip(c.noise(3, 5, stretch=4) - 0.5, 0, 1) * 1.6 * (c.y < horizon)
    paint(sky, "#f58b6a", clouds * np.clip(c.y / horizon, 0, 1))
    light(sky, "#ffcc88", c.glow(sun, low, 0.22) * 0.7)
    light(sky, "#fff6d8", c.disc(sun, low, 0.05))
    mirrored = sky[np.clip((2 * horizon - c.y[:, 0]) * c.height, 0, c.height - 1).astype(int)]
    depth = np.clip((c.y - horizon) / (1 - horizon), 0, 1)
    waves = c.noise(40, 3, stretch=7)
    sea = mirrored * (0.72 - 0.35 * depth[..., None]) + (waves[..., None] - 0.5) * 0.16
    path = np.exp(-(((c.x - sun) / (0.05 + 0.18 * depth)) ** 2)) * (waves > 0.55) * 0.8
    light(sea, "#ffd9a0", path)
    paint(sky, sea, below(c, np.full_like(c.x, horizon)))
    return sky


def mountains(c: Canvas) -> Pixels:
    """Ranges one behind the other, the far ones blue with air."""
    sky_top, sky_low, near, far = _choice(
        c, ("#3f78b8", "#dcebf2", "#16302b", "#a9c1d4"), ("#40386b", "#f3b695", "#1c1730", "#c59aa8")
    )
    picture = c.gradient((0, sky_top), (0.6, sky_low), (1, sky_low))
    paint(picture, "#ffffff", np.clip(c.noise(2.5, 5, stretch=3) - 0.52, 0, 1) * 1.5 * (c.y < 0.6))
    for layer in range(5):
        t = layer / 4
        land = rgb(far) * (1 - t) + rgb(near) * t
        texture = (c.noise(14 + 8 * layer, 4)[..., None] - 0.5) * (0.05 + 0.1 * t)
        mist = np.clip(c.y - 0.3 - 0.14 * layer, 0, 1)[..., None] * (1 - t) * 0.5
        ridge = c.ridge(0.5 + 0.13 * layer, 0.3 - 0.04 * layer)
        paint(picture, land + texture + mist, below(c, ridge))
    return picture


def city(c: Canvas) -> Pixels:
    """Windows at night, and their lights in the river."""
    picture = c.gradient((0, "#070a1c"), (0.55, "#27254a"), (0.66, "#5a3a55"), (1, "#05060f"))
    light(picture, "#ffb878", c.glow(c.aspect * 0.5, 0.66, 0.3) * 0.3)
    x = 0
    while x < c.width:
        width, top = int(c.rng.integers(c.width // 26, c.width // 11)), c.rng.uniform(0.2, 0.55)
        rows = slice(int(top * c.height), int(0.66 * c.height))
        picture[rows, x : x + width] = rgb("#12121f") * c.rng.uniform(0.6, 1.5)
        colour = rgb(str(c.rng.choice(["#ffd890", "#ffe9c0", "#bcd8ff"])))
        for y in range(rows.start + 4, rows.stop - 4, 9):
            for window in range(x + 3, min(x + width, c.width) - 5, 7):
                if c.rng.random() < 0.38:
                    picture[y : y + 5, window : window + 4] = colour * c.rng.uniform(0.5, 1.1)
        x += width + int(c.rng.integers(0, 5))
    water = int(0.66 * c.height)
    mirrored = picture[water - 1 : max(0, 2 * water - c.height - 1) : -1][: c.height - water]
    smeared = from_image(to_image(np.clip(mirrored, 0, 1)).resize((c.width, 10)).resize((c.width, len(mirrored))))
    picture[water:] = (0.45 * smeared + 0.25 * mirrored) * (0.6 + 0.7 * c.noise(50, 2, stretch=8)[water:, :, None])
    return picture


def forest(c: Canvas) -> Pixels:
    """Conifers in the morning mist."""
    mist, dark = _choice(c, ("#dfe6df", "#16261c"), ("#e9d9c3", "#2a2016"))
    picture = c.gradient((0, mist), (1, mist)) * (0.88 + 0.12 * c.noise(2, 3)[..., None])
    light(picture, "#fff0c8", c.glow(c.rng.uniform(0.3, 1.2), 0.2, 0.3) * 0.25)
    for layer in range(5):
        t = (layer + 1) / 5
        tops = np.full((1, c.width), 2.0, np.float32)
        for _ in range(26 - 4 * layer):
            x, top = c.rng.uniform(0, c.aspect), 0.62 - 0.13 * layer * c.rng.uniform(0.4, 1.4)
            slope = c.rng.uniform(5.0, 7.5)
            jag = np.abs(((c.x - x) * 40 * (1 + t)) % 1 - 0.5) * 0.035 * t
            tops = np.minimum(tops, top + np.abs(c.x - x) * slope + jag)
        ground = c.ridge(0.74 + 0.06 * layer, 0.05)
        colour = rgb(mist) * (1 - t) ** 1.3 + rgb(dark) * (1 - (1 - t) ** 1.3)
        paint(picture, colour + 0 * picture, below(c, np.minimum(tops, ground)))
    return picture


def flower(c: Canvas) -> Pixels:
    """A blossom before a garden out of focus."""
    picture = _bokeh(c, ("#2e5a34", "#4d8247", "#86a95a", "#1f3f2c"), 26)
    x, y = c.aspect * c.rng.uniform(0.4, 0.6), c.rng.uniform(0.42, 0.52)
    stem = np.clip((0.011 - np.abs(c.x - x - 0.05 * (c.y - y) ** 2)) / 0.004, 0, 1) * (c.y > y)
    paint(picture, "#4c7a3a", stem)
    colour, edge = _choice(c, ("#e84a7f", "#ffc3d8"), ("#f4c430", "#fff1b0"), ("#8a63d2", "#d9c8f7"))
    angle, radius = np.arctan2(c.y - y, c.x - x), np.hypot(c.x - x, c.y - y)
    count = int(c.rng.integers(7, 13))
    for turn in (0.0, np.pi / count):
        petal = 0.3 * (0.62 + 0.38 * np.abs(np.cos(count / 2 * (angle + turn)))) * (1 if turn == 0 else 0.8)
        shade = np.clip(radius / 0.3, 0, 1)
        veins = 0.06 * np.sin(angle * count * 7) * shade
        leaf = rgb(colour) * (1 - shade[..., None] * 0.8) + rgb(edge) * shade[..., None] * 0.8 + veins[..., None]
        leaf = leaf * (0.72 + 0.28 * np.abs(np.cos(count / 2 * (angle + turn))))[..., None]
        paint(picture, leaf, np.clip((petal - radius) / 0.006, 0, 1))
    stamens = rgb("#a86a1c") * (0.7 + 0.6 * c.noise(60, 2)[..., None])
    paint(picture, stamens, c.disc(x, y, 0.075, 0.01))
    return picture


def portrait(c: Canvas) -> Pixels:
    """Head and shoulders before a soft background."""
    picture = _bokeh(c, ("#7c8a94", "#a8a397", "#5d6b75", "#c9bfae"), 14)
    skin, hair, coat = _choice(c, ("#d9a27e", "#3a2417", "#2f4858"), ("#8a5a3c", "#15100d", "#8c3b3b"))
    x = c.aspect * c.rng.uniform(0.42, 0.58)
    shape = np.hypot((c.x - x) / 0.5, (c.y - 1.12) / 0.36)
    shading = (1.05 - 0.5 * (c.x - x + 0.4) * 0.7)[..., None] * (0.9 + 0.1 * c.noise(30, 3)[..., None])
    paint(picture, rgb(coat) * shading, np.clip((1 - shape) / 0.02, 0, 1))
    neck = np.clip((0.085 - np.abs(c.x - x)) / 0.01, 0, 1) * (c.y > 0.5) * (c.y < 0.8)
    paint(picture, rgb(skin) * 0.8 + 0 * picture, neck)
    paint(picture, rgb(hair) * (0.7 + 0.7 * c.noise(20, 3)[..., None]), _ellipse(c, x, 0.37, 0.2, 0.27))
    face = np.clip(1.12 - 0.9 * (c.x - x + 0.05) - 0.2 * (c.y - 0.42), 0.5, 1.3)[..., None]
    paint(picture, rgb(skin) * face, _ellipse(c, x, 0.43, 0.15, 0.21))
    for side in (-1, 1):
        eye = x + side * 0.06
        paint(picture, "#f3ece4", _ellipse(c, eye, 0.41, 0.026, 0.012))
        paint(picture, "#2a1a12", c.disc(eye, 0.41, 0.011))
        paint(picture, hair, _ellipse(c, eye, 0.377, 0.034, 0.007))
    paint(picture, rgb(skin) * 0.78 + 0 * picture, _ellipse(c, x + 0.012, 0.475, 0.014, 0.03) * 0.6)
    paint(picture, "#a8453f", _ellipse(c, x, 0.545, 0.045, 0.012))
    return picture


def dunes(c: Canvas) -> Pixels:
    """Sand, light on one side of every crest."""
    picture = c.gradient((0, "#3f86c9"), (0.42, "#cfe6f2"), (1, "#cfe6f2"))
    for layer in range(4):
        crest = c.ridge(0.46 + 0.17 * layer, 0.17, roughness=2)
        ripples = 0.04 * np.sin((c.y - crest) * (170 - 30 * layer) + 6 * c.noise(5, 2))
        lit = np.clip(0.75 + np.gradient(crest[0])[None, :] * 190 + ripples, 0.35, 1.15)
        sand = rgb("#e9b36b") * lit[..., None] * (1.05 - 0.12 * layer) + (c.noise(120, 1)[..., None] - 0.5) * 0.05
        paint(picture, sand, below(c, crest))
    return picture


def stars(c: Canvas) -> Pixels:
    """The Milky Way over a black ridge."""
    picture = c.gradient((0, "#04060f"), (0.7, "#0f1a33"), (1, "#2a3550"))
    band = np.exp(-(((c.x * 0.6 - c.y + c.rng.uniform(-0.2, 0.3)) / 0.18) ** 2))
    dust = c.noise(6, 6)
    light(picture, "#8f86b8", band * np.clip(dust - 0.25, 0, 1) * 0.75)
    sky = c.rng.random((c.height, c.width))
    picture = picture + (np.where(sky > 0.9965 - 0.006 * band, c.rng.random(sky.shape), 0))[..., None]
    for x, y in zip(c.rng.uniform(0, c.aspect, 12), c.rng.uniform(0, 0.7, 12), strict=True):
        light(picture, "#dfe8ff", c.glow(x, y, c.rng.uniform(0.002, 0.005)) * 1.2)
    paint(picture, "#020306", below(c, c.ridge(0.93, 0.2)))
    return picture


def fruit(c: Canvas) -> Pixels:
    """A still life on a table, light from the upper left."""
    picture = c.gradient((0, "#4b4038"), (0.6, "#2a231e"), (0.601, "#7d5433"), (1, "#4e321d"))
    grain = c.noise(60, 3, stretch=14)[..., None]
    picture *= np.where((c.y > 0.6)[..., None], 0.75 + 0.5 * grain, 1.0)
    colours = ["#c8342b", "#e58f25", "#d8c13a", "#6d9a35", "#8c2440"]
    for number in range(5):
        radius = c.rng.uniform(0.1, 0.15)
        x, y = c.aspect * (0.2 + 0.15 * number), 0.72 - radius * 0.55 + 0.04 * (number % 2)
        shadow = _ellipse(c, x + 0.05, y + radius * 0.95, radius * 1.2, radius * 0.25, 0.4)
        picture *= 1 - 0.6 * shadow[..., None]
        depth = np.sqrt(np.clip(1 - ((c.x - x) ** 2 + (c.y - y) ** 2) / radius**2, 0, 1))
        lit = (-(c.x - x) * 0.55 - (c.y - y) * 0.65) / radius + depth * 0.55
        skin = rgb(colours[number]) * (0.22 + 0.85 * np.clip(lit, 0, 1))[..., None]
        skin = skin * (0.92 + 0.16 * c.noise(70, 2)[..., None]) + 0.06 * rgb("#7d5433") * (c.y > y)[..., None]
        paint(picture, skin, c.disc(x, y, radius))
        light(picture, "#fffaf0", c.glow(x - radius * 0.38, y - radius * 0.45, radius * 0.13) * 0.8)
    return picture


def road(c: Canvas) -> Pixels:
    """An avenue that runs to the horizon."""
    horizon, x = 0.48, c.aspect * c.rng.uniform(0.42, 0.58)
    picture = c.gradient((0, "#5d9bd3"), (horizon, "#e8f1f4"), (1, "#e8f1f4"))
    paint(picture, "#ffffff", np.clip(c.noise(3, 5, stretch=2.5) - 0.5, 0, 1) * 1.8 * (c.y < horizon))
    depth = np.clip((c.y - horizon) / (1 - horizon), 1e-3, 1)
    field = rgb(_choice(c, ("#7f9a3f",), ("#c9a94a",))[0]) * (0.7 + 0.5 * c.noise(60, 3, stretch=3)[..., None])
    paint(picture, field, below(c, np.full_like(c.x, horizon)))
    away = np.abs(c.x - x) / depth
    asphalt = rgb("#5b5d62") * (0.85 + 0.3 * c.noise(90, 2)[..., None])
    paint(picture, asphalt, np.clip((0.62 - away) / 0.02, 0, 1) * (c.y > horizon))
    paint(picture, "#f2f0e6", (away < 0.02) * ((np.log(depth) * 6) % 1 < 0.5) * (c.y > horizon))
    leaves = rgb("#3f6b2c") * (0.5 + 0.9 * c.noise(40, 3)[..., None])
    for step in range(9, -1, -1):
        near = 1 / (1 + 0.75 * step)
        for side in (-1, 1):
            tree, foot = x + side * 0.85 * near, horizon + (1 - horizon) * near * 0.95
            trunk = (np.abs(c.x - tree) < 0.02 * near) * (c.y < foot) * (c.y > foot - 0.4 * near)
            paint(picture, "#3b2c20", trunk.astype(np.float32))
            paint(picture, leaves, _ellipse(c, tree, foot - 0.5 * near, 0.2 * near, 0.28 * near, 0.25))
    return picture


def wall(c: Canvas) -> Pixels:
    """A picture of nothing much: a wall, a socket."""
    picture = c.gradient((0, "#c9c5ba"), (1, "#b3aea2")) * (0.95 + 0.08 * c.noise(3, 3)[..., None])
    paint(picture, "#e9e7e0", _ellipse(c, c.aspect * 0.7, 0.75, 0.07, 0.07))
    for side in (-0.02, 0.02):
        paint(picture, "#55524c", c.disc(c.aspect * 0.7 + side, 0.75, 0.008))
    return picture


SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (sunset, mountains, city, forest, flower, portrait, dunes, stars, fruit, road, wall)
}


def render(scene: str, seed: int, width: int = 600, height: int = 400) -> Pixels:
    """A finished picture: the same for the same arguments, for ever."""
    canvas = Canvas(width, height, np.random.default_rng([seed, *scene.encode()]))
    return finish(SCENES[scene](canvas), canvas)


def _bokeh(c: Canvas, colours: tuple[str, ...], discs: int) -> Pixels:
    picture = c.gradient((0, colours[0]), (1, colours[-1])) * (0.8 + 0.4 * c.noise(2, 2)[..., None])
    for _ in range(discs):
        x, y, radius = c.rng.uniform(0, c.aspect), c.rng.uniform(0, 1), c.rng.uniform(0.04, 0.15)
        paint(picture, str(c.rng.choice(colours)), c.disc(x, y, radius, 0.03) * c.rng.uniform(0.25, 0.6))
    return picture


def _ellipse(c: Canvas, x: float, y: float, width: float, height: float, softness: float = 0.03) -> Plane:
    distance = np.hypot((c.x - x) / width, (c.y - y) / height)
    return np.clip((1 - distance) / softness, 0, 1)


def _choice(c: Canvas, *options: tuple[str, ...]) -> tuple[str, ...]:
    return options[int(c.rng.integers(len(options)))]

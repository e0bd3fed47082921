"""The colours and fonts of drawings, as rules of a style sheet.

The light colours are the plain rules, for programs that know no media queries; a dark scheme has rules of its
own. Each rule names the class of the drawing, so that it changes nothing else on a page.

Axis letters: none.
"""

NAME, LABEL, SMALL, HEADING = 13.0, 12.0, 10.5, 14.0  # sizes of fonts, in pixels

# Fills are pale tints of the colours of Okabe and Ito (2008), which the colour-blind can tell apart; frames
# are those colours, darker where they would be faint.
BOXES = {  # by kind: fill and frame in a light scheme, fill and frame in a dark one
    "convolution": ("#dcebf7", "#0072b2", "#123b57", "#56b4e9"),
    "pooling": ("#fbeccb", "#b97f00", "#4a3606", "#e69f00"),
    "identity": ("#d6f0e6", "#00805e", "#0b4536", "#2bc79a"),
    "none": ("#eeeeee", "#858585", "#333333", "#8a8a8a"),
    "other": ("#f6e1ec", "#ab4f83", "#4b2a3d", "#d98fb6"),
    "plain": ("#ffffff", "#666666", "#26282b", "#9a9da1"),
    "end": ("#e9eaec", "#444444", "#3a3d42", "#b9bcc0"),
}
LIGHT = {"paper": "#ffffff", "text": "#1b1c1e", "small": "#55585c", "line": "#6b6e72"}
DARK = {"paper": "#17181a", "text": "#f0f0f0", "small": "#b9bcc0", "line": "#a3a6aa"}


def _rules(colours: dict[str, str], boxes: dict[str, tuple[str, str]]) -> str:
    """The rules of one scheme."""
    rules = {
        ".paper": f"fill:{colours['paper']}",
        "text": f"fill:{colours['text']}",
        ".small": f"fill:{colours['small']}",
        ".line": f"stroke:{colours['line']}",
        ".arrow": f"fill:{colours['line']}",
        **{f".{kind} rect": f"fill:{fill};stroke:{frame}" for kind, (fill, frame) in boxes.items()},
    }
    return "\n".join(f".nao-drawing {name}{{{rule}}}" for name, rule in rules.items())


SHAPES = f"""\
.nao-drawing text{{font-family:Arial,"Liberation Sans",Helvetica,sans-serif;text-anchor:middle}}
.nao-drawing .line{{fill:none;stroke-width:1.3}}
.nao-drawing .none .line,.nao-drawing .idle .line{{stroke-dasharray:3 3}}
.nao-drawing .idle rect{{stroke-dasharray:3 3}}
.nao-drawing .name{{font-size:{NAME:g}px}}
.nao-drawing .label{{font-size:{LABEL:g}px}}
.nao-drawing .small{{font-size:{SMALL:g}px}}
.nao-drawing .heading{{font-size:{HEADING:g}px;font-weight:600}}"""

STYLE = "\n".join(
    [
        SHAPES,
        _rules(LIGHT, {kind: (fill, frame) for kind, (fill, frame, _, _) in BOXES.items()}),
        "@media (prefers-color-scheme:dark){",
        _rules(DARK, {kind: (fill, frame) for kind, (_, _, fill, frame) in BOXES.items()}),
        "}",
    ]
)
"""The whole style sheet."""

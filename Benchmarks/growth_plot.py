"""The plot of growth.py: a panel for each corpus and operation, a line for each kind of query, both axes logarithmic."""
import math
from xml.sax.saxutils import escape

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#7f7f7f",
           "#bcbd22", "#003f5c", "#665191")
PANEL_WIDTH, PANEL_HEIGHT = 300, 230
LEFT, TOP, RIGHT, BOTTOM, HEAD, LEGEND_ROW = 58, 34, 16, 40, 26, 20


class Axis:
    """A logarithmic range of values on a range of places."""

    def __init__(self, values, start, end):
        low, high = min(values), max(values)
        # A fifth of a decade around the values.
        self.low, self.high = math.log10(low) - 0.2, math.log10(high) + 0.2
        self.start, self.end = start, end

    def place(self, value):
        # What took no measurable time stands at the edge.
        share = (math.log10(max(value, 10 ** self.low)) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        """Powers of ten; where there are few, 2 and 5 times them as well."""
        steps = (1,) if self.high - self.low > 2.2 else (1, 2, 5)
        for exponent in range(math.floor(self.low), math.ceil(self.high) + 1):
            for step in steps:
                value = step * 10.0 ** exponent
                if self.low <= math.log10(value) <= self.high:
                    yield value


def text(x, y, words, anchor="middle", size=11, colour="#333", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}" {more}>'
            f"{escape(words)}</text>")


def line(x1, y1, x2, y2, colour, width=1.0, more=""):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}" {more}/>')


def curve(places, colour, is_dotted):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dash = 'stroke-dasharray="2 3" stroke-opacity="0.7"' if is_dotted else ""
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6" {dash}/>'
    if not is_dotted:
        for x, y in places:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>'


def frame(x_axis, y_axis, title):
    """Title, grid and scales of a panel."""
    yield text((x_axis.start + x_axis.end) / 2, y_axis.end - 8, title, size=12, more='font-weight="bold"')
    for value in x_axis.ticks():
        x = x_axis.place(value)
        yield line(x, y_axis.start, x, y_axis.end, "#e4e4e4")
        yield text(x, y_axis.start + 15, f"{value:g}")
    for value in y_axis.ticks():
        y = y_axis.place(value)
        yield line(x_axis.start, y, x_axis.end, y, "#e4e4e4")
        yield text(x_axis.start - 6, y + 4, f"{value:g}", anchor="end")
    yield line(x_axis.start, y_axis.start, x_axis.end, y_axis.start, "#888")
    yield line(x_axis.start, y_axis.start, x_axis.start, y_axis.end, "#888")
    yield text((x_axis.start + x_axis.end) / 2, y_axis.start + 30, "MB of text")
    middle = (y_axis.start + y_axis.end) / 2
    yield text(x_axis.start - 42, middle, "µs", more=f'transform="rotate(-90 {x_axis.start - 42:.1f} {middle:.1f})"')


def panel(points, operation, title, colours, x_axis, y_axis):
    yield from frame(x_axis, y_axis, title)
    for kind, colour in colours.items():
        for percent in ("p99", "p50"):
            places = [
                (x_axis.place(p["text_bytes"] / 1e6), y_axis.place(g[percent]))
                for p in points for g in p["groups"] if (g["kind"], g["op"]) == (kind, operation)]
            if places:
                yield from curve(places, colour, is_dotted=percent == "p99")


def legend(colours, width, top):
    column = 120
    columns = max((width - LEFT) // column, 1)
    for number, (kind, colour) in enumerate(colours.items()):
        x = LEFT + number % columns * column
        y = top + number // columns * LEGEND_ROW
        yield line(x, y - 4, x + 20, y - 4, colour, 2)
        yield text(x + 26, y, kind, anchor="start")


def svg(points, corpora, operations):
    """The plot of measured points (see growth.py) as an SVG document."""
    kinds = dict.fromkeys(g["kind"] for p in points for g in p["groups"])
    colours = {kind: COLOURS[number % len(COLOURS)] for number, kind in enumerate(kinds)}
    sizes = [p["text_bytes"] / 1e6 for p in points]
    times = [g[percent] for p in points for g in p["groups"] for percent in ("p50", "p99") if g[percent] > 0]
    width = len(corpora) * PANEL_WIDTH + RIGHT
    below = HEAD + len(operations) * PANEL_HEIGHT + 14
    rows = math.ceil(len(colours) / max((width - LEFT) // 120, 1))
    height = below + rows * LEGEND_ROW + 8
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           f'font-family="sans-serif">', f'<rect width="{width}" height="{height}" fill="#fff"/>',
           text(LEFT, 18, "p50 solid, p99 dotted", anchor="start", size=12)]
    for row, operation in enumerate(operations):
        for column, corpus in enumerate(corpora):
            x, y = column * PANEL_WIDTH, HEAD + row * PANEL_HEIGHT
            x_axis = Axis(sizes, x + LEFT, x + PANEL_WIDTH - RIGHT)
            y_axis = Axis(times, y + PANEL_HEIGHT - BOTTOM, y + TOP)
            chosen = [p for p in points if p["corpus"] == corpus]
            out += panel(chosen, operation, f"{corpus}, {operation}", colours, x_axis, y_axis)
    out += legend(colours, width, below + 8)
    return "\n".join(out + ["</svg>"]) + "\n"

"""Line plots as SVG, without libraries. Used by the scripts in this folder and in ../Scripts."""
import math
from html import escape

COLOURS = ["#1f6fb2", "#d1495b", "#2e8b57", "#b8860b", "#6a4c93", "#00868b", "#8b5a2b", "#555555", "#c71585", "#4682b4"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 300, 62, 14, 30, 44


def _ticks(low, high, log):
    if log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        step = max(1, (last - first) // 6)
        return [10.0 ** e for e in range(first, last + 1, step) if low <= 10.0 ** e <= high * 1.001] or [low, high]
    span = high - low or 1
    unit = 10.0 ** math.floor(math.log10(span / 4))
    unit *= next(m for m in (1, 2, 5, 10) if span / (unit * m) <= 6)
    count = int(math.floor(high / unit + 1e-9))
    return [unit * i for i in range(math.ceil(low / unit - 1e-9), count + 1)]


def _label(value):
    if value == 0:
        return "0"
    if abs(value) >= 1e5 or abs(value) < 1e-3:
        exponent = math.floor(math.log10(abs(value)))
        mantissa = value / 10 ** exponent
        return f"10^{exponent}" if abs(mantissa - 1) < 1e-9 else f"{mantissa:g}e{exponent}"
    return f"{value:g}"


def panel(title, x_name, y_name, lines, log_x=False, log_y=False, x_offset=0, y_offset=0):
    """One plot as an SVG group. lines: {name: [(x, y), ...]}"""
    points = [p for line in lines.values() for p in line if (p[0] > 0 or not log_x) and (p[1] > 0 or not log_y)]
    if not points:
        return ""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    x0, x1 = min(xs), max(xs)
    y0, y1 = (min(ys) if log_y else min(0, min(ys))), max(ys)
    if x0 == x1:
        x0, x1 = (x0 / 2, x1 * 2) if log_x else (x0 - 1, x1 + 1)
    if y0 == y1:
        y0, y1 = (y0 / 2, y1 * 2) if log_y else (y0, y1 + 1)

    def place(value, low, high, log):
        if log:
            return (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return (value - low) / (high - low)

    inner_w, inner_h = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    at_x = lambda v: LEFT + inner_w * place(v, x0, x1, log_x)
    at_y = lambda v: TOP + inner_h * (1 - place(v, y0, y1, log_y))
    out = [f'<g transform="translate({x_offset},{y_offset})" font-family="sans-serif" font-size="10">',
           f'<text x="{LEFT}" y="16" font-size="12" font-weight="bold">{escape(title)}</text>']
    for t in _ticks(x0, x1, log_x):
        out.append(f'<line x1="{at_x(t):.1f}" x2="{at_x(t):.1f}" y1="{TOP}" y2="{TOP + inner_h}" stroke="#ddd"/>'
                   f'<text x="{at_x(t):.1f}" y="{TOP + inner_h + 13}" text-anchor="middle">{_label(t)}</text>')
    for t in _ticks(y0, y1, log_y):
        out.append(f'<line x1="{LEFT}" x2="{LEFT + inner_w}" y1="{at_y(t):.1f}" y2="{at_y(t):.1f}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 4}" y="{at_y(t) + 3:.1f}" text-anchor="end">{_label(t)}</text>')
    out.append(f'<text x="{LEFT + inner_w / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x_name)}</text>'
               f'<text transform="translate(12,{TOP + inner_h / 2}) rotate(-90)" text-anchor="middle">{escape(y_name)}</text>')
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        line = [p for p in line if (p[0] > 0 or not log_x) and (p[1] > 0 or not log_y)]
        path = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if len(line) <= 12:
            out += [f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="2" fill="{colour}"/>' for x, y in line]
        out.append(f'<line x1="{LEFT + 8}" x2="{LEFT + 24}" y1="{TOP + 9 + 12 * number}" y2="{TOP + 9 + 12 * number}" '
                   f'stroke="{colour}" stroke-width="2"/><text x="{LEFT + 28}" y="{TOP + 12 + 12 * number}">{escape(name)}</text>')
    return "\n".join(out + ["</g>"])


def write(path, panels, columns=2):
    """panels: [dict of arguments of `panel`]"""
    rows = (len(panels) + columns - 1) // columns
    columns = min(columns, len(panels))
    body = [panel(**p, x_offset=WIDTH * (i % columns), y_offset=HEIGHT * (i // columns)) for i, p in enumerate(panels)]
    with open(path, "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH * columns}" height="{HEIGHT * rows}">\n'
                f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n")

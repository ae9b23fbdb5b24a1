"""The figures as a text for people and as a plot."""

from html import escape

BAR, LABEL, WIDTH = 16, 96, 640


def columns(head, lines):
    """Lines of text with the columns below each other, figures to the right."""
    lines = [[str(word) for word in line] for line in (head, *lines)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        yield "  ".join(
            word.ljust(width) if i == 0 else word.rjust(width)
            for i, (word, width) in enumerate(zip(line, widths))).rstrip()


def figure(value):
    if value is None:
        return "-"
    return f"{value:.3f}".rstrip("0").rstrip(".")


def shorter(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


class Table:
    def __init__(self):
        self.parts = []
        self.goals = []
        self.plots = []

    def add(self, title, head, lines):
        self.parts.append((title, head, lines))

    def goal(self, what, goal, measured):
        """Measured should be at most goal."""
        reached = "-"
        if isinstance(measured, (int, float)):
            reached = "yes" if measured <= goal else "no"
        else:
            measured = None
        self.goals.append([what, figure(goal), figure(measured), reached])

    def plot(self, title, values):
        """A bar for each name."""
        self.plots.append((title, values))

    def text(self, facts, lost):
        parts = [*self.parts,
                 ("Goals", ["", "at most", "measured", "reached"], self.goals)]
        out = [*facts, ""]
        for title, head, lines in parts:
            if lines:
                out += [title, "", *columns(head, lines), ""]
        out += ["Left out, as it failed: " + line for line in lost]
        return "\n".join(out).rstrip() + "\n"

    def svg(self, fact):
        height = 28 + sum(28 + (BAR + 4) * len(v) for _, v in self.plots)
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
               f'height="{height}" font-family="sans-serif" font-size="12">',
               f'<rect width="{WIDTH}" height="{height}" fill="white"/>']
        y = 0
        for title, values in self.plots:
            y += 22
            out.append(f'<text x="8" y="{y}" font-weight="bold">'
                       f'{escape(title)}</text>')
            y += 6
            # One that is far off is cut, or nothing could be seen of the rest.
            most = sorted(values.values())[-2:][0] * 1.1
            for name, value in values.items():
                out += self.bar(name, value, most, y)
                y += BAR + 4
        out.append(f'<text x="8" y="{height - 8}" fill="#666" font-size="10">'
                   f'{escape(fact)}</text>')
        return "\n".join(out) + "\n</svg>\n"

    def bar(self, name, value, most, y):
        length = max(1, min(1, value / most) * (WIDTH - LABEL - 90))
        colour = {"sendling": "#1b7837", "floor": "#999999"}.get(
            name, "#92a9c9")
        yield (f'<text x="{LABEL - 6}" y="{y + 12}" text-anchor="end">'
               f'{escape(name)}</text>')
        yield (f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" '
               f'height="{BAR}" fill="{colour}"/>')
        yield (f'<text x="{LABEL + length + 4:.1f}" y="{y + 12}">'
               f'{shorter(value)}{" (cut)" if value > most else ""}</text>')

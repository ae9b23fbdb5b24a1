"""The figures in the README: its words stay, and its numbers become those of
the last run."""

import re
import statistics


def median(samples, what, unit):
    return statistics.median(getattr(s, what) for s in samples) / unit


def short(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def row(name, *columns):
    """Each column is a figure and how wide it is, with its space."""
    return f"    {name:<10}" + "".join(
        f"{figure:>{width}}" for figure, width in columns)


def small_rows(found, turns):
    for name in sorted(found, key=lambda n: median(found[n], "wall", 1)):
        line = row(name, (short(median(found[name], "wall", 1000)), 9),
                   (short(median(found[name], "cpu", 1000)), 9))
        if name in turns:
            waits = turns[name][0].seen["waits"]
            line += (f"{median(turns[name], 'wall', 1000):>8.0f} ms, {waits}"
                     + (" waits for the server" if name == "sendling" else ""))
        yield line


def waits_rows(lines):
    by_data = lines[1]
    for name, *counts in lines:
        if name not in ("sendling", "swaks", "msmtp", "curl"):
            continue
        line = row(name, (counts[0], 13), (counts[1], 9), (counts[2], 9))
        if name == "sendling":
            line += (f"    by DATA {by_data[1] - counts[0]} more, "
                     f"STARTTLS {counts[3] - counts[0]}")
        yield line


def large_rows(found):
    for name in sorted(found, key=lambda n: median(found[n], "cpu", 1)):
        yield row(name, (short(median(found[name], "wall", 1000)), 9),
                  (short(median(found[name], "cpu", 1000)), 9),
                  (f"{median(found[name], 'rss', 1024):.1f}", 11))


def queue_rows(rates):
    for name, rate in sorted(rates.items(), key=lambda one: -(one[1] or 0)):
        if rate:
            yield row(name, (f"{rate:.0f}", 18))


def replace_rows(text, head, rows):
    """All lines below the head, up to an empty one."""
    return re.sub(f"(\n +{re.escape(head)}\n)(?:.+\n)+",
                  lambda m: m[1] + "\n".join(rows) + "\n", text, count=1)


def update(text, figures):
    """The README's text with what there are figures for."""
    if "small" in figures and "turns" in figures:
        text = replace_rows(
            text, "wall ms   CPU ms   the same where each turn takes 50 ms",
            small_rows(figures["small"], figures["turns"]))
    if "waits" in figures:
        text = replace_rows(text, "1 recipient    1,000    5,000",
                            waits_rows(figures["waits"]))
    if "large" in figures:
        text = replace_rows(text, "wall ms   CPU ms   peak MiB",
                            large_rows(figures["large"]))
    if "many" in figures:
        text = re.sub(
            r"take [0-9.]+ s of CPU and [0-9]+ MiB",
            f"take {median(figures['many'], 'cpu', 1e6):.2f} s of CPU and "
            f"{median(figures['many'], 'rss', 1024):.0f} MiB", text)
    if "queues" in figures:
        text = replace_rows(text, "mails a second",
                            queue_rows(figures["queues"]))
    if figures.get("delayed queue"):
        text = re.sub(r"1,000 of them take [0-9.]+ s",
                      f"1,000 of them take {figures['delayed queue']:.1f} s",
                      text)
    counts = figures.get("instructions", {})
    if counts.get("sendling") and counts.get("floor"):
        text = re.sub(
            r"[0-9.]+( million\s+instructions by callgrind, of which the floor"
            r"\s+needs )[0-9.]+", lambda m:
            f"{counts['sendling'] / 1e6:.1f}{m[1]}{counts['floor'] / 1e6:.1f}",
            text)
    return text

"""What the scripts that make tables share: reading Unicode's data files, packing numbers into Swift source."""
import base64, bz2, os, sys

ROOT = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
HERE = os.path.dirname(os.path.abspath(__file__))
GENERATED = os.path.join(HERE, "../Sources/SakuinEngine/Text/Generated")


def rows(name):
    """The fields of each line of a file of the character database."""
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        for line in f:
            line = line.split("#")[0].strip()
            if line:
                yield [part.strip() for part in line.split(";")]


def span(text):
    """The scalars of `1234` or `1234..5678`."""
    first, _, last = text.partition("..")
    return range(int(first, 16), int(last or first, 16) + 1)


def folds():
    """What NFKC_Casefold maps scalars to, where that is not the scalar itself."""
    return {c: [int(x, 16) for x in row[2].split()] if len(row) > 2 else []
            for row in rows("DerivedNormalizationProps.txt") if row[1] == "NFKC_CF" for c in span(row[0])}


def unihan(name):
    """The scalar, property and value of each line of a Unihan file."""
    with bz2.open(os.path.join(ROOT, name + ".bz2"), "rt", encoding="utf-8") as f:
        for line in f:
            if line.startswith("U+"):
                scalar, prop, value = line.rstrip("\n").split("\t")
                yield int(scalar[2:], 16), prop, value


def unicode_version():
    text = open(os.path.join(ROOT, "ReadMe.txt"), encoding="utf-8").read()
    return next((w.strip(".") for w in text.split() if w[:1].isdigit() and w.count(".") >= 2), "unknown")


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def blob(name, about, data):
    """A static string of base64 in Swift."""
    text = base64.b64encode(data).decode()
    lines = [text[i:i + 108] for i in range(0, len(text), 108)]
    body = "\\\n        ".join(lines)
    return f'    /// {about}\n    static let {name}: StaticString = """\n        {body}\n        """\n'

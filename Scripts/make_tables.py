#!/usr/bin/env python3
"""Makes Sources/SakuinEngine/Text/Generated/CharacterData.swift from Unicode data files.

    apt-get install unicode-data && python3 Scripts/make_tables.py [/usr/share/unicode]

For every scalar: what NFKC_Casefold maps it to (UAX #31, DerivedNormalizationProps NFKC_CF), the class of what comes out
(DESIGN: CJK, Hangul, word, blank, line break, separator), and whether its normalisation depends on its neighbours. Besides,
the decompositions, combining classes and compositions that the slow path needs (UAX #15).
"""
import os

from unicode_files import GENERATED, blob, folds, rows, span, unicode_version, varint, zigzag

OUT = os.path.join(GENERATED, "CharacterData.swift")
LIMIT = 0x40000  # the table covers planes 0 to 3; all above but the default-ignorable block are separators
SEPARATOR, BLANK, LINE_BREAK, WORD, CJK, HANGUL, GONE, SEVERAL = range(8)

version = unicode_version()

category, combining, decomposition, compatible = {}, {}, {}, {}
previous = None
for row in rows("UnicodeData.txt"):
    scalar = int(row[0], 16)
    members = range(scalar, scalar + 1)
    if row[1].endswith("Last>"):
        members = range(previous + 1, scalar + 1)
    for c in members:
        category[c] = row[2]
    if int(row[3]):
        combining[scalar] = int(row[3])
    if row[5] and not row[5].startswith("<"):
        decomposition[scalar] = [int(x, 16) for x in row[5].split()]
    elif row[5]:
        compatible[scalar] = [int(x, 16) for x in row[5].split()[1:]]
    previous = scalar

script, fold, quick, excluded, space = {}, folds(), set(), set(), set()
for row in rows("Scripts.txt"):
    for c in span(row[0]):
        script[c] = row[1]
for row in rows("DerivedNormalizationProps.txt"):
    if row[1] == "NFC_QC":
        quick.update(span(row[0]))
    elif row[1] == "Full_Composition_Exclusion":
        excluded.update(span(row[0]))
for row in rows("PropList.txt"):
    if row[1] == "White_Space":
        space.update(span(row[0]))


# Compatibility decompositions that hold marks (halfwidth voicing marks, U+037A): marks are put in order before they are
# folded, so those have to be seen as marks by then. They are never composed again.
for c, target in compatible.items():
    if any(t in combining for t in target):
        decomposition[c] = target
        excluded.add(c)


def kind(c):
    if script.get(c) == "Hangul":
        return HANGUL
    if script.get(c) in ("Han", "Hiragana", "Katakana", "Bopomofo") or c == 0x30FC:
        return CJK
    if category.get(c, "Cn")[0] in "LNM":
        return WORD
    if c in (0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029):
        return LINE_BREAK
    return BLANK if c in space else SEPARATOR


def slow(c):
    return c in combining or c in quick


expansions, numbers = [], {}
entries = []
for c in range(LIMIT):
    target = fold.get(c, [c])
    # A mark that folds to a letter (U+0345) still takes its place among the marks before it is folded.
    depends = bool(target) and (c in combining or any(slow(t) for t in target))
    if not target:
        entries.append((GONE, 0, False))
    elif len(target) == 1:
        entries.append((kind(target[0]), target[0] - c, depends))
    else:
        key = tuple(target)
        if key not in numbers:
            numbers[key] = len(expansions)
            expansions.append(key)
        entries.append((SEVERAL, numbers[key], depends))
for c, target in fold.items():
    assert c < LIMIT or (0xE0000 <= c <= 0xE0FFF and not target), hex(c)
assert all(c < LIMIT for c in combining) and all(c < LIMIT for c in decomposition)


runs, at = bytearray(), 0
while at < LIMIT:
    end = at
    while end < LIMIT and entries[end] == entries[at]:
        end += 1
    cls, value, depends = entries[at]
    runs += varint(end - at) + bytes([cls | (8 if depends else 0)]) + zigzag(value)
    at = end

several = bytearray(varint(len(expansions)))
for target in expansions:
    several += varint(len(target))
    for t in target:
        several += varint(t) + bytes([kind(t)])

classes, last = bytearray(varint(len(combining))), 0
for c in sorted(combining):
    classes += varint(c - last) + bytes([combining[c]])
    last = c

parts, last = bytearray(varint(len(decomposition))), 0
for c in sorted(decomposition):
    target = decomposition[c]
    parts += varint(c - last) + bytes([len(target) | (0x80 if c in excluded or len(target) == 1 else 0)])
    for t in target:
        parts += varint(t)
    last = c

os.makedirs(GENERATED, exist_ok=True)
with open(OUT, "w", encoding="utf-8") as f:
    f.write(f"""// Made by Scripts/make_tables.py from Unicode {version}; never edited.

/// Packed character data, base64: what `CharacterTable` and `CanonicalComposition` unpack when they are first used.
enum CharacterData {{
    /// Unicode version times 10,000: it changes what a text normalises to.
    static let version: UInt32 = {int(version.split('.')[0]) * 10000 + int(version.split('.')[1]) * 100}
""")
    f.write(blob("runs", "Runs of scalars from 0: varint count, class + 8 when slow, zigzag difference or expansion.", runs))
    f.write(blob("expansions", "Folds of several scalars: varint count; each varint length, (varint scalar, class)…", several))
    f.write(blob("combiningClasses", "Varint count; (varint difference of scalars, class)…", classes))
    f.write(blob("decompositions", "Varint count; (varint difference, length + 128 when not composed, varints)…", parts))
    f.write("}\n")
print(f"Unicode {version}: {len(runs)} bytes of runs, {len(expansions)} expansions, {len(decomposition)} decompositions")

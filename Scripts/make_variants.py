#!/usr/bin/env python3
"""Makes Sources/SakuinEngine/Text/Generated/VariantData.swift from Unihan and the two lists beside this script.

    apt-get install unicode-data && python3 Scripts/make_variants.py [/usr/share/unicode]

Characters are variants when they have a traditional form in common. The traditional forms of a character are its
kTraditionalVariant and, of a kanji, its older form (kJinmeiyoKanji, joyo_forms.txt); and itself when it has none of these
or is one, of itself or another. Forms that are one character written two ways (kZVariant, same_forms.txt) are one form.
Everything is said of folded characters (NFKC_Casefold), which texts and queries consist of by then.
"""
import collections, os

from unicode_files import GENERATED, HERE, blob, folds, rows, unicode_version, unihan, varint

OUT = os.path.join(GENERATED, "VariantData.swift")
version, fold = unicode_version(), folds()


def folded(c):
    target = fold.get(c, [c])
    assert len(target) == 1, hex(c)
    return target[0]


def scalars(value):
    """Those of `U+1234<kSource U+5678`."""
    return [int(part.split("<")[0].removeprefix("U+"), 16) for part in value.split()]


def listed(name):
    """The characters of each word of a list."""
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return [[ord(c) for c in word] for line in f if not line.startswith("#") for word in line.split()]


# Traditional forms by character, and the pairs of forms that are one.
traditional, same, kanji, listed_kanji = collections.defaultdict(set), set(), set(), {}
for c, prop, value in unihan("Unihan_Variants.txt"):
    for target in scalars(value):
        if prop == "kTraditionalVariant":
            traditional[folded(c)].add(folded(target))
        elif prop == "kSimplifiedVariant":
            traditional[folded(target)].add(folded(c))
        elif prop == "kZVariant":
            same.add((folded(c), folded(target)))
for c, prop, value in unihan("Unihan_OtherMappings.txt"):
    if prop == "kJoyoKanji" and "U+" not in value:
        kanji.add(c)
    if prop == "kJinmeiyoKanji":
        for part in value.split():
            if ":" in part:
                listed_kanji.setdefault(c, set()).update(scalars(part.split(":")[1]))
assigned = {int(row[0], 16) for row in rows("UnicodeData.txt")} | {c for c, _, _ in unihan("Unihan_IRGSources.txt")}

for c, *older in listed("joyo_forms.txt"):
    assert c in kanji and folded(c) == c, chr(c)
    for form in older:
        assert form in assigned and form not in kanji and folded(form) == form != c, chr(form)
        assert listed_kanji.get(form, {c}) == {c}, (chr(c), chr(form))
        traditional[c].add(form)
for form, targets in listed_kanji.items():
    for c in targets:
        if folded(form) != folded(c):
            traditional[folded(c)].add(folded(form))
for a, b in listed("same_forms.txt"):
    assert {a, b} <= assigned and folded(a) == a and folded(b) == b and (a, b) not in same, (chr(a), chr(b))
    same.add((a, b))

named = {form for forms in traditional.values() for form in forms}
for c in named | {c for pair in same for c in pair}:
    if c in named or not traditional.get(c):
        traditional[c].add(c)

# Each form by the first of those it is one with.
first = {}
for a, b in sorted(same):
    a, b = first.setdefault(a, a), first.setdefault(b, b)
    for c, of in list(first.items()):
        if of in (a, b):
            first[c] = min(a, b)
groups = collections.defaultdict(set)
for c, forms in traditional.items():
    for form in forms:
        groups[first.get(form, form)].add(c)
groups = sorted({tuple(sorted(group)) for group in groups.values() if len(group) > 1})

data, last = bytearray(varint(len(groups))), 0
for group in groups:
    data += varint(len(group)) + varint(group[0] - last)
    for a, b in zip(group, group[1:]):
        data += varint(b - a)
    last = group[0]

with open(OUT, "w", encoding="utf-8") as f:
    f.write(f"""// Made by Scripts/make_variants.py from Unicode {version} (Unihan) and the lists beside it; never edited.

/// Packed groups of variants, base64: what `VariantTable` unpacks when it is first used.
enum VariantData {{
""")
    f.write(blob("groups", "Varint count; each varint length, then varint differences of ascending scalars, the first to "
                 "that before.", bytes(data)))
    f.write("}\n")

variants = collections.defaultdict(set)
for group in groups:
    for c in group:
        variants[c].update(group)
sizes = collections.Counter(len(v) for v in variants.values())
print(f"Unicode {version}: {len(data)} bytes, {len(groups)} groups of {len(variants)} characters, by number of variants: "
      + ", ".join(f"{size}: {count}" for size, count in sorted(sizes.items())))

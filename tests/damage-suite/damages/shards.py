"""Damages of shards: index, entries, inner chunks, dead space, nested shards."""

from suite import EMPTY, Shard, damage

KEY = "g/shard/c/0/1"


def shard(name, rule, change, array="shard", inner=None, start=False, **expected):
    """A damage of the entries of one shard with 2 x 2 inner chunks; the checksum of the index is right."""
    key = f"g/{array}/c/0/1"

    def make(store):
        shard = Shard(store, key, 4, start)
        change(shard)
        shard.save()

    make.__name__ = name
    expected = {"repair": "repaired", **expected}
    damage("v3", rule=rule, node=f"/g/{array}", inner=inner, **{"key": key, **expected})(make)


def entry(position, offset=None, size=None):
    def change(shard):
        entry = shard.entries[position]
        shard.entries[position] = [entry[0] if offset is None else offset, entry[1] if size is None else size]

    return change


def corrupt(position, at):
    """Flips a bit of an inner chunk."""

    def change(shard):
        offset = shard.entries[position][0] - (len(shard.index) if shard.start else 0)
        content = bytearray(shard.body)
        content[offset + at] ^= 0x10
        shard.body = bytes(content)

    return change


for array, start in [("shard", False), ("shard_start", True), ("shard_raw", False), ("shard_crc", False)]:
    lost = {"array": array, "start": start, "inner": [0, 1], "dropped": [[[0, 1]]]}
    shard(f"{array}_entry_is_out_of_range", "shard-entry-range", entry(1, offset=1 << 40), **lost)
    shard(f"{array}_entry_overflows", "shard-entry-range", entry(1, offset=EMPTY - 8), **lost)
    shard(f"{array}_entry_has_an_empty_offset", "shard-entry-half-empty", entry(1, offset=EMPTY), **lost)
    shard(f"{array}_entry_has_an_empty_size", "shard-entry-half-empty", entry(1, size=EMPTY), **lost)
    shard(f"{array}_entry_has_no_bytes", "shard-entry-empty", entry(1, size=0), **lost)


def into_index(shard):
    end = len(shard.body)
    shard.entries[3][0] = end - shard.entries[3][1] + 8


def over_index(shard):
    shard.entries[0][0] = 60


def overlap(shard):
    shard.entries[2][0] = shard.entries[1][0] + 4


def duplicate(shard):
    shard.entries[2] = list(shard.entries[1])


def drop(shard):
    shard.entries[1] = [EMPTY, EMPTY]


def garbage(shard):
    shard.body += b"\0" * 100


shard("entry_reaches_into_the_index", "shard-entry-in-index", into_index, inner=[1, 1], dropped=[[[1, 1]]])
shard("raw_entry_reaches_into_the_index", "shard-entry-in-index", into_index, "shard_raw", inner=[1, 1], dropped=[[[1, 1]]])
shard("entry_reaches_into_the_index_at_the_start", "shard-entry-in-index", over_index, "shard_start", [0, 0], True,
      dropped=[[[0, 0]]])
shard("entries_overlap", "shard-entry-overlap", overlap, inner=[1, 0], dropped=[[[1, 0]]],
      also=("inner-chunk-corrupt", "inner-chunk-size"))
shard("entries_with_checksums_overlap", "shard-entry-overlap", overlap, "shard_crc", [1, 0], dropped=[[[1, 0]]],
      also=("inner-chunk-checksum",))
shard("entries_are_equal", "shard-entry-duplicate", duplicate, inner=[1, 0], severity="warning", repair="advice")
shard("raw_entry_has_the_wrong_size", "inner-chunk-size", entry(2, size=60), "shard_raw", [1, 0], dropped=[[[1, 0]]])
shard("inner_chunk_is_missing", "inner-chunks-missing", drop, key=None, severity="note", also=("dead-space",))
shard("shard_has_dead_space", "dead-space", garbage, severity="note", repair="repaired")
shard("shard_has_dead_space_at_the_end", "dead-space", garbage, "shard_start", start=True, severity="note")
shard("inner_chunk_is_corrupt", "inner-chunk-corrupt", corrupt(0, 2), inner=[0, 0], deep=True, dropped=[[[0, 0]]])
shard("inner_chunk_does_not_match_its_checksum", "inner-chunk-checksum", corrupt(1, 2), "shard_crc", [0, 1], deep=True,
      dropped=[[[0, 1]]])
shard("inner_chunk_is_corrupt_after_the_index", "inner-chunk-corrupt", corrupt(0, 1), "shard_start", [0, 0], True, deep=True,
      dropped=[[[0, 0]]])


shard("inner_chunk_is_whole_in_another_copy", "inner-chunk-checksum", corrupt(2, 3), "shard_crc", [1, 0], deep=True, copy=True)
shard("entry_is_whole_in_another_copy", "shard-entry-half-empty", entry(1, size=EMPTY), "shard_raw", [0, 1], copy=True)


for array, start in [("shard", False), ("shard_start", True), ("shard_raw", False), ("shard_crc", False)]:

    def checksum(store, array=array, start=start):
        Shard(store, f"g/{array}/c/0/1", 4, start).save(checksum=0x12345678)

    def flipped(store, array=array, start=start):
        shard = Shard(store, f"g/{array}/c/0/1", 4, start)
        store.flip(shard.key, 17 if start else len(shard.whole) - 68 + 17)

    checksum.__name__ = f"{array}_index_has_a_wrong_checksum"
    flipped.__name__ = f"{array}_index_has_a_flipped_offset"
    place = {"rule": "shard-index-checksum", "node": f"/g/{array}", "key": f"g/{array}/c/0/1"}
    damage("v3", repair="repaired", **place)(checksum)
    # Plain elements verify nothing, so that the place of an inner chunk cannot be proved.
    plain = array == "shard_raw"
    damage("v3", repair="advice" if plain else "repaired", dropped=[] if plain else [[[0, 1]]], **place)(flipped)


@damage("v3", rule="shard-too-short", node="/g/shard", key=KEY)
def shard_is_shorter_than_its_index(store):
    store.cut(KEY, 40)


@damage("v3", rule="shard-index-checksum", node="/g/shard", key=KEY)
def shard_is_cut(store):
    store.cut(KEY, len(store.read(KEY)) - 30)


@damage("v3", rule="empty-object", node="/g/shard", key=KEY)
def shard_is_empty(store):
    store.write(KEY, b"")


@damage("v3", rule="shard-entry-range", node="/g/edge", key="g/edge/c/0/0", inner=[1, 1], repair="repaired",
        dropped=[[[1, 1]]])
def shard_of_an_array_with_an_edge(store):
    shard = Shard(store, "g/edge/c/0/0", 4)
    shard.entries[3][0] = 1 << 20
    shard.save()


def nested(store):
    """Returns the outer shard, and the inner shard [0, 1] in it."""
    outer = Shard(store, "g/nested/c/0/0", 4)
    offset, size = outer.entries[1]
    return outer, Shard(store, outer.key, 4, within=(offset, offset + size))


NESTED = {"node": "/g/nested", "key": "g/nested/c/0/0", "repair": "repaired"}


@damage("v3", rule="shard-entry-range", inner=[0, 1], dropped=[[[0, 1], [1, 0]]], **NESTED)
def nested_entry_is_out_of_range(store):
    _, inner = nested(store)
    inner.entries[2][0] = 1 << 30
    inner.save()


@damage("v3", rule="shard-index-checksum", inner=[0, 1], **NESTED)
def nested_index_has_a_wrong_checksum(store):
    nested(store)[1].save(checksum=1)


@damage("v3", rule="inner-chunk-corrupt", inner=[0, 1], deep=True, dropped=[[[0, 1], [0, 0]]], **NESTED)
def nested_inner_chunk_is_corrupt(store):
    _, inner = nested(store)
    inner.body = b"\0" * 4 + inner.body[4:]
    inner.save()


@damage("v3", rule="shard-entry-half-empty", inner=[0, 1], dropped=[[[0, 1]]], **NESTED)
def outer_entry_is_half_empty(store):
    outer, _ = nested(store)
    outer.entries[1][1] = EMPTY
    outer.save()


@damage("tensorstore", rule="inner-chunk-checksum", node="/", key="c/1/0", inner=[0, 0], deep=True, repair="repaired",
        dropped=[[[0, 0]]])
def inner_chunk_of_tensorstore_is_flipped(store):
    shard = Shard(store, "c/1/0", 4)
    store.flip("c/1/0", shard.entries[0][0] + 12)


@damage("tensorstore", rule="shard-entry-overlap", node="/", key="c/1/0", inner=[1, 1], repair="repaired", dropped=[[[1, 1]]],
        also=("inner-chunk-checksum",))
def entries_of_tensorstore_overlap(store):
    shard = Shard(store, "c/1/0", 4)
    shard.entries[3][0] -= 5
    shard.save()


@damage("tensorstore", rule="shard-index-checksum", node="/", key="c/1/0", repair="repaired")
def index_of_tensorstore_has_a_wrong_checksum(store):
    Shard(store, "c/1/0", 4).save(checksum=7)

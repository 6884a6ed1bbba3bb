"""Damages of chunks that are not shards."""

from suite import damage


def chunk(name, array, rule, make, deep=True):
    key = f"g/{array}/c/1/2"

    def change(store):
        make(store, key)

    change.__name__ = f"chunk_{name}"
    damage("v3", rule=rule, node=f"/g/{array}", key=key, deep=deep)(change)


chunk("is_empty", "zstd", "empty-object", lambda store, key: store.write(key, b""), deep=False)
chunk("is_too_short", "plain", "chunk-size", lambda store, key: store.cut(key, 31), deep=False)
chunk("is_too_long", "plain", "chunk-size", lambda store, key: store.write(key, store.read(key) + b"x"), deep=False)
chunk("with_checksum_is_too_short", "crc", "chunk-size", lambda store, key: store.cut(key, 32), deep=False)
chunk("is_far_too_long", "zstd", "chunk-size", lambda store, key: store.write(key, bytes(1 << 20)), deep=False)
chunk("is_flipped_under_crc32c", "crc", "chunk-checksum", lambda store, key: store.flip(key, 5))
chunk("checksum_is_flipped", "crc", "chunk-checksum", lambda store, key: store.flip(key, -1))
chunk("is_flipped_under_zstd_and_crc32c", "zstd_crc", "chunk-checksum", lambda store, key: store.flip(key, 8))
for array in ["zstd", "gzip", "blosc"]:
    chunk(f"is_one_byte_in_{array}", array, "chunk-corrupt", lambda store, key: store.cut(key, 1), deep=False)
    chunk(f"is_cut_in_{array}", array, "chunk-corrupt", lambda store, key: store.cut(key, len(store.read(key)) - 5))
    chunk(f"header_is_zero_in_{array}", array, "chunk-corrupt",
          lambda store, key: store.write(key, bytes(4) + store.read(key)[4:]))
chunk("has_random_bytes", "zstd", "chunk-corrupt", lambda store, key: store.write(key, bytes(range(40))))
chunk("is_of_another_codec", "gzip", "chunk-corrupt", lambda store, key: store.write(key, store.read("g/zstd/c/1/2")))
chunk("size_in_the_gzip_trailer_is_wrong", "gzip", "chunk-corrupt", lambda store, key: store.flip(key, -1))
chunk("crc_in_the_gzip_trailer_is_wrong", "gzip", "chunk-corrupt", lambda store, key: store.flip(key, -6))
chunk("size_in_the_blosc_header_is_wrong", "blosc", "chunk-corrupt", lambda store, key: store.flip(key, 4, 0x01))
chunk("length_in_the_blosc_header_is_wrong", "blosc", "chunk-corrupt", lambda store, key: store.flip(key, 12, 0x01))
chunk("is_of_another_size", "gzip", "chunk-corrupt", lambda store, key: store.write(key, gzip(bytes(30))))


@damage("v3", rule="chunk-corrupt", node="/g/strings", key="g/strings/c/1", deep=True)
def chunk_of_strings_is_cut(store):
    store.cut("g/strings/c/1", len(store.read("g/strings/c/1")) - 3)


@damage("v3", rule="chunk-corrupt", node="/g/scalar", key="g/scalar/c", deep=True)
def chunk_of_a_scalar_is_cut(store):
    store.cut("g/scalar/c", 10)


def gzip(content):
    import gzip

    return gzip.compress(content)

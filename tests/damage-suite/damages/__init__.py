"""All damages, by kind."""

from . import chunks, consolidated, documents, kept, keys, shards, zarr_2  # noqa: F401

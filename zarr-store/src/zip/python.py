"""Makes python.zip: members stored and deflated, one with the sizes of zip64, a directory and a comment."""

import zipfile

with zipfile.ZipFile("python.zip", "w") as archive:
    archive.writestr(zipfile.ZipInfo("a/"), b"")
    archive.writestr(zipfile.ZipInfo("a/zarr.json"), b"{}")
    deflated = zipfile.ZipInfo("a/c/0")
    deflated.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(deflated, bytes(range(256)) * 40)
    with archive.open(zipfile.ZipInfo("a/c/é"), "w", force_zip64=True) as member:
        member.write(b"zip64")
    archive.comment = b"a comment, PK\x05\x06 and all"

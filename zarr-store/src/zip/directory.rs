//! Parses the central directory of an archive (APPNOTE 6.3.10, 4.3): the members and their offsets.
//!
//! No entry may let a member reach outside its range: names are keys, members do not overlap, and
//! sizes are ones that their method can produce. If a name occurs twice, the last member counts, as
//! for a writer that appends: zip readers agree on that. Bytes in front of the archive shift all
//! offsets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::key;

/// The size of a local header before its name, in bytes.
pub(super) const HEADER: u64 = 30;

/// The signature of an entry of the central directory.
const ENTRY: u32 = 0x0201_4b50;

/// The most bytes that one byte of deflate can expand to.
const DEFLATE_RATIO: u64 = 1032;

/// The offset and size of the central directory, and its number of members.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) offset: u64,
    pub(super) size: u64,
    count: u64,
    /// The bytes in front of the archive, which its offsets do not count.
    before: u64,
}

/// The compression method of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
    Encrypted,
    Other(u16),
}

/// Names a compression method as APPNOTE 4.4.5 does.
pub(super) fn method_name(method: u16) -> String {
    let name = match method {
        9 => "Deflate64",
        12 => "bzip2",
        14 => "LZMA",
        20 | 93 => "Zstandard",
        95 => "XZ",
        98 => "PPMd",
        99 => "AES",
        _ => return format!("method {method}"),
    };
    format!("{name} (method {method})")
}

/// One member.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) method: Method,
    /// The offset of the local header.
    pub(super) header: u64,
    /// The offset of the next member or of the directory.
    pub(super) limit: u64,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) crc: u32,
    /// The offset of the data, once the local header has been read.
    pub(super) data: OnceLock<u64>,
}

pub(super) type Members = BTreeMap<String, Member>;

/// Fields of a record, little endian; `None` past its end.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&self, at: usize, size: usize) -> Option<&'a [u8]> {
        self.0.get(at..at.checked_add(size)?)
    }

    fn u16(&self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(self.bytes(at, 2)?.try_into().ok()?))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(at, 4)?.try_into().ok()?))
    }

    fn u64(&self, at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(at, 8)?.try_into().ok()?))
    }
}

/// Finds the directory from the last bytes of an archive, which begin at `start`.
pub(super) fn find_end(tail: &[u8], start: u64) -> Result<End, String> {
    let comment = |at: usize| {
        let fields = Fields(tail.get(at..)?);
        (fields.u32(0) == Some(0x0605_4b50)).then(|| fields.u16(20).map(usize::from))?
    };
    let rest = |at: usize| tail.len().saturating_sub(at).saturating_sub(22);
    let mut places = (0..=tail.len().saturating_sub(22)).rev();
    // Takes the record that ends where the archive ends, or else the last record: some writers pad.
    let record = places
        .clone()
        .find(|&at| comment(at).is_some_and(|size| size == rest(at)))
        .or_else(|| places.find(|&at| comment(at).is_some_and(|size| size <= rest(at))))
        .ok_or("not a zip archive: no end of central directory")?;
    let fields = Fields(tail.get(record..).unwrap_or_default());
    let end = || {
        Some(End {
            count: fields.u16(10)?.into(),
            size: fields.u32(12)?.into(),
            offset: fields.u32(16)?.into(),
            before: 0,
        })
    };
    let mut end = end().ok_or("the end of central directory is truncated")?;
    let mut limit = start.saturating_add(record as u64);
    if end.count == 0xffff || end.size == 0xffff_ffff || end.offset == 0xffff_ffff {
        (end, limit) = find_large_end(tail, start, record)
            .ok_or("the zip64 end of central directory is damaged")?;
    }
    let stop = end.offset.checked_add(end.size);
    match stop.and_then(|stop| limit.checked_sub(stop)) {
        Some(before) => Ok(End {
            before,
            offset: end.offset.saturating_add(before),
            ..end
        }),
        None => Err(format!(
            "the central directory of {} bytes at {} reaches past its end record at {limit}",
            end.size, end.offset
        )),
    }
}

/// Returns the zip64 record and its offset. A locator just before the plain record points to it.
fn find_large_end(tail: &[u8], start: u64, record: usize) -> Option<(End, u64)> {
    let locator_at = record.checked_sub(20)?;
    let locator = Fields(tail.get(locator_at..record)?);
    (locator.u32(0)? == 0x0706_4b50).then_some(())?;
    // The record is at the offset that the locator states, or, if the locator does not count bytes
    // in front, just before the locator.
    let said = locator.u64(8)?.checked_sub(start);
    let said = said.and_then(|at| usize::try_from(at).ok());
    let at = [said, locator_at.checked_sub(56)]
        .into_iter()
        .flatten()
        .find(|&at| {
            tail.get(at..record).and_then(|bytes| Fields(bytes).u32(0)) == Some(0x0606_4b50)
        })?;
    let fields = Fields(tail.get(at..record)?);
    let end = End {
        count: fields.u64(32)?,
        size: fields.u64(40)?,
        offset: fields.u64(48)?,
        before: 0,
    };
    Some((end, start.checked_add(at as u64)?))
}

/// Reads the central directory.
pub(super) fn parse(mut bytes: &[u8], end: &End) -> Result<Members, String> {
    let mut members = Members::new();
    let mut index = 0;
    while index < end.count || Fields(bytes).u32(0) == Some(ENTRY) {
        let cut = move || format!("entry {index} of the central directory is damaged");
        let (name, mut member, rest) = entry(bytes).ok_or_else(cut)?;
        // The system that made the entry: FAT.
        let from_dos = bytes.get(5) == Some(&0);
        bytes = rest;
        index = index.saturating_add(1);
        let moved = |offset: u64| offset.checked_add(end.before).ok_or_else(cut);
        member.header = moved(member.header)?;
        member.limit = moved(member.limit)?;
        let name = &*names(name, from_dos);
        // A directory, of whatever size.
        if name.ends_with('/') {
            continue;
        }
        let name = without_dots(name);
        if name.is_empty() {
            continue;
        }
        key::check(name).map_err(|rule| format!("member {name:?}: {rule}"))?;
        check(&member).map_err(|reason| format!("member {name:?}: {reason}"))?;
        members.insert(name.to_owned(), member);
    }
    // Some writers count more members than the field can hold.
    if (index ^ end.count) & 0xffff != 0 {
        return Err(format!(
            "the central directory has {index} entries, its end record counts {}",
            end.count
        ));
    }
    limit(&mut members, end.offset)?;
    Ok(members)
}

/// Decodes a name: UTF-8, or else code page 437 (APPNOTE, appendix D).
fn text(name: &[u8]) -> Cow<'_, str> {
    const HIGH: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
        αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
    let letter = |&byte: &u8| match byte.checked_sub(128) {
        Some(high) => HIGH.chars().nth(high.into()).unwrap_or('\u{fffd}'),
        None => byte.into(),
    };
    match std::str::from_utf8(name) {
        Ok(name) => Cow::Borrowed(name),
        Err(_) => name.iter().map(letter).collect(),
    }
}

/// Decodes a name and replaces the separators of some Windows archivers.
fn names(name: &[u8], from_dos: bool) -> Cow<'_, str> {
    let name = text(name);
    match from_dos && name.contains('\\') && !name.contains('/') {
        true => name.replace('\\', "/").into(),
        false => name,
    }
}

/// Strips the `./` that some archivers put in front of a name.
fn without_dots(name: &str) -> &str {
    let mut name = name;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    name
}

/// Parses one entry: returns its name, its member and the remaining bytes.
fn entry(bytes: &[u8]) -> Option<(&[u8], Member, &[u8])> {
    let fields = Fields(bytes);
    if fields.u32(0)? != ENTRY {
        return None;
    }
    let sizes = [28, 30, 32].map(|at| fields.u16(at).map(usize::from));
    let [name_size, extra_size, comment_size] = [sizes[0]?, sizes[1]?, sizes[2]?];
    let name = fields.bytes(46, name_size)?;
    let extra_at = name_size.checked_add(46)?;
    let extra = fields.bytes(extra_at, extra_size)?;
    let comment_at = extra_at.checked_add(extra_size)?;
    let rest = bytes.get(comment_at.checked_add(comment_size)?..)?;
    // The zip64 extra field holds sizes that do not fit, in this order.
    let mut large = zip64(extra);
    let mut wide = |at: usize| match fields.u32(at)? {
        u32::MAX => {
            let (value, rest) = large.split_first_chunk()?;
            large = rest;
            Some(u64::from_le_bytes(*value))
        }
        value => Some(value.into()),
    };
    let (size, compressed, header) = (wide(24)?, wide(20)?, wide(42)?);
    let encrypted = fields.u16(8)? & 1 != 0;
    let method = match fields.u16(10)? {
        _ if encrypted => Method::Encrypted,
        0 => Method::Stored,
        8 => Method::Deflated,
        other => Method::Other(other),
    };
    let member = Member {
        method,
        header,
        limit: header
            .checked_add(HEADER)?
            .checked_add(name_size as u64)?
            .checked_add(compressed)?,
        compressed,
        size,
        crc: fields.u32(16)?,
        data: OnceLock::new(),
    };
    Some((name, member, rest))
}

/// Returns the zip64 extra field; empty if there is none.
fn zip64(mut extra: &[u8]) -> &[u8] {
    loop {
        let fields = Fields(extra);
        let (Some(id), Some(size)) = (fields.u16(0), fields.u16(2)) else {
            return &[];
        };
        match (id, fields.bytes(4, size.into())) {
            (1, Some(data)) => return data,
            (_, Some(_)) => {
                let next = usize::from(size).saturating_add(4);
                extra = extra.get(next..).unwrap_or_default();
            }
            (_, None) => return &[],
        }
    }
}

fn check(member: &Member) -> Result<(), String> {
    let most = match member.method {
        Method::Stored if member.size != member.compressed => {
            return Err(format!(
                "{} bytes are stored in {} bytes",
                member.size, member.compressed
            ));
        }
        Method::Stored | Method::Encrypted | Method::Other(_) => return Ok(()),
        Method::Deflated => member.compressed.saturating_mul(DEFLATE_RATIO),
    };
    if member.size > most {
        return Err(format!(
            "{} bytes cannot come out of {} deflated ones",
            member.size, member.compressed
        ));
    }
    Ok(())
}

/// Sets the limit of each member, the start of the next one, and checks that no member exceeds its
/// limit.
fn limit(members: &mut Members, directory: u64) -> Result<(), String> {
    let mut order: Vec<(&String, &mut Member)> = members.iter_mut().collect();
    order.sort_unstable_by_key(|(_, member)| member.header);
    let mut next = directory;
    for (name, member) in order.into_iter().rev() {
        if member.limit > next {
            return Err(format!(
                "member {name:?} reaches past {next}, where the next member or the directory begins"
            ));
        }
        member.limit = next;
        next = member.header;
    }
    Ok(())
}

/// Returns the offset of a member's data, from its local header at `header`, name included.
pub(super) fn find_data(bytes: &[u8], name: &str, member: &Member) -> Result<u64, String> {
    let fields = Fields(bytes);
    let place = || {
        let (name_size, extra_size) = (fields.u16(26)?, fields.u16(28)?);
        let local = fields.bytes(30, name_size.into())?;
        let is_it = |from_dos| without_dots(&names(local, from_dos)) == name;
        let same = fields.u32(0)? == 0x0403_4b50 && (is_it(false) || is_it(true));
        let data = member.header.checked_add(HEADER)?;
        let data = data.checked_add(name_size.into())?;
        data.checked_add(extra_size.into()).filter(|_| same)
    };
    let data = place()
        .ok_or_else(|| format!("member {name:?}: the local header does not match the directory"))?;
    match data.checked_add(member.compressed) {
        Some(end) if end <= member.limit => Ok(data),
        _ => Err(format!(
            "member {name:?}: the data reach past {}",
            member.limit
        )),
    }
}

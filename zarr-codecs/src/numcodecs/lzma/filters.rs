//! The filters of liblzma, in the form of Python's `lzma` module.

use liblzma::stream::{Filters, LzmaOptions, MatchFinder, Mode, PRESET_EXTREME};
use serde::Deserialize;

/// The largest dictionary in bytes.
const MAX_DICTIONARY: u64 = 64 << 20;

/// A filter in the form of Python's `lzma` module.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Filter {
    pub(super) id: u64,
    preset: Option<u32>,
    dict_size: Option<u64>,
    lc: Option<u32>,
    lp: Option<u32>,
    pb: Option<u32>,
    mode: Option<u32>,
    nice_len: Option<u32>,
    mf: Option<u32>,
    depth: Option<u32>,
    dist: Option<u32>,
    start_offset: Option<u32>,
}

pub(super) const LZMA1: u64 = 0x4000_0000_0000_0001;
const LZMA2: u64 = 0x21;

/// Translates the filters of a stream, in the order of encoding.
pub(super) fn chain(filters: &[Filter]) -> Result<Filters, String> {
    let mut chain = Filters::new();
    for filter in filters {
        let start = filter.start_offset.unwrap_or(0).to_le_bytes();
        let added = match filter.id {
            LZMA1 => Ok(chain.lzma1(&options(None, filter)?)),
            LZMA2 => Ok(chain.lzma2(&options(None, filter)?)),
            0x03 => match filter.dist.unwrap_or(1) {
                dist @ 1..=256 => {
                    chain.delta_properties(&[dist.saturating_sub(1).to_le_bytes()[0]])
                }
                dist => return Err(format!("a delta distance of {dist}, expected 1 to 256")),
            },
            0x04 => chain.x86_properties(&start),
            0x05 => chain.powerpc_properties(&start),
            0x06 => chain.ia64_properties(&start),
            0x07 => chain.arm_properties(&start),
            0x08 => chain.arm_thumb_properties(&start),
            0x09 => chain.sparc_properties(&start),
            id => return Err(format!("an unknown filter with id {id}")),
        };
        added.map_err(|error| error.to_string())?;
    }
    Ok(chain)
}

/// Translates the options of an LZMA filter, whose own preset wins over `preset`.
pub(super) fn options(preset: Option<u32>, filter: &Filter) -> Result<LzmaOptions, String> {
    let preset = filter.preset.or(preset).unwrap_or(6);
    if preset & !PRESET_EXTREME > 9 {
        return Err(format!("a preset of {preset}, expected 0 to 9"));
    }
    let mut options = LzmaOptions::new_preset(preset).map_err(|error| error.to_string())?;
    if let Some(size) = filter.dict_size {
        match u32::try_from(size) {
            Ok(size) if u64::from(size) <= MAX_DICTIONARY => options.dict_size(size),
            _ => {
                return Err(format!(
                    "a dictionary of {size} bytes, expected at most {MAX_DICTIONARY}"
                ));
            }
        };
    }
    let bits = [filter.lc, filter.lp, filter.pb].map(|bits| bits.unwrap_or(0));
    if bits[0].saturating_add(bits[1]) > 4 || bits[2] > 4 {
        return Err(format!(
            "lc, lp and pb of {bits:?}, expected lc + lp and pb of at most 4"
        ));
    }
    filter.lc.map(|bits| options.literal_context_bits(bits));
    filter.lp.map(|bits| options.literal_position_bits(bits));
    filter.pb.map(|bits| options.position_bits(bits));
    match filter.mode {
        None => {}
        Some(1) => drop(options.mode(Mode::Fast)),
        Some(2) => drop(options.mode(Mode::Normal)),
        Some(mode) => return Err(format!("a mode of {mode}, expected 1 or 2")),
    }
    let finder = match filter.mf {
        None => None,
        Some(0x03) => Some(MatchFinder::HashChain3),
        Some(0x04) => Some(MatchFinder::HashChain4),
        Some(0x12) => Some(MatchFinder::BinaryTree2),
        Some(0x13) => Some(MatchFinder::BinaryTree3),
        Some(0x14) => Some(MatchFinder::BinaryTree4),
        Some(finder) => return Err(format!("an unknown match finder {finder}")),
    };
    finder.map(|finder| options.match_finder(finder));
    filter.nice_len.map(|length| options.nice_len(length));
    filter.depth.map(|depth| options.depth(depth));
    Ok(options)
}

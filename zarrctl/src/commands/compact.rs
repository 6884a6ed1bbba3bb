//! `zarrctl compact`: removes dead space from shards, and orders their inner chunks.

use clap::{Args, ValueEnum};
use serde_json::json;
use zarr::{CompactOptions, InnerOrder};

use crate::context::Context;
use crate::failure::{Outcome, Result};
use crate::text;

/// Rewrite shards without the space of replaced inner chunks
#[derive(Debug, Args)]
#[command(after_help = "\
Changes of a part of a large shard leave the old inner chunks behind as dead
space. Inner chunks stay encoded. A shard is stored on condition that nobody
changed it meanwhile, and readers see either the old shard or the new one.

Examples:
  zarrctl compact data.zarr/temperature --list
  zarrctl compact data.zarr/temperature --percent 25
  zarrctl compact s3://bucket/data.zarr/temperature --order morton")]
pub(crate) struct Compact {
    /// The array
    source: String,
    /// Leave shards with at most this much dead space, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    percent: u8,
    /// Also rewrite shards whose inner chunks are in another order
    #[arg(long)]
    order: Option<Order>,
    /// Change nothing: list the shards with more dead space than --percent
    #[arg(long, conflicts_with = "order")]
    list: bool,
}

/// The order of inner chunks in a shard.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Order {
    /// The last dimension varies fastest
    C,
    /// The Z-order curve
    Morton,
}

pub(crate) fn run(context: &Context, args: &Compact) -> Result<Outcome> {
    let array = context.open(&args.source)?.array()?;
    if args.list {
        return list(context, &array, args.percent);
    }
    let options = CompactOptions {
        percent: args.percent,
        order: args.order.map(|order| match order {
            Order::C => InnerOrder::C,
            Order::Morton => InnerOrder::Morton,
        }),
    };
    let _progress = context.progress("compacting", None);
    let done = array.compact(options)?;
    context.print(&json!({"shards": done.shards, "freed": done.freed}), || {
        format!(
            "rewrote {}, freed {}\n",
            text::plural(done.shards, "shard"),
            text::size(done.freed)
        )
    })?;
    Ok(Outcome::Well)
}

fn list(context: &Context, array: &zarr::blocking::Array, percent: u8) -> Result<Outcome> {
    let mut shards = array.dead_space()?;
    let is_more =
        |size: u64, dead: u64| u128::from(dead) * 100 > u128::from(size) * u128::from(percent);
    shards.retain(|shard| is_more(shard.size, shard.dead));
    let rows = shards
        .iter()
        .map(|shard| json!({"key": shard.key, "size": shard.size, "dead": shard.dead}));
    let printed = json!({"shards": rows.collect::<Vec<_>>()});
    context.print(&printed, || match shards.len() {
        0 => "no dead space\n".to_owned(),
        _ => shards
            .iter()
            .map(|shard| {
                let (dead, size) = (text::size(shard.dead), text::size(shard.size));
                format!("{}: {dead} of {size}\n", shard.key)
            })
            .collect(),
    })?;
    Ok(Outcome::Well)
}
